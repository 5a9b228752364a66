#!/usr/bin/env bash
# Runs tests with every access to memory checked by AddressSanitizer: those of the library, and of the readers of files, exports
# and the `cpu` executor, where all of its `unsafe` is.
#
#   scripts/sanitize.sh [FILTER...]      the tests whose names contain one of these
#
# No nightly toolchain: the flag is unlocked on a stable one, whose distribution has the runtime. x86_64 and aarch64 Linux.
set -euo pipefail
cd "$(dirname "$0")/.."
filters=("$@")
if [ $# -eq 0 ]; then
  filters=(cpu_ allocations arrays bad_files csv data:: export_ golden numpy_random parquet properties::cpu streaming tables tensorboard weights)
fi
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_PROFILE_DEV_DEBUG=line-tables-only
# Drivers and libraries that live as long as the process are no leaks of ours.
export ASAN_OPTIONS=detect_leaks=0
# A target is named so that build scripts and macros go without.
test=(cargo test --locked --all-features --target "$host" --target-dir "${GPU_NN_SANITIZE_OUT:-target/sanitize}")
"${test[@]}" --lib
"${test[@]}" --test it -- "${filters[@]}"
