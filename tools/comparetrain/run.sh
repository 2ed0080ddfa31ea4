#!/usr/bin/env bash
# What make compare-train does: finds or installs PyTorch 1.13 and OpenBLAS, builds the program and runs it with PyTorch's side.
# usage: run.sh [flags of comparetrain]
set -euo pipefail
source "$(cd "$(dirname "$0")" && pwd)/../../testmodels/scripts/venv.sh"
python=$(torch13)
blas=$(openblas)
program=$(mktemp)
trap 'rm -f "$program"' EXIT
(cd "$top" && go build -o "$program" ./tools/comparetrain)
"$program" -python "$python" -scripts "$scripts" -openblas "$blas" -readme "$top/README.md" "$@"
