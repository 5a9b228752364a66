"""gpu-nn's test scores on scikit-learn's bundled tables, beside MLPClassifier's and MLPRegressor's of the same network.

    folds.py --program target/release/gpu-nn [--backend cpu] [--seeds 5] [--tables wine,iris]

Each table goes to gpu-nn as CSV files with a header. The folds are the same on both sides, and so are the network (100
relu units), Adam at 0.001, batches of 200, 200 epochs and the penalty: scikit-learn adds alpha / 2 |w|^2 / samples of a
batch, gpu-nn l2 / 2 |w|^2, so l2 = alpha / batch. First weights are Glorot's on both sides, normal here and uniform there, which is why seeds are averaged. The score is
the accuracy, for diabetes R2. Ends with exit code 1 if a mean differs by more than 0.01.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

TABLES = {
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}
REGRESSION = {"diabetes"}
UNITS, RATE, BATCH, EPOCHS, ALPHA = 100, 0.001, 200, 200, 1e-4
TOLERANCE = 0.01


def write_csv(path, x, y):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"x{i + 1}" for i in range(x.shape[1])] + ["target"])
        for row, target in zip(x, y):
            writer.writerow([repr(float(value)) for value in row] + [target])


def ours(program, backend, folder, regression, n, seed):
    out = folder / f"run-{seed}"
    words = [program, "train", "--data", folder / "train.csv", "--test", folder / "test.csv",
             "--task", "regression" if regression else "classification", "--hidden", f"{UNITS}:relu",
             "--init", "xavier", "--init-seed", seed, "--shuffle-seed", seed, "--optimizer", "adam",
             "--learning-rate", RATE, "--batch-size", min(BATCH, n), "--epochs", EPOCHS,
             "--l2", ALPHA / min(BATCH, n), "--backend", backend, "--no-plots", "--quiet", "--json", "--out", out]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"gpu-nn failed: {done.stderr.strip()}")
    return json.loads(done.stdout)["test"]["r2" if regression else "accuracy"]


def theirs(x, y, x_test, y_test, regression, seed):
    kind = MLPRegressor if regression else MLPClassifier
    model = kind(hidden_layer_sizes=(UNITS,), activation="relu", solver="adam", alpha=ALPHA, batch_size=min(BATCH, len(x)),
                 learning_rate_init=RATE, max_iter=EPOCHS, n_iter_no_change=EPOCHS + 1, random_state=seed)
    scaler = StandardScaler().fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: the epochs are the same on both sides
        model.fit(scaler.transform(x), y)
    return model.score(scaler.transform(x_test), y_test)


def compare(name, options):
    table = TABLES[name]()
    x, y, regression = table.data, table.target, name in REGRESSION
    folds = (KFold if regression else StratifiedKFold)(5, shuffle=True, random_state=0)
    mine, peer = [], []
    for train, test in folds.split(x, y):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            y_train, y_test = y[train], y[test]
            if regression:  # both sides learn the standardised target; R2 does not change
                mean, deviation = y_train.mean(), y_train.std()
                y_train, y_test = (y_train - mean) / deviation, (y_test - mean) / deviation
            write_csv(folder / "train.csv", x[train], y_train)
            write_csv(folder / "test.csv", x[test], y_test)
            for seed in range(1, options.seeds + 1):
                mine.append(ours(options.program, options.backend, folder, regression, len(train), seed))
                peer.append(theirs(x[train], y_train, x[test], y_test, regression, seed))
    difference = np.mean(mine) - np.mean(peer)
    print(f"{name:<14} {len(x):>6} {x.shape[1]:>9} {np.mean(mine):>9.4f} {np.mean(peer):>13.4f} {difference:>+11.4f}",
          flush=True)
    return difference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/gpu-nn")
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables", default=",".join(TABLES))
    options = parser.parse_args()
    print(f"{'table':<14} {'samples':>6} {'features':>9} {'gpu-nn':>9} {'scikit-learn':>13} {'difference':>11}")
    differences = [compare(name, options) for name in options.tables.split(",")]
    # Better by more is no fault of ours, but it would mean that the two did not do the same.
    if any(abs(difference) > TOLERANCE for difference in differences):
        sys.exit(f"a mean differs by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
