"""tinygrad on WEBGPU (dawn-python, so the same Vulkan driver as gpu-nn): a TinyJit step, gradients by its autograd."""

import os
import platform
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

# Read by tinygrad's import. The wheel of dawn-python has a library for each processor.
dawn = Path(find_spec("pydawn").origin).parent / "lib" / f"libwebgpu_dawn_{platform.machine()}.so"
os.environ.setdefault("DEV", "WEBGPU")
os.environ.setdefault("WEBGPU_PATH", str(dawn))

import numpy as np
from tinygrad import Device, Tensor, TinyJit

import measure
import network


def logits(shape, weights, x):
    for w, b in zip(weights[:-2:2], weights[1:-2:2]):
        z = w @ x + b
        x = z.tanh() if shape.hidden == "tanh" else z.relu()
    return weights[-2] @ x + weights[-1]


def cost(shape, weights, x, target):
    """The networks' costs added up: every network of a population gets its own gradient."""
    z = logits(shape, weights, x)
    m = x.shape[-1]
    if shape.output == "sigmoid":
        return (z.softplus() - z * target).sum() / m
    return -(z.log_softmax(axis=0) * target).sum() / m


def stepper(work, weights):
    """A captured step; one for each size of batch, as TinyJit wants it."""

    @TinyJit
    def step(x, target):
        value = cost(work.shape, weights, x, target)
        gradients = value.gradient(*weights)
        for tensor, gradient in zip(weights, gradients):
            tensor.assign(tensor - work.rate * gradient)
        return value.realize(*weights)

    return step


def tensors(arrays):
    return [Tensor(np.ascontiguousarray(array, dtype=np.float32)).realize() for array in arrays]


def train(work, x, y, first):
    weights = tensors(first)
    target = network.target_of(work.shape, y, work.layers[-1], np.float32)
    batches = [tensors(batch) for batch in network.batches_of(work, x, target)]
    steps = {batch[0].shape: stepper(work, weights) for batch in batches}
    for shape, step in steps.items():
        batch = next(batch for batch in batches if batch[0].shape == shape)
        # TinyJit captures in the second call and replays from the third on.
        for _ in range(3):
            step(*batch)
    for tensor, start in zip(weights, tensors(first)):
        tensor.assign(start).realize()
    Device[Device.DEFAULT].synchronize()

    def run():
        for i in range(work.iterations):
            batch = batches[i % len(batches)]
            steps[batch[0].shape](*batch)
        Device[Device.DEFAULT].synchronize()

    return run, lambda _: [tensor.numpy() for tensor in weights]


def predict(work, x, first):
    weights, (x,) = tensors(first), tensors([x])

    @TinyJit
    def outputs(x):
        return logits(work.shape, weights, x).sigmoid().realize()

    for _ in range(3):
        outputs(x)
    Device[Device.DEFAULT].synchronize()

    def run():
        for _ in range(work.iterations):
            a = outputs(x)
            Device[Device.DEFAULT].synchronize()
        return a

    return run, lambda a: a.numpy()[0]


def prepare(work, form, x, y, weights):
    return predict(work, x, weights) if work.predicts else train(work, x, y, weights)


if __name__ == "__main__":
    measure.main(prepare, {"tinygrad": version("tinygrad"), "dawn-python": version("dawn-python")})
