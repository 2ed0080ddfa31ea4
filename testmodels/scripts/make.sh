#!/usr/bin/env bash
# Makes every committed model again, into ../ or the folder given, and checks them. Installs what it needs: the
# newer PyTorch and TensorFlow take gigabytes. Weights and inputs come from fixed seeds, so that the same versions
# of everything give the same models.
set -euo pipefail
source "$(dirname "$0")/venv.sh"
out=${1:-$top/testmodels}
export PYTHONHASHSEED=0
cd "$scripts"

check=$(venv check)
old=$(torch13)
for name in recurrent seq2seq attention temporal forecaster hourly twin; do
	"$old" "make_$name.py" --out "$out"
done
"$old" make_training.py ${1:+--out "$1/golden"} # the golden states of lstmattn/testdata
"$old" make_losses.py ${1:+--out "$1/losses.json"}
"$(venv dynamo)" make_dynamo.py --out "$out"
"$(venv keras)" make_keras.py --out "$out"
"$(venv trees)" make_trees.py --out "$out"
for name in specification structure number_types refused quantised contrib contrib_early contrib_language contrib_real contrib_quantised optimised; do
	"$check" "make_$name.py" --out "$out"
done
"$check" make_schemas.py # the file of ops/schemas
"$check" make_format.py ${1:+--out "$1/format"} # the files of onnx/testdata
"$check" check_ort.py "$out"/*/*/
