"""Makes the archives beside this file: MLPs of scikit-learn with what they answer, and bad ones. Needs scikit-learn.

    python tests/data/npz/make.py
"""

from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
random = np.random.RandomState(1)


def save(name, mlp, **others):
    np.savez(HERE / f"{name}.npz", *mlp.coefs_, *mlp.intercepts_, **others)


def said(mlp):
    """What an archive should say besides its numbers."""
    return {"activation": mlp.activation, "out_activation_": mlp.out_activation_}


def table(name, head, rows):
    (HERE / name).write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")


def samples(name, x):
    table(f"{name}-samples.csv", ",".join(f"x{i + 1}" for i in range(x.shape[1])), x.tolist())


def answers(name, mlp, x, columns):
    probabilities = mlp.predict_proba(x)[:, -columns:].tolist()
    head = ",".join(["class", *(f"probability of {name}" for name in mlp.classes_[-columns:])])
    table(f"{name}.csv", head, ([label, *row] for label, row in zip(mlp.predict(x), probabilities)))
    samples(name, x)


def fit(kind, x, y, **settings):
    return kind(max_iter=200, random_state=1, **settings).fit(x, y)


x = random.randn(60, 4)
y = np.array(["setosa", "größer", "virginica"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)]
mlp = fit(MLPClassifier, x, y, hidden_layer_sizes=(6, 5), activation="tanh")
save("classes", mlp, **said(mlp), classes_=mlp.classes_)
answers("classes", mlp, x[:10], 3)

x = random.randn(60, 3)
two = fit(MLPClassifier, x, np.where(x[:, 0] * x[:, 1] > 0, 8, 3), hidden_layer_sizes=5, activation="relu")
complete = said(two) | {"classes_": two.classes_}
save("two", two, **complete)
answers("two", two, x[:10], 1)
numbered = {f"coefs_{i}": np.asfortranarray(w.astype(">f8")) for i, w in enumerate(two.coefs_)}
numbered |= {f"intercepts_{i}": b for i, b in enumerate(two.intercepts_)}
np.savez(HERE / "named.npz", **numbered, **complete)
np.savez_compressed(HERE / "deflated.npz", *two.coefs_, *two.intercepts_, **complete)
save("bare", two)

x = random.randn(60, 2)
mlp = fit(MLPRegressor, x, x @ [[1, 2], [3, -1]], hidden_layer_sizes=4, activation="logistic", solver="lbfgs")
save("values", mlp, **said(mlp))
table("values.csv", "value_1,value_2", mlp.predict(x[:10]).tolist())
samples("values", x[:10])

x = x * [5, 0.1] + [2000, -3]
scaler = StandardScaler().fit(x)
mlp = fit(MLPRegressor, scaler.transform(x), x[:, 0] - 2000, hidden_layer_sizes=4, activation="tanh")
save("scaled", mlp, **said(mlp), mean_=scaler.mean_, scale_=scaler.scale_)
table("scaled.csv", "value", mlp.predict(scaler.transform(x[:10]))[:, None].tolist())
samples("scaled", x[:10])

w, b = [np.ones((3, 5)), np.ones((5, 1))], [np.ones(5), np.ones(1)]


def bad(name, weights=w, biases=b, **others):
    np.savez(HERE / f"{name}.npz", *weights, *biases, **({"activation": "relu", "out_activation_": "logistic"} | others))


objects = np.empty(2, dtype=object)
objects[:] = w
np.savez(HERE / "objects.npz", coefs_0=objects, intercepts_0=b[0])
bad("odd", w, b[:1])
bad("unfit", [w[0], np.ones((7, 1))])
bad("bias", w, [np.ones(4), b[1]])
bad("nan", [np.full((3, 5), np.nan), w[1]])
bad("multilabel", [w[0], np.ones((5, 3))], [b[0], np.ones(3)])
bad("complex", [w[0].astype(complex), w[1]])
np.savez(HERE / "other.npz", a=w[0], b=b[0])
bad("unknown", activation="swish")
bad("flat", scale_=np.zeros(3))
bad("short", mean_=np.zeros(2))
