//! What the golden tests share: the files of `tests/golden`, comparisons within a tolerance, and one way to train.

use gpu_nn::cpu_reference::Executor;
use gpu_nn::cpu_reference::course::Matrix;
use gpu_nn::network::{Activation, Layer, Loss, Network, Parameters};
use gpu_nn::schedule::Problem;
use serde_json::Value;

/// One of the golden files, by its name without `.json`.
pub fn golden(name: &str) -> Value {
    let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/{}.json"), name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A number; JSON has no NaN and no infinities, the files write them as strings.
pub fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap_or_else(|_| panic!("`{text}` is no number")),
        _ => value.as_f64().unwrap_or_else(|| panic!("{value} is no number")),
    }
}

/// A count.
pub fn count(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count")) as usize
}

/// The entries of a list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// A number, a list or a matrix of any depth as its numbers, row by row.
pub fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(entries) => entries.iter().flat_map(flat).collect(),
        _ => vec![number(value)],
    }
}

/// A list of integers, or a list of rows of them, flattened.
pub fn integers(value: &Value) -> Vec<u64> {
    match value {
        Value::Array(items) => items.iter().flat_map(integers).collect(),
        value => vec![value.as_u64().unwrap_or_else(|| panic!("no integer: {value}"))],
    }
}

/// Asserts equality: bit for bit with glibc, whose logarithm, sine and cosine the golden numbers were made with, and to
/// 1e-13 with another mathematics library.
#[track_caller]
pub fn assert_equal(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "lengths differ");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let equal = if cfg!(all(target_os = "linux", target_env = "gnu")) {
            found.to_bits() == expected.to_bits()
        } else {
            (found - expected).abs() <= 1e-13 * expected.abs().max(1.0)
        };
        assert!(equal, "value {i}: found {found:e}, expected {expected:e}");
    }
}

/// A list of rows.
pub fn matrix(value: &Value) -> Matrix {
    let rows: Vec<Vec<f64>> = list(value).iter().map(flat).collect();
    Matrix::from_rows(&rows).unwrap()
}

/// The matrices of those names one after the other: an arena, for `["W1", "b1", "W2", "b2"]`.
pub fn arena(value: &Value, names: &[&str]) -> Vec<f64> {
    names.iter().flat_map(|&name| flat(&value[name])).collect()
}

/// How far a number may be from the golden one: by `abs`, or by `rel` of it, whichever is more.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub abs: f64,
    pub rel: f64,
}

impl Tolerance {
    pub const fn abs(abs: f64) -> Self {
        Self { abs, rel: 0.0 }
    }
}

/// Compares element by element; a NaN never passes. Shows the first five places that differ.
#[track_caller]
pub fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: Tolerance) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    if let Some(at) = got.iter().position(|v| v.is_nan()) {
        panic!("{what}: value {at} is NaN, expected {}", want[at]);
    }
    let limits = |want: f64| (tolerance.abs, tolerance.rel * want.abs());
    let far: Vec<String> = got
        .iter()
        .zip(want)
        .enumerate()
        .filter(|(_, (got, want))| {
            let (abs, rel) = limits(**want);
            // Written so that a NaN among the expected values fails too; equal infinities pass.
            !(*got == *want || (*got - *want).abs() <= abs.max(rel))
        })
        .map(|(at, (got, want))| {
            let (abs, rel) = limits(*want);
            let difference = (got - want).abs();
            format!("  [{at}] got {got:e}, want {want:e}: off by {difference:.3e}, limits abs {abs:e}, rel {rel:.3e}")
        })
        .collect();
    let shown = far[..far.len().min(5)].join("\n");
    assert!(far.is_empty(), "{what}: {} of {} values differ\n{shown}", far.len(), got.len());
}

/// The course's data set, 400 points of a flower in two colours; x (2, 400), y (1, 400).
pub struct Planar {
    pub x: Matrix,
    pub y: Matrix,
}

