"""A multilayer perceptron in NumPy, in any precision: the reference in float64, NumPy's own measurement in float32.

Samples are columns, as in the course. Weights are [w, b, w, b, ...] with (out, in) and (out, 1); a population has its
networks in front: (networks, out, in).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    hidden: str
    """tanh or relu"""
    output: str
    """sigmoid (binary cross-entropy) or softmax (cross-entropy)"""


def forward(shape, weights, x):
    """The hidden layers' activations, x first, and the output's logits."""
    activations = [x]
    for w, b in zip(weights[:-2:2], weights[1:-2:2]):
        z = w @ activations[-1]
        z += b
        activations.append(np.tanh(z, out=z) if shape.hidden == "tanh" else np.maximum(z, 0, out=z))
    return activations, weights[-2] @ activations[-1] + weights[-1]


def cost_and_delta(shape, z, target):
    """The mean cost of each network, and its derivative by the logits z; target (1, m) or one-hot (classes, m)."""
    m = z.shape[-1]
    if shape.output == "sigmoid":
        # exp(-|z|) cannot overflow, and serves both the cost and the sigmoid.
        e = np.exp(-np.abs(z))
        cost = (np.maximum(z, 0) - z * target + np.log1p(e)).mean(axis=(-2, -1))
        delta = np.where(z >= 0, 1, e) / (1 + e) - target
    else:
        shifted = z - z.max(axis=-2, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=-2, keepdims=True)
        cost = (np.log(total).sum(axis=(-2, -1)) - (shifted * target).sum(axis=(-2, -1))) / m
        delta = e / total - target
    delta /= m
    return cost, delta


def step(shape, weights, x, target, rate):
    """One step of gradient descent; changes the weights in place, returns the cost before it."""
    activations, z = forward(shape, weights, x)
    cost, delta = cost_and_delta(shape, z, target)
    for layer in reversed(range(len(activations))):
        w, b, a = weights[2 * layer], weights[2 * layer + 1], activations[layer]
        if layer > 0:
            da = w.swapaxes(-1, -2) @ delta
        w -= rate * (delta @ a.swapaxes(-1, -2))
        b -= rate * delta.sum(axis=-1, keepdims=True)
        if layer > 0:
            delta = da * (1 - a * a) if shape.hidden == "tanh" else da * (a > 0)
    return cost


def target_of(shape, y, classes, dtype):
    """What the outputs should be: (1, m), or one-hot (classes, m)."""
    return y[None].astype(dtype) if shape.output == "sigmoid" else np.eye(classes, dtype=dtype)[:, y.astype(int)]


def batches_of(work, x, target):
    """Every batch of an epoch, contiguous."""
    return [(np.ascontiguousarray(x[:, a:b]), np.ascontiguousarray(target[:, a:b])) for a, b in work.batches()]


def train(shape, weights, x, y, work):
    """Runs the work in the precision of `weights`: the trained weights, and the cost before every step."""
    weights = [tensor.copy() for tensor in weights]
    batches = batches_of(work, x, target_of(shape, y, work.layers[-1], x.dtype))
    return weights, [step(shape, weights, *batches[i % len(batches)], work.rate) for i in range(work.iterations)]


def predict(shape, weights, x):
    """The sigmoid outputs (1, m)."""
    z = forward(shape, weights, x)[1]
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)
