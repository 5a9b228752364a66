"""What is measured: every form of every peer, and gpu-nn's backends and lowerings, as commands with a reader.

A reader turns a finished process into `Timed` figures and a verdict. gpu-nn's own command line is known here only.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import check

HERE = Path(__file__).parent
ALL = ("w1", "w2", "w3", "w4", "w5")


@dataclass(frozen=True)
class Process:
    """A process that ended well: what it printed, and its seconds from start to exit, children included."""

    output: str
    seconds: float
    cpu_seconds: float


class Refused(Exception):
    """A program that says itself that it cannot do the work, and why."""


@dataclass
class Timed:
    """One measurement, seconds for the whole run, and whether its result is right."""

    seconds: float
    cpu_seconds: float
    setup_seconds: float
    right: bool
    words: str
    versions: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    who: str
    form: str
    command: Callable
    """folder for results -> arguments of the process"""
    read: Callable
    """Process, folder -> Timed"""
    whole_process: bool = True
    """Whether the process does the work and nothing else, so that its own time says something."""


PYTHON_PEERS = {
    "numpy": {"course": ("w1", "w2"), "float32": ALL},
    "sklearn": {"sgd": ALL},
    "torch": {
        "eager": ALL,
        "eager-1": ("w1",),
        "autograd": ("w1", "w2", "w3"),
        "compile": ALL,
        "compile-1": ("w1",),
    },
    "jax": {"jit": ("w1", "w2", "w3", "w4"), "scan": ("w1", "w2", "w3", "w5")},
    "tinygrad": {"webgpu": ALL},
}
RUST_PEERS = {"candle": {"cpu": ALL}, "burn": {"flex": ALL, "wgpu": ALL}}
PEERS = PYTHON_PEERS | RUST_PEERS


def peer(who, form, work, program, given, expected):
    """`program`: the interpreter and script, or the binary."""

    def read(process, folder):
        report = json.loads(process.output.splitlines()[-1])
        right, words = check.verdict(work, given, expected, folder / "result")
        return Timed(**report, right=right, words=words)

    def command(folder):
        return [*program, work.name, form, str(given), str(folder / "result")]

    return Candidate(who, form, command, read)


# gpu-nn's ways, by the names of `gpu-nn bench --only`, as options of `train` and `sweep`.
OUR_WAYS = {
    "cpu-reference": ["--backend", "cpu-reference"],
    "cpu": ["--backend", "cpu"],
    "layerwise": ["--backend", "vulkan", "--lowering", "layerwise"],
    "fused": ["--backend", "vulkan", "--lowering", "fused"],
    "resident": ["--backend", "vulkan", "--lowering", "resident"],
}
COURSE = ["--learning-rate", "1.2", "--iterations", "10000", "--no-plots", "--json"]
BENCH = {
    "w2": ["--m", "100000", "--init", "normal:0.01", "--learning-rate", "1.2", "--iterations", "200"],
    "w3": ["--m", "10000", "--features", "784", "--classes", "10", "--hidden", "512:relu,512:relu", "--init", "he"]
    + ["--batch-size", "128", "--iterations", "79"],
    "w4": ["--m", "1000000", "--predict", "--iterations", "20"],
}
OUR_FORMS = {
    "w1": tuple(OUR_WAYS),
    "w2": tuple(OUR_WAYS),
    "w3": ("cpu-reference", "cpu", "layerwise"),
    "w4": ("cpu-reference", "cpu", "layerwise"),
    "w5": ("cpu-reference", "cpu", "resident"),
}


def ours(form, work, program, given, expected):
    if work.name in BENCH:
        options = ["bench", *BENCH[work.name], "--runs", "1", "--json", "--only", form]
        return Candidate("gpu-nn", form, lambda _: [program, *options], lambda process, _: read_bench(process), False)
    options, reader = {
        "w1": (["train"], read_train),
        "w5": (["sweep", "--hidden", "4", "--init-seed", "0..63"], read_sweep),
    }[work.name]
    options = [program, *options, *COURSE, *OUR_WAYS[form]]

    def read(process, folder):
        return reader(process, folder, work, given, expected)

    return Candidate("gpu-nn", form, lambda folder: [*options, "--out", str(folder / "run")], read)


def read_train(process, folder, work, given, expected):
    """`gpu-nn train --json`; the saved model is checked as a peer's weights are. CPU time is known of the whole process
    only, which is more than that of the training."""
    seconds = json.loads(process.output)["seconds"]
    right, words = check.verdict(work, given, expected, folder / "run" / "model.safetensors")
    return Timed(seconds["train"], process.cpu_seconds, seconds["setup"], right, words)


def read_sweep(process, _folder, work, given, expected):
    """`gpu-nn sweep --json` saves the best network only, so the costs it prints are checked. Its time is that of the
    whole process."""
    runs = sorted(json.loads(process.output)["runs"], key=lambda run: run["init_seed"])
    costs, rights = zip(*((run["cost_after_last"], run["n_correct"]) for run in runs))
    right, words = check.population(work, given, expected, costs, rights)
    return Timed(process.seconds, process.cpu_seconds, 0.0, right, words)


def read_bench(process):
    """`gpu-nn bench --json`, which checks each row against cpu-reference itself. The first adapter's row counts."""
    row = json.loads(process.output)["rows"][0]
    if row["verdict"] == "failed":
        raise Refused(row["reason"])
    words = f"{row['error']:.0e} from cpu-reference"
    if row["verdict"] == "wrong":
        return Timed(0.0, 0.0, 0.0, False, words)
    seconds, cpu_seconds = (
        row[figure] * row["iterations"] / 1e6 for figure in ("us_per_iteration", "cpu_us_per_iteration")
    )
    return Timed(seconds, cpu_seconds, row["setup_s"], True, words)
