#!/usr/bin/env bash
# All checks of the project: formatting, lints, documentation, tests, the browser build.
# Installs what the tests need where it can: a software Vulkan driver, on systems with apt.
#
#   scripts/test.sh
#
# GPU_NN_REQUIRE_GPU=1 (the default here) makes tests that find no adapter fail instead of passing unseen. On Debian the
# GPU tests run on two more software drivers, which scripts/drivers.sh unpacks under target/.
set -euo pipefail
cd "$(dirname "$0")/.."
export GPU_NN_REQUIRE_GPU="${GPU_NN_REQUIRE_GPU:-1}"

if [ "$GPU_NN_REQUIRE_GPU" = 1 ]; then scripts/vulkan.sh; fi
# Whether more drivers are to be tested than the one that is installed.
further_drivers() { [ "$GPU_NN_REQUIRE_GPU" = 1 ] && [ -z "${VK_DRIVER_FILES:-}" ]; }
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$target"
# What a driver has compiled for one test it need not compile for another.
export MESA_SHADER_CACHE_DIR="${MESA_SHADER_CACHE_DIR:-$target/tmp}"
# Where everything is compiled once and thrown away, nothing is kept for the next time. With the target named, macros and
# build scripts are compiled once for lints, for the browser and for tests, and apart from what is tested.
if [ -n "${CI:-}" ]; then
  host=$(rustc -vV | sed -n 's/^host: //p')
  export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_BUILD_TARGET="${CARGO_BUILD_TARGET:-$host}"
fi

# What runs beside the checks ends with them.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
# ONNX's code against its generator, which is built apart, beside the rest and in what time the processors have left.
# It runs on this machine and nowhere else: without a target its own build and that of its macros are one.
onnx=(env -u CARGO_BUILD_TARGET cargo test --locked --manifest-path tests/onnx/Cargo.toml --target-dir "$target/onnx")
nice -n 19 "${onnx[@]}" --no-run >"$target/onnx.log" 2>&1 &
generator=$!

echo "== formatting, lints, documentation"
cargo fmt --check
cargo fmt --check --manifest-path tests/onnx/Cargo.toml
cargo clippy --locked --all-targets --all-features -- -D warnings
cargo clippy --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib --quiet

echo "== licences, versions and known faults of dependencies"
if cargo deny --version >/dev/null 2>&1; then
  cargo deny --locked check licenses bans sources
  # The list of known faults comes over the network.
  if cargo deny --locked fetch db >/dev/null 2>&1; then
    cargo deny --locked check advisories
  else
    echo "The list of known faults cannot be fetched; checked without it." >&2
  fi
else
  echo "cargo-deny is not installed; its checks are left out (cargo install cargo-deny --locked)." >&2
fi

echo "== the library without the command line, for the browser"
scripts/wasm-check.sh

echo "== tests, with Parquet files and arrays"
# Beside compiling, Python's packages and more drivers come over the network.
(
  scripts/exports.sh --install
  if further_drivers; then scripts/drivers.sh target/drivers; fi
) >"$target/beside.log" 2>&1 &
beside=$!
# The library's own tests are short: compiling them without optimisation is shorter still.
cargo test --locked --all-features --profile dev --lib
# Of the examples it is enough that they compile, which was looked at above.
cargo test --locked --all-features --bins --test it --no-run
cargo test --locked --all-features --bins --test it
cargo test --locked --all-features --doc
# What failed beside is tried again where it is needed.
wait "$generator" || cat "$target/onnx.log"
wait "$beside" || cat "$target/beside.log"
"${onnx[@]}"

echo "== fuzzing"
if command -v cargo-fuzz >/dev/null; then
  scripts/fuzz.sh 60
else
  echo "skipped: cargo-fuzz is not installed; scripts/fuzz.sh runs without it where there is a C++ compiler"
fi

echo "== exports in the programs they are for"
scripts/exports.sh "$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}debug/gpu-nn"

if further_drivers; then
  drivers=$(scripts/drivers.sh target/drivers)
  for driver in $drivers; do
    echo "== GPU tests on $(basename "$driver" .json)"
    # Without those that test `gpu-nn verify` and not the driver: planted faults, and full effort beside the quick one.
    VK_DRIVER_FILES=$driver cargo test --locked --all-features --test it -- \
      gpu_ optimisers --skip planted --skip in_full
  done
fi
