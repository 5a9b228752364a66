"""Writes tests/golden/10_optimisers.json: every optimiser's first 100 steps as PyTorch takes them, in float64.

    pip install torch numpy
    python scripts/golden_optimisers.py

A 2-4-1 network (tanh, sigmoid) on 60 points in batches of 16 in their own order, from the same first parameters. Penalties
and weight decay apply to weights, not to biases.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

STEPS, M, BATCH = 100, 60, 16

random = np.random.RandomState(7)
X = random.randn(2, M)
Y = (X[0] * X[1] + 0.3 * random.randn(M) > 0).astype(float)
FIRST = {"W1": 0.5 * random.randn(4, 2), "b1": np.zeros((4, 1)), "W2": 0.5 * random.randn(1, 4), "b2": np.zeros((1, 1))}


def constant(t):
    return 1.0


def cosine_after_warm_up(t, warm_up=10, over=80):
    if t < warm_up:
        return (t + 1) / (warm_up + 1)
    return (1 + math.cos(math.pi * min(t - warm_up, over) / over)) / 2


def steps_down(t, every=25, factor=0.5):
    return factor ** (t // every)


def exponential(t, every=30, factor=0.7):
    return factor ** (t / every)


# name: how PyTorch is asked for it, and the same in the words of gpu-nn.
CASES = {
    "sgd": dict(make=lambda p, lr: torch.optim.SGD(p, lr), lr=0.5),
    "sgd with steps down": dict(make=lambda p, lr: torch.optim.SGD(p, lr), lr=0.5, factor=steps_down),
    "sgd with l1": dict(make=lambda p, lr: torch.optim.SGD(p, lr), lr=0.5, l1=0.01),
    "sgd with l2": dict(make=lambda p, lr: torch.optim.SGD(p, lr), lr=0.5, l2=0.05),
    "momentum": dict(make=lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9), lr=0.1),
    "nesterov": dict(make=lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True), lr=0.1),
    "nesterov, exponential": dict(
        make=lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True), lr=0.1, factor=exponential
    ),
    "rmsprop": dict(make=lambda p, lr: torch.optim.RMSprop(p, lr, alpha=0.99, eps=1e-8), lr=0.01),
    "adam": dict(make=lambda p, lr: torch.optim.Adam(p, lr), lr=0.05),
    "adam with l2": dict(make=lambda p, lr: torch.optim.Adam(p, lr), lr=0.05, l2=0.05),
    "adamw": dict(make=lambda p, lr: torch.optim.AdamW(p, lr), lr=0.05, weight_decay=0.01),
    "adamw, cosine": dict(
        make=lambda p, lr: torch.optim.AdamW(p, lr), lr=0.05, weight_decay=0.01, factor=cosine_after_warm_up
    ),
}


def run(case):
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in FIRST.items()}
    l1, l2, decay = case.get("l1", 0.0), case.get("l2", 0.0), case.get("weight_decay", 0.0)
    groups = [
        {"params": [theta["W1"], theta["W2"]], "weight_decay": decay},
        {"params": [theta["b1"], theta["b2"]], "weight_decay": 0.0},
    ]
    optimizer = case["make"](groups, case["lr"])
    x, y = torch.tensor(X), torch.tensor(Y)
    costs = []
    for t in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = case["lr"] * case.get("factor", constant)(t)
        start = t % math.ceil(M / BATCH) * BATCH
        batch = slice(start, min(start + BATCH, M))
        z = theta["W2"] @ torch.tanh(theta["W1"] @ x[:, batch] + theta["b1"]) + theta["b2"]
        cost = torch.nn.functional.binary_cross_entropy_with_logits(z[0], y[batch])
        weights = [theta["W1"], theta["W2"]]
        penalty = sum(l1 * w.abs().sum() + l2 / 2 * (w * w).sum() for w in weights)
        optimizer.zero_grad()
        (cost + penalty).backward()
        optimizer.step()
        costs.append(cost.item())
    values = [value for name in ("W1", "b1", "W2", "b2") for value in theta[name].detach().numpy().ravel().tolist()]
    return {"costs": costs, "parameters": values}


def main():
    first = [value for name in ("W1", "b1", "W2", "b2") for value in FIRST[name].ravel().tolist()]
    out = {
        "torch": torch.__version__.split("+")[0],
        "m": M,
        "batch_size": BATCH,
        "steps": STEPS,
        "x": X.ravel().tolist(),
        "y": Y.tolist(),
        "first": first,
        "runs": {name: {"learning_rate": case["lr"], **run(case)} for name, case in CASES.items()},
    }
    path = Path(__file__).parent.parent / "tests" / "golden" / "10_optimisers.json"
    path.write_text(json.dumps(out) + "\n")
    print(f"wrote {path} with torch {torch.__version__}")


main()
