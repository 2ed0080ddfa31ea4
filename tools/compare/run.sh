#!/usr/bin/env bash
# Installs ONNX Runtime and PyTorch into a virtual environment of its own, makes the models, and prints the table.
# usage: run.sh [flags of compare]
set -euo pipefail
cd "$(dirname "$0")"
work=${ONDA_COMPARE_DIR:-$PWD/work}
mkdir -p "$work"
if [ ! -x "$work/venv/bin/python" ]; then
	python3 -m venv "$work/venv"
	"$work/venv/bin/pip" install -q 'onnxruntime>=1.30' numpy
fi
library=$(ls "$work"/venv/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.* | head -n 1)
if [ ! -d "$work/models" ]; then
	bash ../../testmodels/scripts/perf_models.sh "$work/models"
fi
go run . -onnxruntime "$library" "$@" "$work/models"
