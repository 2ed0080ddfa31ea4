# Sourced by the other scripts. venv NAME makes the virtual environment of requirements-NAME.txt once, below
# ONDA_VENVS (default .venv at the top), and prints the path of its Python.

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$scripts/../.." && pwd)
venvs=${ONDA_VENVS:-$top/.venv}

venv() {
	local dir=$venvs/$1 wanted=$scripts/requirements-$1.txt
	if ! cmp -s "$wanted" "$dir/requirements.txt"; then
		rm -rf "$dir"
		python3 -m venv "$dir" >&2
		"$dir/bin/pip" install --quiet -r "$wanted" >&2
		cp "$wanted" "$dir/requirements.txt"
	fi
	echo "$dir/bin/python"
}

# openblas prints a folder whose libblas.so.3 is Debian's OpenBLAS, which it unpacks once below the venvs, or
# nothing where that cannot be had.
openblas() {
	local dir=$venvs/openblas libraries
	if [ ! -e "$dir/done" ] && command -v apt-get dpkg >/dev/null; then
		mkdir -p "$dir"
		(cd "$dir" && apt-get download -qq libopenblas0-pthread && dpkg -x libopenblas0-pthread_*.deb . && touch done) >&2 || true
	fi
	libraries=$(find "$dir" -path '*openblas-pthread/libblas.so.3' 2>/dev/null | head -n 1)
	[ -z "$libraries" ] || dirname "$libraries"
}

# torch13 prints a Python that has torch 1.13 and safetensors: Debian's python3-torch where it is or can be
# installed, PyPI's else.
torch13() {
	local dir=$venvs/debian-torch
	if ! /usr/bin/python3 -c 'import torch, onnx' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get install -y -qq python3-torch python3-onnx python3-venv >&2 || true
	fi
	if /usr/bin/python3 -c 'import torch, onnx; assert torch.__version__.startswith("1.13")' 2>/dev/null; then
		if [ ! -e "$dir/done" ]; then
			/usr/bin/python3 -m venv --system-site-packages "$dir" >&2
			"$dir/bin/pip" install --quiet safetensors==0.8.0 >&2
			touch "$dir/done"
		fi
		echo "$dir/bin/python"
	else
		venv torchscript
	fi
}
