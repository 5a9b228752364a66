#!/usr/bin/env bash
# All checks of the project: formatting, lints, documentation, tests, the browser build.
# Installs what the tests need where it can: a software Vulkan driver, on systems with apt.
#
#   scripts/test.sh
#
# GPU_NN_REQUIRE_GPU=1 makes tests that find no adapter fail instead of passing unseen; this script sets it unless told
# otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
export GPU_NN_REQUIRE_GPU="${GPU_NN_REQUIRE_GPU:-1}"

scripts/vulkan.sh

cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
cargo test --locked
