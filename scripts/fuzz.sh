#!/usr/bin/env bash
# Fuzzes every reader of files and every parser: a crash, an input that takes more than a second and an allocation of more than
# 256 MiB (fuzz/src/lib.rs) are findings.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]      60 seconds in all, every target (fuzz/targets); 0 only builds
#
# It takes a C++ compiler, for libFuzzer, and no nightly toolchain: the flags that cargo-fuzz passes work on a stable one, but
# for those of the sanitizers. New inputs go to target/fuzz/corpus, findings to target/fuzz/artifacts; keep the smallest of them
# in fuzz/corpus with `scripts/fuzz.sh minimise`.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
all=(csv npy npz idx model checkpoint spec)
out=${GPU_NN_FUZZ_OUT:-../target/fuzz}
mkdir -p "$out"
out=$(cd "$out" && pwd)

mode=run
if [ "${1:-}" = minimise ]; then mode=minimise; shift; fi
seconds=60
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
targets=("${@:-${all[@]}}")

# Coverage of edges, and comparisons with their operands.
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
# A target is named so that build scripts and macros go without the flags.
RUSTFLAGS="$flags" cargo build --release --locked --target "$host" --target-dir "$out/build"
if [ "$seconds" = 0 ]; then exit; fi

limits=(-timeout=1 -rss_limit_mb=1024 -max_len=65536)
each=$(( (seconds + ${#targets[@]} - 1) / ${#targets[@]} ))
for target in "${targets[@]}"; do
  mkdir -p "$out/corpus/$target" "$out/artifacts/$target" "corpus/$target"
  program="$out/build/$host/release/$target"
  if [ "$mode" = minimise ]; then
    fresh=$(mktemp -d)
    "$program" -merge=1 -max_len=2048 "$fresh" "corpus/$target" "$out/corpus/$target" 2>/dev/null
    # The smallest alone, beside those that are whole files: the folder is part of the project.
    find "$fresh" -type f -printf '%s %p\n' | sort -n | head -80 | cut -d' ' -f2 | xargs -r cp -t "corpus/$target"
    rm -rf "$fresh"
    continue
  fi
  echo "== $target, $each s"
  options=("${limits[@]}" "-max_total_time=$each" -print_final_stats=1 "-artifact_prefix=$out/artifacts/$target/")
  if [ -f "dictionaries/$target.txt" ]; then options+=("-dict=dictionaries/$target.txt"); fi
  if ! "$program" "${options[@]}" "$out/corpus/$target" "corpus/$target" >"$out/$target.log" 2>&1; then
    tail -n 40 "$out/$target.log" >&2
    echo "a finding; the input is in $out/artifacts/$target" >&2
    exit 1
  fi
  grep -E '^stat::(number_of_executed_units|peak_rss_mb)' "$out/$target.log"
done