pub fn planar() -> Planar {
    let file = golden("01_planar");
    Planar { x: matrix(&file["X"]), y: matrix(&file["Y"]) }
}

/// 2 features, the given hidden units, one sigmoid output; 0 units make logistic regression.
pub fn planar_network(n_h: usize, activation: Activation) -> Network {
    let hidden = if n_h == 0 { vec![] } else { vec![Layer { units: n_h, activation }] };
    Network::new(2, hidden, 1, Loss::BinaryCrossEntropy).unwrap()
}

/// What a training on the planar set leaves behind.
pub struct Run {
    /// The cost of each iteration, before its update, and at the end the cost of the final parameters.
    pub costs: Vec<f64>,
    pub parameters: Parameters,
    pub n_correct: usize,
}

/// Trains on the planar set with the executor.
pub fn train(network: &Network, initial: Parameters, learning_rate: f64, iterations: usize) -> Run {
    let Planar { x, y } = planar();
    let m = x.cols();
    let mut executor =
        Executor::new(&Problem::full_batch(network, &initial, x.data(), y.data(), m, learning_rate)).unwrap();
    run(&mut executor, iterations);
    let mut costs = executor.take_costs();
    assert_eq!(costs.len(), iterations);
    costs.push(executor.cost());
    let a = executor.predict(x.data(), m).unwrap();
    let predicted = a.iter().map(|&a| network.loss().class_of([a]).map_or(f64::NAN, f64::from));
    let n_correct = predicted.zip(y.data()).filter(|(p, y)| p == *y).count();
    Run { costs, parameters: executor.parameters().clone(), n_correct }
}

/// Runs exactly `iterations` steps: the executor may stop earlier and be called again.
pub fn run(executor: &mut Executor, iterations: usize) {
    let mut left = iterations;
    while left > 0 {
        left -= executor.run(left);
    }
}

/// Holds the costs at the iterations of a golden `{iteration: [...], cost: [...]}` against it.
#[track_caller]
pub fn assert_costs(what: &str, costs: &[f64], golden: &Value, tolerance: Tolerance) {
    assert_costs_until(what, costs, golden, usize::MAX, tolerance);
}

/// The same for the iterations up to `last` only.
#[track_caller]
pub fn assert_costs_until(what: &str, costs: &[f64], golden: &Value, last: usize, tolerance: Tolerance) {
    let (iterations, want) = (list(&golden["iteration"]), list(&golden["cost"]));
    assert_eq!(iterations.len(), want.len());
    let pairs = iterations.iter().map(count).zip(want.iter().map(number)).filter(|(k, _)| *k <= last);
    let (got, want): (Vec<f64>, Vec<f64>) = pairs.map(|(k, want)| (costs[k], want)).unzip();
    assert!(!got.is_empty(), "{what}: no cost to compare");
    assert_close(&format!("{what}: costs"), &got, &want, tolerance);
}

#[test]
#[should_panic(expected = "is NaN")]
fn a_nan_is_never_close() {
    assert_close("numbers", &[f64::NAN], &[f64::NAN], Tolerance::abs(f64::INFINITY));
}

#[test]
#[should_panic(expected = "1 of 2 values differ")]
fn an_expected_nan_is_never_met() {
    assert_close("numbers", &[1.0, 1.0], &[1.0, f64::NAN], Tolerance::abs(1.0));
}

#[test]
#[should_panic(expected = "[1] got 2.1e0, want 2e0")]
fn a_difference_beyond_both_limits_is_shown() {
    assert_close("numbers", &[1.0, 2.1], &[1.0, 2.0], Tolerance { abs: 0.01, rel: 0.02 });
}

#[test]
fn either_limit_is_enough() {
    assert_close("relative", &[1001.0], &[1000.0], Tolerance { abs: 0.0, rel: 0.01 });
    assert_close("absolute", &[0.0], &[1e-3], Tolerance::abs(1e-2));
    assert_close("infinite", &[f64::INFINITY], &[f64::INFINITY], Tolerance::abs(0.0));
}
