#!/usr/bin/env bash
# Checks that the library compiles for the browser: the default features without the command line.
# Where rustup cannot add the target, a toolchain of Debian packages does it (scripts/wasm-toolchain.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown

check() { cargo check --locked --lib --target $target --no-default-features --features cpu,gpu,plot; }

if rustc --print target-libdir --target $target 2>/dev/null | xargs test -d ||
  { command -v rustup >/dev/null && timeout 120 rustup target add $target >/dev/null 2>&1; }; then
  check
elif command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
  # What is only checked needs no fast standard library.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 scripts/wasm-toolchain.sh target/wasm-toolchain
  . target/wasm-toolchain/env.sh
  # Another compiler than that of the other builds: a folder of its own keeps both caches warm.
  CARGO_TARGET_DIR=target/wasm check
else
  echo "The target $target is missing and could not be added; run: rustup target add $target" >&2
  exit 1
fi
