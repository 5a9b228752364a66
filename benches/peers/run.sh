#!/usr/bin/env bash
# gpu-nn against its peers on the same work, interleaved; prints tables and writes target/peers/results.json.
#
#   benches/peers/run.sh [--works w1,w3] [--runs 5] [--only numpy,jax,ours] [--help]
#
# Needs Python 3.11, a C++ compiler (torch.compile) and some gigabytes: PyPI's PyTorch brings its CUDA libraries. All of it
# stays under target/peers. VK_DRIVER_FILES picks the Vulkan driver, for gpu-nn, burn and tinygrad alike.
#
# candle and burn are built by cargo, burn for some ten minutes and more. Before it is timed, burn's wgpu backend compiles
# and tries kernels; on a software driver that can take longer than the default --timeout (w3 on Mesa 25 and two busy
# cores: more than 15 minutes), and the row then says that it did not end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
venv=target/peers/venv
if ! [ -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --constraint "$here/requirements.txt" numpy safetensors
exec "$venv/bin/python" "$here/run.py" "$@"
