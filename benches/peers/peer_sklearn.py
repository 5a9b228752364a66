"""scikit-learn: MLPClassifier with plain stochastic gradient descent, in float32; the population by joblib's processes."""

import warnings

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import measure

warnings.simplefilter("ignore", ConvergenceWarning)


def classifier(work, x, y, weights):
    """A classifier with these first weights: fitted on a few samples, which makes its arrays, then overwritten."""
    model = MLPClassifier(
        hidden_layer_sizes=work.layers[1:-1],
        activation=work.shape.hidden,
        solver="sgd",
        learning_rate_init=work.rate,
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        shuffle=False,
        max_iter=1,
        warm_start=True,
        tol=0,
    )
    few = np.concatenate([np.flatnonzero(y == c)[:8] for c in np.unique(y)])
    model.fit(x[few], y[few])
    epochs = max(1, work.iterations // len(work.batches()))
    model.set_params(batch_size=work.batch or work.m, max_iter=epochs, n_iter_no_change=epochs + 1)
    for mine, first in zip(model.coefs_, weights[::2]):
        mine[...] = first.T
    for mine, first in zip(model.intercepts_, weights[1::2]):
        mine[...] = first[:, 0]
    return model


def weights_of(model):
    pairs = zip(model.coefs_, model.intercepts_)
    return [tensor for w, b in pairs for tensor in (w.T, b[:, None])]


def prepare(work, form, x, y, weights):
    x, y = np.ascontiguousarray(x.T, dtype=np.float32), y.astype(int)
    if work.predicts:
        # A million points without classes: the two classes of the network stand in.
        model = classifier(work, x, np.arange(work.m) % 2, weights)
        return lambda: [model.predict_proba(x) for _ in range(work.iterations)][-1], lambda a: a[:, 1]
    if work.networks == 1:
        model = classifier(work, x, y, weights)
        return lambda: model.fit(x, y), weights_of
    models = [classifier(work, x, y, [tensor[i] for tensor in weights]) for i in range(work.networks)]
    with_all_cores = joblib.Parallel(n_jobs=-1)
    with_all_cores(joblib.delayed(abs)(i) for i in range(4))

    def collect(trained):
        return [np.stack(tensors) for tensors in zip(*map(weights_of, trained))]

    return lambda: with_all_cores(joblib.delayed(model.fit)(x, y) for model in models), collect


if __name__ == "__main__":
    measure.main(prepare, {"scikit-learn": sklearn.__version__})
