"""The works that gpu-nn and its peers are measured on: shapes, data, first weights, the float64 reference, the check.

A work's file (`prepare`) holds float64 tensors: x (features, m), y (m) with class numbers, and W1, b1, W2, b2, ... with
(out, in) and (out, 1), in a population with the networks in front; the fields of `Work` are JSON in its metadata. A
trained network is a file of the same W and b; predictions are one tensor, a (m).
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

import network


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    unit: str
    """What a time is given for: all iterations (run), or one of them."""
    m: int
    iterations: int
    layers: tuple = (2, 4, 1)
    shape: network.Shape = network.Shape("tanh", "sigmoid")
    rate: float = 1.2
    batch: int | None = None
    """Samples of a step, in order; the last batch of an epoch is short. None: all samples."""
    networks: int = 1
    predicts: bool = False

    def units(self):
        """How many units a run has."""
        return 1 if self.unit == "run" else self.iterations

    def batches(self):
        """First and last sample (excluded) of every batch of an epoch."""
        size = self.batch or self.m
        return [(start, min(start + size, self.m)) for start in range(0, self.m, size)]


WORKS = {
    work.name: work
    for work in (
        Work("w1", "course network 2-4-1, m = 400, 10,000 iterations", "run", 400, 10_000),
        Work("w2", "2-4-1, m = 100,000, 200 iterations", "iteration", 100_000, 200),
        Work(
            "w3",
            "784-512-512-10 relu softmax, 10,000 samples, batch 128, 79 steps of SGD",
            "step",
            10_000,
            79,
            layers=(784, 512, 512, 10),
            shape=network.Shape("relu", "softmax"),
            rate=0.1,
            batch=128,
        ),
        Work("w4", "predict 1,000,000 points with 2-4-1, 20 calls", "call", 1_000_000, 20, predicts=True),
        Work(
            "w5",
            "64 course networks (seeds 0 to 63), m = 400, 10,000 iterations",
            "run",
            400,
            10_000,
            networks=64,
        ),
    )
}


def flower(m):
    """The course's planar flower: x (2, m), y (m)."""
    np.random.seed(1)
    n = m // 2
    x, y = np.zeros((m, 2)), np.zeros(m)
    for j in range(2):
        rows = range(n * j, n * (j + 1))
        t = np.linspace(j * 3.12, (j + 1) * 3.12, n) + np.random.randn(n) * 0.2
        r = 4 * np.sin(4 * t) + np.random.randn(n) * 0.2
        x[rows] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[rows] = j
    return np.ascontiguousarray(x.T), y


def wide_data(features, classes, m):
    """Normal features, and the class that a random linear map answers: learnable, and of MNIST's shape."""
    random = np.random.RandomState(1)
    x = random.randn(features, m)
    return x, np.argmax(random.randn(classes, features) @ x, axis=0).astype(float)


def course_weights(seed):
    np.random.seed(seed)
    w1, w2 = np.random.randn(4, 2) * 0.01, np.random.randn(1, 4) * 0.01
    return [w1, np.zeros((4, 1)), w2, np.zeros((1, 1))]


def he_weights(layers):
    random = np.random.RandomState(2)
    pairs = zip(layers[:-1], layers[1:])
    weights = [(random.randn(n, n_prev) * np.sqrt(2 / n_prev), np.zeros((n, 1))) for n_prev, n in pairs]
    return [tensor for pair in weights for tensor in pair]


def make(work):
    """Data and first weights: x, y, [W1, b1, ...]."""
    if work.name == "w3":
        return *wide_data(work.layers[0], work.layers[-1], work.m), he_weights(work.layers)
    if work.predicts:
        x, y, weights = make(WORKS["w1"])
        weights, _ = network.train(work.shape, weights, x, y, WORKS["w1"])
        return np.random.RandomState(3).uniform(-4, 4, (2, work.m)), np.zeros(work.m), weights
    if work.networks > 1:
        population = zip(*(course_weights(seed) for seed in range(work.networks)))
        return *flower(work.m), [np.stack(tensors) for tensors in population]
    return *flower(work.m), course_weights(2)


def names(weights):
    """[w, b, w, b] as {W1, b1, W2, b2}."""
    return {f"{'Wb'[i % 2]}{i // 2 + 1}": tensor for i, tensor in enumerate(weights)}


def weights_of(tensors):
    """{W1, b1, W2, b2} as [w, b, w, b]."""
    return [
        tensors[f"{letter}{layer}"] for layer in range(1, len(tensors) + 1) for letter in "Wb" if f"W{layer}" in tensors
    ]


def load(path):
    """x, y and the first weights of a work's file."""
    tensors = load_file(path)
    return tensors["x"], tensors["y"], weights_of(tensors)


def prepare(work, folder):
    """Paths of the work's file and of the reference's result, made where they are not there from an earlier run."""
    sources = b"".join((Path(__file__).parent / name).read_bytes() for name in ("works.py", "network.py"))
    folder = Path(folder) / hashlib.sha256(sources).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    given, expected = folder / f"{work.name}.safetensors", folder / f"{work.name}-reference.safetensors"
    if not expected.exists():
        x, y, weights = make(work)
        save_file({"x": x, "y": y} | names(weights), given, {"work": json.dumps(dataclasses.asdict(work))})
        save_result(work, expected, run_reference(work, x, y, weights))
    return given, expected


def run_reference(work, x, y, weights):
    if work.predicts:
        return network.predict(work.shape, weights, x)[0]
    return network.train(work.shape, weights, x, y, work)[0]


def save_result(work, path, result):
    """Writes predictions (m), or [w, b, ...] of a trained network."""
    tensors = {"a": result} if work.predicts else names(result)
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path)
