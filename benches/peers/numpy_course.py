"""The course's programme in NumPy, as its notebooks write it: planar flower, 2-4-1, 10,000 iterations at rate 1.2.

Prints seconds of training, the last cost and the number of right answers. Run by run.sh.
"""

import time

import numpy as np


def load_planar_dataset(m=400):
    np.random.seed(1)
    n = m // 2
    x = np.zeros((m, 2))
    y = np.zeros((m, 1), dtype="uint8")
    for j in range(2):
        ix = range(n * j, n * (j + 1))
        t = np.linspace(j * 3.12, (j + 1) * 3.12, n) + np.random.randn(n) * 0.2
        r = 4 * np.sin(4 * t) + np.random.randn(n) * 0.2
        x[ix] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[ix] = j
    return x.T, y.T


def main():
    x, y = load_planar_dataset()
    m = x.shape[1]
    np.random.seed(2)
    w1, b1 = np.random.randn(4, 2) * 0.01, np.zeros((4, 1))
    w2, b2 = np.random.randn(1, 4) * 0.01, np.zeros((1, 1))
    start = time.perf_counter()
    for _ in range(10_000):
        a1 = np.tanh(np.dot(w1, x) + b1)
        a2 = 1 / (1 + np.exp(-(np.dot(w2, a1) + b2)))
        logprobs = np.multiply(np.log(a2), y) + np.multiply(np.log(1 - a2), 1 - y)
        cost = -np.sum(logprobs) / m
        dz2 = a2 - y
        dw2, db2 = np.dot(dz2, a1.T) / m, np.sum(dz2, axis=1, keepdims=True) / m
        dz1 = np.multiply(np.dot(w2.T, dz2), 1 - np.power(a1, 2))
        dw1, db1 = np.dot(dz1, x.T) / m, np.sum(dz1, axis=1, keepdims=True) / m
        w1, b1 = w1 - 1.2 * dw1, b1 - 1.2 * db1
        w2, b2 = w2 - 1.2 * dw2, b2 - 1.2 * db2
    seconds = time.perf_counter() - start
    a2 = 1 / (1 + np.exp(-(np.dot(w2, np.tanh(np.dot(w1, x) + b1)) + b2)))
    right = int(np.sum((a2 > 0.5) == y))
    print(f"{seconds:.4f} {cost:.6f} {right}")


main()
