#!/usr/bin/env bash
# What make compare does, on Linux: installs ONNX Runtime and PyTorch below .venv, makes the models, builds the
# programs, measures, and writes RESULTS.md and the README's section. Without cargo tract is left out. The first time it downloads
# some hundreds of megabytes, with torch 1.13 from PyPI over a gigabyte.
# usage: run.sh [flags of compare]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../testmodels/scripts/venv.sh"
work=${ONDA_COMPARE_DIR:-$here/work}
mkdir -p "$work/bin"

check=$(venv check)
library=$("$check" -c 'import glob, onnxruntime, os; print(glob.glob(os.path.dirname(onnxruntime.__file__) + "/capi/libonnxruntime.so.*")[0])')
if [ ! -d "$work/models" ]; then
	torch=$(torch13)
	(cd "$scripts" && "$torch" perf_models.py --out "$work/models.new")
	mv "$work/models.new" "$work/models"
fi

"$check" "$scripts/perf_int8.py" "$work/models" lstm_64_256 bilstm_2x512

cd "$here"
go build -o "$work/bin/" . ./peers/...
if command -v cargo >/dev/null; then
	cargo build --quiet --release --locked --manifest-path tract/Cargo.toml --target-dir "$work/tract"
	cp "$work/tract/release/tract-bench" "$work/bin/"
fi
"$work/bin/compare" -onnxruntime "$library" -peers "$work/bin" -report "$here/RESULTS.md" -readme "$top/README.md" "$@" "$work/models"
