"""PyTorch on the CPU in three forms: eager with the gradients written out by hand, autograd (nn, optim), torch.compile.

`eager` spends the fewest operations: in place, weight gradient and update in one addmm. `compile` is the same step
through torch.compile in its default mode. Forms with `-1` use one thread: threads only cost where a step is tiny.
"""

import torch
from torch.nn import functional

import measure
import network


def multiply_add(b, w, a):
    return torch.addmm(b, w, a) if w.dim() == 2 else torch.baddbmm(b, w, a)


def update_(w, delta, a, rate):
    """w -= rate * delta @ a.T"""
    add_ = w.addmm_ if w.dim() == 2 else w.baddbmm_
    add_(delta, a.mT, alpha=-rate)


def forward(shape, weights, x):
    activations = [x]
    for w, b in zip(weights[:-2:2], weights[1:-2:2]):
        z = multiply_add(b, w, activations[-1])
        activations.append(z.tanh_() if shape.hidden == "tanh" else z.relu_())
    return activations, multiply_add(weights[-1], weights[-2], activations[-1])


def step(shape, rate, weights, x, target):
    """One step of gradient descent, in place; the cost before it."""
    activations, z = forward(shape, weights, x)
    m = x.shape[-1]
    if shape.output == "sigmoid":
        cost = functional.binary_cross_entropy_with_logits(z, target, reduction="sum") / m
        delta = (z.sigmoid() - target) / m
    else:
        log_a = z.log_softmax(0)
        cost = -(log_a * target).sum() / m
        delta = (log_a.exp() - target) / m
    for layer in reversed(range(len(activations))):
        w, b, a = weights[2 * layer], weights[2 * layer + 1], activations[layer]
        da = w.mT @ delta if layer > 0 else None
        update_(w, delta, a, rate)
        b.sub_(delta.sum(-1, keepdim=True), alpha=rate)
        if layer > 0:
            backward = torch.ops.aten.tanh_backward if shape.hidden == "tanh" else torch.ops.aten.threshold_backward
            delta = backward(da, a) if shape.hidden == "tanh" else backward(da, a, 0)
    return cost


def by_hand(work, one_step, weights, x, target):
    """`one_step` over all batches, tried out on a copy of the weights first."""
    batches = list(zip(x, target))
    if work.networks > 1:
        batches = [tuple(tensor.expand(work.networks, *tensor.shape) for tensor in batch) for batch in batches]

    def train(weights, iterations):
        with torch.no_grad():
            return [one_step(work.shape, work.rate, weights, *batches[i % len(batches)]) for i in iterations]

    train([tensor.clone() for tensor in weights], [0, 1, len(batches) - 1])
    return lambda: train(weights, range(work.iterations))


def module_of(work, weights):
    layers = []
    for w, b in zip(weights[::2], weights[1::2]):
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        with torch.no_grad():
            linear.weight.copy_(w)
            linear.bias.copy_(b[:, 0])
        layers += [linear, torch.nn.Tanh() if work.shape.hidden == "tanh" else torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def autograd(work, weights, x, target):
    """As PyTorch's tutorials write it, samples in rows."""
    batches = [(a.T.contiguous(), b.T.contiguous()) for a, b in zip(x, target)]
    cross_entropy = {
        "sigmoid": functional.binary_cross_entropy_with_logits,
        "softmax": functional.cross_entropy,
    }[work.shape.output]
    module = module_of(work, weights)
    optimizer = torch.optim.SGD(module.parameters(), lr=work.rate)

    def train(iterations):
        costs = []
        for i in iterations:
            a, b = batches[i % len(batches)]
            optimizer.zero_grad()
            cost = cross_entropy(module(a), b)
            cost.backward()
            optimizer.step()
            costs.append(cost.detach())
        return costs

    train([0])
    optimizer.zero_grad()
    with torch.no_grad():
        for parameter, first in zip(module.parameters(), weights):
            parameter.copy_(first.reshape(parameter.shape))

    def run():
        train(range(work.iterations))
        for tensor, parameter in zip(weights, module.parameters()):
            tensor.copy_(parameter.detach().reshape(tensor.shape))

    return run


def predict(work, form, weights, x):
    def outputs(x):
        return forward(work.shape, weights, x)[1].sigmoid_()

    call = torch.compile(outputs) if form == "compile" else outputs
    with torch.inference_mode():
        call(x)

    def run():
        with torch.inference_mode():
            for _ in range(work.iterations):
                a = call(x)
        return a

    return run, lambda a: a[0].numpy()


def prepare(work, form, x, y, weights):
    form, _, one_thread = form.partition("-")
    if one_thread:
        torch.set_num_threads(1)
    weights = [torch.tensor(tensor, dtype=torch.float32) for tensor in weights]
    if work.predicts:
        return predict(work, form, weights, torch.tensor(x, dtype=torch.float32))
    target = network.target_of(work.shape, y, work.layers[-1], x.dtype)
    x, target = zip(
        *((torch.tensor(a).float(), torch.tensor(b).float()) for a, b in network.batches_of(work, x, target))
    )
    if form == "autograd":
        run = autograd(work, weights, x, target)
    else:
        one_step = step if form == "eager" else torch.compile(step, dynamic=False)
        run = by_hand(work, one_step, weights, x, target)
    return run, lambda _: [tensor.numpy() for tensor in weights]


if __name__ == "__main__":
    measure.main(prepare, {"torch": torch.__version__})
