#!/usr/bin/env bash
# ONNX's own backend tests: installs onnx, has it write its test data, runs them through the runtime. The suites
# beside "node" run where Debian's libonnx-testdata is installed. Arguments go to go test, such as
# -update-conformance.
set -euo pipefail
source "$(dirname "$0")/venv.sh"
data=$venvs/onnxdata
if [ ! -d "$data/node" ]; then
	rm -rf "$data.new"
	mkdir -p "$data.new/node" "$data.new/simple" "$data.new/light" "$data.new/real"
	"$(venv check)" -m onnx.backend.test.cmd_tools generate-data -o "$data.new" >/dev/null 2>&1
	mv "$data.new" "$data"
fi
debian=$(dpkg -L libonnx-testdata 2>/dev/null | grep '/node$' | head -n 1 || true)
cd "$top"
ONDA_ONNX_DATA=$data${debian:+:$(dirname "$debian")} go test ./runtime -run TestConformance "$@"
