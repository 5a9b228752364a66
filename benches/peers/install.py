"""Brings the peers onto the machine, under target/peers: Python packages by pip, candle and burn by cargo.

A peer that cannot be had is an `Unavailable` with the reason; the others go on.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target" / "peers"

PACKAGES = {
    "numpy": ["numpy"],
    "sklearn": ["scikit-learn", "joblib"],
    "torch": ["torch"],
    "jax": ["jax"],
    "tinygrad": ["tinygrad", "dawn-python"],
}


class Unavailable(Exception):
    """A program that cannot be measured here, and why, in a line."""


def attempt(command, **options):
    """Runs a step of an installation."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        errors = [line for line in lines if line.lower().startswith("error")]
        raise Unavailable(f"not installed: {(errors or lines)[-1].strip()}")
    return done.stdout


def python_peer(who):
    """The command that starts a Python peer, installed."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    attempt([*pip, "--constraint", str(HERE / "requirements.txt"), *PACKAGES[who]])
    return [sys.executable, str(HERE / f"peer_{who}.py")]


def rust_peer(who):
    """The command that starts a Rust peer, built in its own workspace: gpu-nn's stays free of its dependencies."""
    # A folder each: their features differ, so in one folder they would rebuild what they share for each other.
    target = TARGET / who
    command = ["cargo", "build", "--release", "--locked", "--features", who, "--bin", who]
    attempt([*command, "--target-dir", str(target)], cwd=HERE / "rust-peers")
    return [str(target / "release" / who)]


def gpu_nn():
    """gpu-nn's program, built."""
    attempt(["cargo", "build", "--release", "--locked"], cwd=ROOT)
    return str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "gpu-nn")
