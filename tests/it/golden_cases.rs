//! Week 3's published unit cases, all of `05_shallow_cases.json` in order.
//!
//! `nn_model v1` is left out by design: its Y is real-valued, so its cost has no lower bound, the weights run off to
//! 6,000 and rounding decides their digits.

use gpu_nn::cpu_reference::course::Matrix;
use gpu_nn::cpu_reference::course::shallow::*;
use serde_json::Value;

use crate::support::{Tolerance, assert_close, assert_costs, count, flat, golden, list, matrix, number};

/// Formulas applied once: only the last bits may differ.
const UNIT: Tolerance = Tolerance { abs: 1e-12, rel: 1e-12 };

/// 10,000 updates: the measured drift is 3e-14.
const TRAINED: Tolerance = Tolerance::abs(1e-9);

fn case(name: &str) -> (Value, Value) {
    let file = golden("05_shallow_cases");
    let case = list(&file["cases"]).iter().find(|case| case["case"] == name);
    let case = case.unwrap_or_else(|| panic!("no case `{name}`"));
    (case["input"].clone(), case["output"].clone())
}

/// The parameters of a case; biases it does not mention are zero.
fn parameters(value: &Value) -> Parameters {
    let bias = |name: &str, w: &Matrix| match &value[name] {
        Value::Null => Matrix::new(w.rows(), 1, vec![0.0; w.rows()]).unwrap(),
        b => matrix(b),
    };
    let (w1, w2) = (matrix(&value["W1"]), matrix(&value["W2"]));
    Parameters { b1: bias("b1", &w1), b2: bias("b2", &w2), w1, w2 }
}

#[track_caller]
fn assert_matrices(case: &str, got: &[(&str, &Matrix)], want: &Value, tolerance: Tolerance) {
    for (name, got) in got {
        let want = matrix(&want[*name]);
        assert_eq!(got.shape(), want.shape(), "{case}: shape of {name}");
        assert_close(&format!("{case}: {name}"), got.data(), want.data(), tolerance);
    }
}

#[track_caller]
fn assert_parameters(case: &str, got: &Parameters, want: &Value, tolerance: Tolerance) {
    let named = [("W1", &got.w1), ("b1", &got.b1), ("W2", &got.w2), ("b2", &got.b2)];
    assert_matrices(case, &named, want, tolerance);
}

#[test]
fn every_case_of_the_file_is_known() {
    let file = golden("05_shallow_cases");
    let names: Vec<&str> = list(&file["cases"]).iter().map(|case| case["case"].as_str().unwrap()).collect();
    let tested = [
        "layer_sizes",
        "initialize_parameters",
        "forward_propagation v1",
        "compute_cost v1",
        "backward_propagation v1",
        "nn_model v1",
        "forward_propagation v2",
        "compute_cost v2",
        "backward_propagation v2",
        "nn_model v2",
        "nn_model v2 with the seed's learning rate 0.5",
        "update_parameters",
        "predict",
    ];
    assert_eq!(names, tested);
}

#[test]
fn layer_sizes_case() {
    let (input, output) = case("layer_sizes");
    let sizes = layer_sizes(&matrix(&input["X"]), &matrix(&input["Y"])).unwrap();
    assert_eq!(sizes, (count(&output["n_x"]), count(&output["n_h"]), count(&output["n_y"])));
}

#[test]
fn initialize_parameters_case() {
    let (input, output) = case("initialize_parameters");
    let size = |name: &str| count(&input[name]);
    let seed = size("seed") as u32;
    let got = initialize_parameters(size("n_x"), size("n_h"), size("n_y"), seed).unwrap();
    assert_parameters("initialize_parameters", &got, &output, UNIT);
}

#[test]
fn forward_propagation_cases() {
    for name in ["forward_propagation v1", "forward_propagation v2"] {
        let (input, output) = case(name);
        let (a2, cache) = forward_propagation(&matrix(&input["X"]), &parameters(&input)).unwrap();
        assert_eq!(a2, cache.a2);
        let named = [("Z1", &cache.z1), ("A1", &cache.a1), ("Z2", &cache.z2), ("A2", &cache.a2)];
        assert_matrices(name, &named, &output, UNIT);
        let means = named.map(|(_, m)| m.data().iter().sum::<f64>() / m.data().len() as f64);
        assert_close(name, &means, &flat(&output["means_Z1_A1_Z2_A2"]), UNIT);
    }
}

#[test]
fn compute_cost_cases() {
    for name in ["compute_cost v1", "compute_cost v2"] {
        let (input, output) = case(name);
        let cost = compute_cost(&matrix(&input["A2"]), &matrix(&input["Y"])).unwrap();
        assert_close(name, &[cost], &[number(&output["cost"])], UNIT);
    }
}

#[test]
fn backward_propagation_cases() {
    for name in ["backward_propagation v1", "backward_propagation v2"] {
        let (input, output) = case(name);
        let (a1, a2) = (matrix(&input["A1"]), matrix(&input["A2"]));
        // The case gives no Z: the formulas need none.
        let cache = Cache { z1: a1.clone(), a1, z2: a2.clone(), a2 };
        let (x, y) = (matrix(&input["X"]), matrix(&input["Y"]));
        let grads = backward_propagation(&parameters(&input), &cache, &x, &y).unwrap();
        let named = [("dW1", &grads.dw1), ("db1", &grads.db1), ("dW2", &grads.dw2), ("db2", &grads.db2)];
        assert_matrices(name, &named, &output, UNIT);
    }
}

#[test]
fn update_parameters_case() {
    let (input, output) = case("update_parameters");
    let gradient = |name: &str| matrix(&input[name]);
    let gradients =
        Gradients { dw1: gradient("dW1"), db1: gradient("db1"), dw2: gradient("dW2"), db2: gradient("db2") };
    let rate = number(&input["learning_rate"]);
    let updated = update_parameters(&parameters(&input), &gradients, rate).unwrap();
    assert_parameters("update_parameters", &updated, &output, UNIT);
}

#[test]
fn nn_model_cases() {
    for name in ["nn_model v2", "nn_model v2 with the seed's learning rate 0.5"] {
        let (input, output) = case(name);
        let (x, y) = (matrix(&input["X"]), matrix(&input["Y"]));
        let (n_h, iterations) = (count(&input["n_h"]), count(&input["iterations"]));
        let (rate, seed) = (number(&input["learning_rate"]), count(&input["init_seed"]) as u32);
        let (trained, costs) = nn_model(&x, &y, n_h, iterations, rate, seed).unwrap();
        assert_costs(name, &costs, &output["costs"], UNIT);
        assert_parameters(name, &trained, &output, TRAINED);
        let (a2, _) = forward_propagation(&x, &trained).unwrap();
        let cost = compute_cost(&a2, &y).unwrap();
        assert_close(name, &[cost], &[number(&output["cost_after_last"])], UNIT);
    }
}

#[test]
fn predict_case() {
    let (input, output) = case("predict");
    let (x, parameters) = (matrix(&input["X"]), parameters(&input));
    let (a2, _) = forward_propagation(&x, &parameters).unwrap();
    assert_close("predict: A2", a2.data(), &flat(&output["A2"]), UNIT);
    assert_eq!(predict(&parameters, &x).unwrap(), matrix(&output["predictions"]));
}
