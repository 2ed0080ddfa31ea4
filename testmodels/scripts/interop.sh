#!/usr/bin/env bash
# What make interop does: the committed models against ONNX Runtime, and models built here, exported in every form,
# against ONNX's checker, ONNX Runtime and PyTorch. Installs what it needs below .venv.
set -euo pipefail
source "$(dirname "$0")/venv.sh"
check=$(venv check)
torch=$(torch13)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { printf '\n== %s\n' "$*"; }

cd "$top"
go build -o "$work/onda" ./tools/onda
onda=$work/onda
cd "$scripts"

# compare FILE.onnx OUT_DIR NAME=N...: runs the model here on random inputs and compares with ONNX Runtime.
compare() {
	local model=$1 out=$2 inputs
	shift 2
	mkdir -p "$out/in" "$out/out"
	mapfile -t inputs < <("$check" make_inputs.py "$model" "$out/in" "$@")
	"$onda" run "$model" "${inputs[@]}" --output-dir "$out/out" >/dev/null
	local pairs=() file
	for file in "$out"/in/*.npy "$out"/out/*.npy; do
		pairs+=("$(basename "$file" .npy)=$file")
	done
	"$check" check_export.py "$model" "${pairs[@]}"
}

step "committed models: ONNX's checker and ONNX Runtime agree with what they must give"
"$check" check_ort.py

# facts CONFIG: input_size, a horizon other than its own that it can have, and whether attention, steps to split, and
# covariates are there.
facts() {
	"$check" - "$1" <<-'END'
		import json, sys
		c = json.load(open(sys.argv[1]))
		direct = c.get("decoding") == "direct"
		print(c["input_size"], c["horizon"] - 1 if direct or c.get("linear_skip") else 11, c.get("attention", True), not direct,
		      any(k in c for k in ("num_past", "num_future", "num_static")))
	END
}

for config in configs/*.json; do
	name=$(basename "$config" .json)
	dir=$work/$name
	step "built here: $name"
	read -r input horizon attention steps covariates < <(facts "$config")
	[ "$attention" = True ] && attention=--attention || attention=
	"$onda" init --config "$config" --seed 5 --out "$dir"
	if [ "$covariates" = False ]; then
		"$onda" forecast "$dir" --data ../series/hourly.csv --out "$dir/forecast.csv"
		"$torch" check_twin.py "$dir" ../series/hourly.csv "$dir/forecast.csv"
	fi
	for opset in 14 17 23; do
		for form in loop unrolled; do
			model=$dir/$form$opset/model.onnx
			mkdir -p "$(dirname "$model")"
			"$onda" export "$dir" --onnx "$model" --decoder "$form" --opset "$opset" $attention
			compare "$model" "$dir/$form$opset" batch=3 "horizon=$horizon" "steps=$((input + horizon))"
			"$torch" check_twin.py "$dir" "$dir/$form$opset/in" "$dir/$form$opset"/out/*.npy
		done
		[ "$steps" = True ] || continue
		mkdir -p "$dir/split$opset"
		"$onda" export "$dir" --onnx "$dir/split$opset/model.onnx" --decoder split --opset "$opset" $attention
		compare "$dir/split$opset/encoder.onnx" "$dir/split$opset/encoder" batch=2 "steps=$((input + 5))"
		compare "$dir/split$opset/decoder_step.onnx" "$dir/split$opset/decoder_step" batch=2 sequences=4 positions=3 position=1
	done
done
echo
echo "all agree"
