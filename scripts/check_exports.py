"""Holds `gpu-nn export` and `gpu-nn import` against the programs they are for: onnx.checker, onnxruntime, tract, NumPy,
scikit-learn. Needs their packages; scripts/exports.sh installs them and calls this.

    python scripts/check_exports.py target/release/gpu-nn
"""

import csv
import io
import itertools
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tract
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

TOLERANCE = 1e-5
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu(0.1)", "elu", "softplus", "gelu", "silu", "identity")
FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu(0.1)": lambda z: np.where(z > 0, z, 0.1 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(z, 0),
    "gelu": lambda z: z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2,
    "silu": lambda z: z / (1 + np.exp(-z)),
    "identity": lambda z: z,
    "softmax": lambda z: np.exp(z - z.max(0)) / np.exp(z - z.max(0)).sum(0),
}


class Program:
    """gpu-nn in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = Path(program).resolve(), folder

    def __call__(self, *arguments):
        done = subprocess.run(
            [self.program, *arguments], cwd=self.folder, capture_output=True, text=True, encoding="utf-8"
        )
        if done.returncode:
            sys.exit(f"gpu-nn {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def predict(self, model, data):
        """Classes (or none) and numbers (m, columns) as `predict` prints them, in double precision."""
        out = self("predict", model, "--backend", "cpu-reference", "--data", data)
        head, *rows = csv.reader(io.StringIO(out))
        first = int(head[0] == "class")
        return [row[0] for row in rows] if first else None, np.array([row[first:] for row in rows], dtype=float)


def write_table(path, x, names, y=None):
    """A CSV file of features in columns, and a target where there is one."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names if y is None else [*names, "target"])
        rows = [list(map(repr, row.tolist())) for row in x]
        writer.writerows(rows if y is None else [[*row, target] for row, target in zip(rows, y)])


