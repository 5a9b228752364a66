"""JAX on the CPU: a jitted step called from Python, and the whole run in one compiled program (lax.scan).

Everything is compiled ahead of time and the weights are donated. The population is vmap over that program.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import measure
import network

jax.config.update("jax_platforms", "cpu")


def logits(shape, weights, x):
    activate = jnp.tanh if shape.hidden == "tanh" else jax.nn.relu
    for w, b in zip(weights[:-2:2], weights[1:-2:2]):
        x = activate(w @ x + b)
    return weights[-2] @ x + weights[-1]


def cost(shape, weights, x, target):
    z = logits(shape, weights, x)
    if shape.output == "sigmoid":
        return jnp.mean(jax.nn.softplus(z) - z * target)
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(z, axis=0) * target, axis=0))


def step(work, weights, batch):
    """Gradient descent in the form of a scan's body: the new weights, and the cost before."""
    value, gradient = jax.value_and_grad(partial(cost, work.shape))(weights, *batch)
    return [p - work.rate * g for p, g in zip(weights, gradient)], value


def train_all(work, weights, batches):
    """All steps of the work; the last batch may be short, so it stands beside the scan."""
    body = partial(step, work)
    if work.batch is None:
        return lax.scan(lambda w, _: body(w, batches), weights, length=work.iterations)
    whole, short = batches
    weights, costs = lax.scan(body, weights, whole)
    weights, last = body(weights, short)
    return weights, jnp.append(costs, last)


def compiled(function, *arguments):
    return jax.jit(function, donate_argnums=0).lower(*arguments).compile()


def per_step(work, weights, batches):
    shapes = {batch[0].shape: batch for batch in batches}
    steps = {shape: compiled(partial(step, work), weights, batch) for shape, batch in shapes.items()}

    def run(weights):
        costs = []
        for i in range(work.iterations):
            batch = batches[i % len(batches)]
            weights, value = steps[batch[0].shape](weights, batch)
            costs.append(value)
        return weights, costs

    return run


def whole_run(work, weights, batches):
    if work.batch is None:
        arguments = batches[0]
    else:
        stacked = [jnp.stack(tensors) for tensors in zip(*batches[:-1])]
        arguments = (stacked, batches[-1])
    program = partial(train_all, work)
    if work.networks > 1:
        program = jax.vmap(program, in_axes=(0, None))
    program = compiled(program, weights, arguments)
    return lambda weights: program(weights, arguments)


def predict(work, weights, x):
    def outputs(x, weights):
        return jax.nn.sigmoid(logits(work.shape, weights, x))

    program = jax.jit(outputs).lower(x, weights).compile()
    jax.block_until_ready(program(x, weights))

    def run():
        for _ in range(work.iterations):
            a = jax.block_until_ready(program(x, weights))
        return a

    return run, lambda a: np.asarray(a)[0]


def prepare(work, form, x, y, weights):
    given = [np.float32(tensor) for tensor in weights]
    x = np.float32(x)
    if work.predicts:
        return predict(work, [jnp.array(tensor) for tensor in given], jnp.array(x))
    target = network.target_of(work.shape, y, work.layers[-1], np.float32)
    batches = [tuple(map(jnp.array, batch)) for batch in network.batches_of(work, x, target)]
    start = {"jit": per_step, "scan": whole_run}[form](work, [jnp.array(tensor) for tensor in given], batches)
    first = jax.block_until_ready([jnp.array(tensor) for tensor in given])
    return lambda: jax.block_until_ready(start(first)), lambda outcome: [np.asarray(p) for p in outcome[0]]


if __name__ == "__main__":
    measure.main(prepare, {"jax": jax.__version__})
