#!/usr/bin/env bash
# Checks `gpu-nn export` and `gpu-nn import` with onnx, onnxruntime, tract, NumPy and scikit-learn in a virtual
# environment of their own. Needs Python 3.11 with venv.
#
#   scripts/exports.sh [PROGRAM]
#   scripts/exports.sh --install     makes the environment and no checks
set -euo pipefail
cd "$(dirname "$0")/.."
if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "no Python 3.11 with venv: onnxruntime, tract and scikit-learn were not asked" >&2
  exit 0
fi
venv=target/exports
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# Compiling what is imported once takes longer than all checks.
"$venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --requirement scripts/exports-requirements.txt
program=${1:-}
[ "$program" != --install ] || exit 0
if [ -z "$program" ]; then
  cargo build --locked
  program=${CARGO_TARGET_DIR:-target}/debug/gpu-nn
fi
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" scripts/check_exports.py "$program"
