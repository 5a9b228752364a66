#!/usr/bin/env bash
# gpu-nn against its peers on the same work, interleaved; prints tables and writes target/peers/results.json.
#
#   benches/peers/run.sh [--works w1,w3] [--runs 5] [--only numpy,jax,ours] [--help]
#
# Needs Python 3.11, a C++ compiler (torch.compile) and some gigabytes: PyPI's PyTorch brings its CUDA libraries. All of it
# stays under target/peers. VK_DRIVER_FILES picks the Vulkan driver, for gpu-nn, burn and tinygrad alike.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
venv=target/peers/venv
if ! [ -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --constraint "$here/requirements.txt" numpy safetensors
exec "$venv/bin/python" "$here/run.py" "$@"
