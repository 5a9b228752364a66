#!/usr/bin/env bash
# The course's programme in NumPy and in gpu-nn's cpu_reference, in turn: seconds of training, five runs each.
# Makes a virtual environment of its own under target/. Each run's result is checked before its time counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=5
venv=target/peers
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check numpy
cargo build --release --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Cost before the last iteration and right answers: rounding decides the last digits at rate 1.2.
check() { awk -v who="$1" -v cost="$2" -v right="$3" 'BEGIN {
  if (!(cost > 0.2160 && cost < 0.2200 && right >= 360 && right <= 365)) { print who ": wrong result " cost " " right; exit 1 } }'; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for i in $(seq $runs); do
  read -r seconds cost right < <("$venv/bin/python" benches/peers/numpy_course.py)
  check numpy "$cost" "$right"
  echo "$seconds" >>"$out/numpy"
  target/release/gpu-nn train --backend cpu-reference --no-plots --json --out "$out/run-$i" >"$out/report.json"
  read -r seconds cost right < <("$venv/bin/python" -c '
import json, sys
r = json.load(open(sys.argv[1]))
print(r["seconds"]["train"], r["cost_after_last"], r["n_correct"])' "$out/report.json")
  check gpu-nn "$cost" "$right"
  echo "$seconds" >>"$out/reference"
done
numpy=$(median "$out/numpy")
reference=$(median "$out/reference")
printf 'course network, m = 400, 10,000 iterations; seconds of training, median of %d\n' $runs
printf 'NumPy          %.3f\ncpu_reference  %.3f\n' "$numpy" "$reference"
awk -v a="$reference" -v b="$numpy" 'BEGIN { printf "ratio          %.2f\n", a / b }'
