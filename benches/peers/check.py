"""Is a result right? Costs and answers of a peer's weights in float64, beside those of the float64 reference."""

import numpy as np
from safetensors.numpy import load_file

import network
import works

# At rate 1.2 rounding decides the last digits from iteration 7,000 on: float32 and float64 runs of right programs end
# within 0.001 of each other, anywhere in this window.
COURSE_COST, COURSE_RIGHT = (0.2160, 0.2200), (360, 365)
# The same for any network of the population.
POPULATION_COST, POPULATION_RIGHT = 2e-3, 3
# Largest relative difference of the cost; right float32 programs differ by 5e-7 (w2) and 2e-4 (w3: steep at the start).
RELATIVE_COST = {"w2": 1e-5, "w3": 1e-3}
# Largest difference of a probability; float32 with large weights loses 1.2e-5.
PROBABILITY = 5e-5


def evaluate(work, weights, x, y):
    """Cost and number of right answers of each network, in float64."""
    _, z = network.forward(work.shape, [tensor.astype(np.float64) for tensor in weights], x)
    target = network.target_of(work.shape, y, work.layers[-1], np.float64)
    answers = (z > 0) == target if work.shape.output == "sigmoid" else z.argmax(-2) == y
    cost, _ = network.cost_and_delta(work.shape, z, target)
    return cost, answers.reshape(work.networks, -1).sum(-1)


def verdict(work, given, expected, result):
    """Whether the result file is right, and what is in it, in words."""
    if work.predicts:
        difference = np.abs(load_file(result)["a"] - load_file(expected)["a"]).max()
        return bool(difference <= PROBABILITY), f"largest difference {difference:.1e}"
    x, y, _ = works.load(given)
    cost, right = evaluate(work, works.weights_of(load_file(result)), x, y)
    if work.networks > 1:
        return population(work, given, expected, cost, right)
    wanted, wanted_right = evaluate(work, works.weights_of(load_file(expected)), x, y)
    words = f"cost {cost:.5f} ({wanted:.5f}), {right[0]:,} right ({wanted_right[0]:,})"
    if work.name == "w1":
        low, high = COURSE_COST
        return bool(low < cost < high and COURSE_RIGHT[0] <= right[0] <= COURSE_RIGHT[1]), words
    return bool(abs(cost - wanted) <= RELATIVE_COST[work.name] * wanted), words


def population(work, given, expected, cost, right):
    """The verdict on the costs and the numbers of right answers of all networks."""
    x, y, _ = works.load(given)
    wanted, wanted_right = evaluate(work, works.weights_of(load_file(expected)), x, y)
    cost_difference, right_difference = np.abs(np.subtract(cost, wanted)), np.abs(np.subtract(right, wanted_right))
    words = f"mean cost {np.mean(cost):.5f} ({wanted.mean():.5f}), largest difference {cost_difference.max():.1e}"
    near = (cost_difference <= POPULATION_COST) & (right_difference <= POPULATION_RIGHT)
    return bool(np.all(near)), words
