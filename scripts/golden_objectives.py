"""Writes tests/golden/11_objectives.json: losses, label smoothing, clipped gradients, activations and L-BFGS as PyTorch
computes them, in float64.

    pip install torch numpy
    python scripts/golden_objectives.py

Networks 2-5-K on 60 points; steps in batches of 16 in their own order (L-BFGS: all points) from the same first parameters.
Penalties apply to weights, not to biases, and are clipped with the gradients.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

STEPS, M, BATCH, HIDDEN = 60, 60, 16, 5
ITERATIONS = 25  # of L-BFGS

random = np.random.RandomState(11)
X = random.randn(2, M)
TARGETS = {
    "sigmoid": (X[0] * X[1] + 0.3 * random.randn(M) > 0).astype(float)[None],
    "softmax": ((X[0] > 0.3).astype(int) + (X[1] > 0)).astype(float)[None],
    "identity": np.array([np.sin(2 * X[0]) + X[1] + 0.2 * random.standard_t(2, M), X[0] * X[1]]),
}
OUTPUTS = {"sigmoid": 1, "softmax": 3, "identity": 2}
FIRST = {
    output: [0.5 * random.randn(HIDDEN, 2), 0.1 * random.randn(HIDDEN, 1), 0.5 * random.randn(k, HIDDEN), 0.1 * random.randn(k, 1)]
    for output, k in OUTPUTS.items()
}

ACTIVATIONS = {
    "tanh": torch.tanh,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
}

SGD, ADAM = dict(optimizer="sgd", learning_rate=0.3), dict(optimizer="adam", learning_rate=0.05)
CASES = {
    "absolute": dict(output="identity", loss="absolute", optimizer="sgd", learning_rate=0.05),
    "huber": dict(output="identity", loss="huber:0.7", **SGD),
    "smoothed sigmoid": dict(output="sigmoid", smoothing=0.1, **SGD),
    "smoothed softmax": dict(output="softmax", smoothing=0.2, **SGD),
    "clipped norm": dict(output="identity", loss="squared", clip_norm=0.3, optimizer="sgd", learning_rate=0.2),
    "clipped norm with l2": dict(output="softmax", clip_norm=0.2, l2=0.3, optimizer="momentum", learning_rate=0.1),
    "clipped norm of adam": dict(output="identity", loss="huber:1", clip_norm=0.5, **ADAM),
    "clipped value": dict(output="identity", loss="squared", clip_value=0.05, optimizer="sgd", learning_rate=0.2),
    "clipped value with l1": dict(output="sigmoid", clip_value=0.02, l1=0.01, **ADAM),
    "gelu": dict(output="softmax", activation="gelu", **SGD),
    "silu": dict(output="identity", loss="squared", activation="silu", optimizer="sgd", learning_rate=0.1),
}

LBFGS = {
    "sigmoid": dict(output="sigmoid"),
    "softmax with l2": dict(output="softmax", l2=0.01),
    "values": dict(output="identity", loss="squared", activation="gelu"),
}


def loss_of(case, z, y):
    smoothing = case.get("smoothing", 0.0)
    if case["output"] == "sigmoid":
        return F.binary_cross_entropy_with_logits(z[0], y[0] * (1 - smoothing) + smoothing / 2)
    if case["output"] == "softmax":
        return F.cross_entropy(z.T, y[0].long(), label_smoothing=smoothing)
    name, _, delta = case["loss"].partition(":")
    differences = {
        "squared": lambda: F.mse_loss(z, y, reduction="none") / 2,
        "absolute": lambda: F.l1_loss(z, y, reduction="none"),
        "huber": lambda: F.huber_loss(z, y, reduction="none", delta=float(delta)),
    }[name]()
    return differences.sum(0).mean()


def begin(case):
    theta = [torch.tensor(value, requires_grad=True) for value in FIRST[case["output"]]]
    x, y = torch.tensor(X), torch.tensor(TARGETS[case["output"]])
    g = ACTIVATIONS[case.get("activation", "tanh")]

    def cost(batch):
        w1, b1, w2, b2 = theta
        return loss_of(case, w2 @ g(w1 @ x[:, batch] + b1) + b2, y[:, batch])

    def penalty():
        l1, l2 = case.get("l1", 0.0), case.get("l2", 0.0)
        return sum(l1 * w.abs().sum() + l2 / 2 * (w * w).sum() for w in (theta[0], theta[2]))

    return theta, cost, penalty


def values(theta):
    return [value for matrix in theta for value in matrix.detach().numpy().ravel().tolist()]


def run(case):
    theta, cost, penalty = begin(case)
    make = {
        "sgd": lambda: torch.optim.SGD(theta, case["learning_rate"]),
        "momentum": lambda: torch.optim.SGD(theta, case["learning_rate"], momentum=0.9),
        "adam": lambda: torch.optim.Adam(theta, case["learning_rate"]),
    }
    optimizer = make[case["optimizer"]]()
    costs, clipped = [], 0
    for t in range(STEPS):
        start = t % math.ceil(M / BATCH) * BATCH
        value = cost(slice(start, min(start + BATCH, M)))
        optimizer.zero_grad()
        (value + penalty()).backward()
        before = [theta_i.grad.clone() for theta_i in theta]
        if "clip_norm" in case:
            torch.nn.utils.clip_grad_norm_(theta, case["clip_norm"])
        if "clip_value" in case:
            torch.nn.utils.clip_grad_value_(theta, case["clip_value"])
        clipped += any(not torch.equal(old, theta_i.grad) for old, theta_i in zip(before, theta))
        optimizer.step()
        costs.append(value.item())
    # A case says nothing about clipping if nothing is clipped, or everything always is.
    assert ("clip_norm" in case or "clip_value" in case) == (clipped > STEPS // 10), (case, clipped)
    return {"costs": costs, "parameters": values(theta)}


def run_lbfgs(case):
    theta, cost, penalty = begin(case)
    # One iteration a call; the line search may take 25 evaluations, which max_eval would not leave it else.
    settings = dict(max_iter=1, max_eval=26, history_size=10, tolerance_grad=0, line_search_fn="strong_wolfe")
    optimizer = torch.optim.LBFGS(theta, lr=1, **settings)
    everything = slice(0, M)

    def closure():
        optimizer.zero_grad()
        value = cost(everything) + penalty()
        value.backward()
        return value

    costs, parameters = [], []
    for _ in range(ITERATIONS):
        costs.append(cost(everything).item())
        optimizer.step(closure)
        parameters.append(values(theta))
    return {"costs": costs, "parameters": parameters}


def main():
    out = {
        "torch": torch.__version__.split("+")[0],
        "m": M,
        "batch_size": BATCH,
        "hidden": HIDDEN,
        "steps": STEPS,
        "iterations": ITERATIONS,
        "x": X.ravel().tolist(),
        "targets": {output: y.ravel().tolist() for output, y in TARGETS.items()},
        "outputs": OUTPUTS,
        "first": {output: [v for matrix in first for v in matrix.ravel().tolist()] for output, first in FIRST.items()},
        "runs": {name: {**case, **run(case)} for name, case in CASES.items()},
        "lbfgs": {name: {**case, **run_lbfgs(case)} for name, case in LBFGS.items()},
    }
    path = Path(__file__).parent.parent / "tests" / "golden" / "11_objectives.json"
    path.write_text(json.dumps(out) + "\n")
    print(f"wrote {path} with torch {torch.__version__}")


main()
