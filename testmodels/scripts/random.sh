#!/usr/bin/env bash
# Random models beside ONNX Runtime, compiled and plain, with one thread and two: random.sh COUNT SEED [FAMILY ...]; see
# make_random.py. Failed ones stay in the folder that is printed.
set -euo pipefail
source "$(dirname "$0")/venv.sh"
work=$(mktemp -d)
cd "$top"
go build -o "$work/onda" ./tools/onda
"$(venv check)" "$scripts/make_random.py" "$work/models" "$@"
for how in --threads=1 --threads=2 --plain; do
	echo "== onda verify $how $work/models"
	"$work/onda" verify "$how" "$work/models" | grep -v '^ok'
done
rm -rf "$work"