def difference(what, got, want):
    """The largest difference, relative to numbers above 1, which must be small; a NaN is not."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    assert got.shape == want.shape, f"{what}: shapes {got.shape} and {want.shape}"
    found = (np.abs(got - want) / np.maximum(1, np.abs(want))).max()
    assert found <= TOLERANCE, f"{what}: off by {found}"
    return found


class Tract:
    """A graph in tract. Its Python interface shows no texts: classes by their indices, which the last Gather takes."""

    def __init__(self, path):
        graph = onnx.load(path)
        self.names = None
        for node in graph.graph.node:
            if "label" in node.output:
                (data,) = (one for one in graph.graph.initializer if one.name == node.input[0])
                self.names = np.array([name.decode() for name in data.string_data])
                graph.graph.output.append(onnx.ValueInfoProto(name=node.input[1]))
        (text,) = [i for i, output in enumerate(graph.graph.output) if output.name == "label"] or [None]
        if text is not None:
            del graph.graph.output[text]
        self.outputs = [output.name for output in graph.graph.output]
        other = Path(path).with_suffix(".tract.onnx")
        onnx.save(graph, other)
        self.runnable = tract.onnx().load(str(other)).into_model().into_runnable()

    def run(self, x):
        values = dict(zip(self.outputs, (one.to_numpy() for one in self.runnable.run([x]))))
        if self.names is None:
            return values
        (index,) = (name for name in values if name != "probabilities")
        return {"probabilities": values["probabilities"], "label": self.names[values[index]]}


def check_onnx(path, x, classes, numbers, what):
    """The file is valid, names what it takes and gives, and onnxruntime and tract compute what gpu-nn does, for any batch."""
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 13)], what
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert len(json.loads(metadata["feature_names"])) == x.shape[1], what
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.shape) == ("features", ["batch", x.shape[1]]), (what, given)
    outputs = [output.name for output in session.get_outputs()]
    engines = (lambda x: dict(zip(outputs, session.run(None, {"features": x}))), Tract(path).run)
    worst = 0
    for m, run in itertools.product((len(x), 1), engines):
        values = run(x[:m].astype(np.float32))
        if classes is None:
            worst = max(worst, difference(what, values["values"], numbers[:m]))
            continue
        want = np.hstack([1 - numbers, numbers])[:m] if numbers.shape[1] == 1 else numbers[:m]
        worst = max(worst, difference(what, values["probabilities"], want))
        # Probabilities that single precision cannot tell apart may fall either way.
        sure = np.diff(np.sort(want, axis=1)[:, -2:])[:, 0] > 1e-4
        assert (values["label"] == classes[:m])[sure].all(), what
    return worst


def check_npz(path, x, numbers, what):
    """NumPy reads the archive, and its matrices give the same answers."""
    archive = np.load(path)  # without pickles
    a = x.T
    functions = [*archive["activations"].tolist(), str(archive["output"])]
    for layer, function in enumerate(functions, 1):
        a = FUNCTIONS[function](archive[f"W{layer}"] @ a + archive[f"b{layer}"])
    return difference(what, a.T, numbers)


def check_exports(gpu_nn, folder):
    """Every activation with every output kind, trained a little."""
    random = np.random.RandomState(1)
    x = random.randn(200, 3) * [1, 2, 3]
    corner = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    targets = {
        "sigmoid": np.array(["no", "größer, \"ja\""])[(x[:, 0] * x[:, 1] > 0).astype(int)],
        "softmax": np.array(["a", "b", "c"])[corner],
        "identity": (x[:, 0] * x[:, 1]).tolist(),
    }
    worst = {"onnxruntime, tract": 0, "NumPy": 0}
    names = ["length", "width", "height"]
    for output, y in targets.items():
        write_table(folder / f"{output}.csv", x, names, y)
    # The last one saturates every function.
    x = np.vstack([x, [150, -150, 150]]).astype(np.float32).astype(float)
    write_table(folder / "points.csv", x, names)
    for number, (activation, output) in enumerate(itertools.product((*ACTIVATIONS, None), targets)):
        hidden = f"7:{activation},4:{activation}" if activation else "none"
        what, run = f"{hidden} {output}", f"run{number}"
        train = ["train", "--data", f"{output}.csv", "--hidden", hidden, "--output", output, "--init", "xavier"]
        train += ["--scale", "none", "--learning-rate", "0.05", "--iterations", "200", "--no-plots", "--quiet"]
        # Parameters of both precisions.
        train += ["--backend", "cpu" if number % 2 else "cpu-reference"]
        gpu_nn(*train, "--out", run)
        classes, numbers = gpu_nn.predict(run, "points.csv")
        for ending in ("onnx", "npz"):
            gpu_nn("export", run, "--out", f"{run}.{ending}")
        found = check_onnx(folder / f"{run}.onnx", x, classes, numbers, what)
        worst["onnxruntime, tract"] = max(worst["onnxruntime, tract"], found)
        worst["NumPy"] = max(worst["NumPy"], check_npz(folder / f"{run}.npz", x, numbers, what))
    for who, found in worst.items():
        print(f"{who}: {number + 1} networks, largest difference {found:.1e}")
    found = check_preprocessing(gpu_nn, folder)
    print(f"onnxruntime, tract: 2 networks with preprocessing, largest difference {found:.1e}")


def check_preprocessing(gpu_nn, folder):
    """Raw numbers far from zero, a missing one and a column of texts, which goes in as one of 0 and 1 a category."""
    random = np.random.RandomState(3)
    # Exact in single precision, which the graph takes.
    year, size = 2000 + random.randint(-40, 40, 100) / 8, random.randn(100).astype(np.float32).astype(float)
    colours = np.array(["blue", "green", "red"])
    colour = random.randint(0, 3, 100)
    with open(folder / "raw.csv", "w", encoding="utf-8") as file:
        file.write("year,size,colour,target\n")
        for i in range(100):
            cell = "" if i == 5 else repr(size[i].item())
            file.write(f"{year[i].item()!r},{cell},{colours[colour[i]]},{'ab'[int(year[i] > 2000)]}\n")
    size[5] = np.nan
    x = np.column_stack([year, size, colour == 0, colour == 1, colour == 2]).astype(float)
    worst = 0
    for scale in ("standardise", "minmax"):
        train = ["train", "--data", "raw.csv", "--hidden", "4", "--scale", scale, "--impute", "mean"]
        gpu_nn(*train, "--iterations", "200", "--no-plots", "--quiet", "--backend", "cpu", "--out", scale)
        classes, numbers = gpu_nn.predict(scale, "raw.csv")
        gpu_nn("export", scale, "--out", "raw.onnx")
        worst = max(worst, check_onnx(folder / "raw.onnx", x, classes, numbers, scale))
    return worst


def check_imports(gpu_nn, folder):
    """scikit-learn's networks, as the help tells to save them; through gpu-nn to onnxruntime too."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # the weights need not be good
    random = np.random.RandomState(2)
    x = random.randn(100, 3)
    corner = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    write_table(folder / "x.csv", x, ["x1", "x2", "x3"], corner)
    worst = 0
    for activation, kind in itertools.product(("logistic", "tanh", "relu", "identity"), ("two", "many", "values")):
        settings = {"hidden_layer_sizes": (6, 5), "activation": activation, "solver": "lbfgs", "max_iter": 50}
        if kind == "values":
            mlp = MLPRegressor(**settings, random_state=1).fit(x, x @ [[1, 2], [0, 1], [1, 1]])
            names, want, labels = {}, mlp.predict(x), None
        else:
            y = np.array(["left", "right", "up"])[corner] if kind == "many" else np.where(corner == 1, 7, 3)
            mlp = MLPClassifier(**settings, random_state=1).fit(x, y)
            names, want, labels = {"classes_": mlp.classes_}, mlp.predict_proba(x), mlp.predict(x).astype(str)
        np.savez(
            folder / "mlp.npz",
            *mlp.coefs_,
            *mlp.intercepts_,
            activation=mlp.activation,
            out_activation_=mlp.out_activation_,
            **names,
        )
        what = f"{activation} {kind}"
        gpu_nn("import", "mlp.npz", "--out", "model")
        classes, numbers = gpu_nn.predict("model", "x.csv")
        worst = max(worst, difference(what, numbers, want[:, -numbers.shape[1] :]))
        assert labels is None or (labels == classes).all(), what
        gpu_nn("export", "model", "--out", "mlp.onnx")
        check_onnx(folder / "mlp.onnx", x, classes, numbers, what)
    print(f"scikit-learn: 12 networks imported, largest difference {worst:.1e}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        gpu_nn = Program(sys.argv[1], Path(name))
        check_exports(gpu_nn, Path(name))
        check_imports(gpu_nn, Path(name))


if __name__ == "__main__":
    # A script cut short must not pass: every check above is an assertion.
    if not __debug__:
        sys.exit("python -O drops the checks")
    main()
