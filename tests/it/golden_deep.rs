//! Week 4's published unit cases and the L-layer trainings: all of `06_deep_cases.json`.

use gpu_nn::cpu_reference::course::Matrix;
use gpu_nn::cpu_reference::course::deep::*;
use gpu_nn::cpu_reference::course::shallow;
use gpu_nn::network::{Activation, Initializer};
use serde_json::Value;

use crate::support::{
    Planar, Tolerance, assert_close, assert_costs, count, golden, list, matrix, number, planar,
};

/// Formulas applied once: only the last bits may differ.
const UNIT: Tolerance = Tolerance { abs: 1e-12, rel: 1e-12 };

/// The parameters after 3,000 updates.
const TRAINED: Tolerance = Tolerance::abs(1e-9);

/// The cases whose name starts with `prefix`, as (name, input, output).
fn cases(prefix: &str, expected: usize) -> Vec<(String, Value, Value)> {
    let file = golden("06_deep_cases");
    let of_prefix = |case: &&Value| case["case"].as_str().unwrap().starts_with(prefix);
    let found: Vec<_> = list(&file["cases"])
        .iter()
        .filter(of_prefix)
        .map(|case| {
            (case["case"].as_str().unwrap().to_owned(), case["input"].clone(), case["output"].clone())
        })
        .collect();
    assert_eq!(found.len(), expected, "cases named `{prefix}`");
    found
}

/// W1, b1, W2, b2, ... as far as they go.
fn layers(value: &Value) -> Parameters {
    (1..)
        .map_while(|l| value.get(format!("W{l}")).map(|w| (matrix(w), matrix(&value[format!("b{l}")]))))
        .map(|(w, b)| Layer { w, b })
        .collect()
}

fn linear_cache(value: &Value) -> LinearCache {
    LinearCache { a_prev: matrix(&value["A_prev"]), w: matrix(&value["W"]), b: matrix(&value["b"]) }
}

fn layer_cache(value: &Value) -> LayerCache {
    LayerCache { linear: linear_cache(value), z: matrix(&value["Z"]) }
}

#[track_caller]
fn assert_matrix(what: &str, got: &Matrix, want: &Value, tolerance: Tolerance) {
    let want = matrix(want);
    assert_eq!(got.shape(), want.shape(), "{what}: shape");
    assert_close(what, got.data(), want.data(), tolerance);
}

#[track_caller]
fn assert_layers(what: &str, got: &[Layer], want: &Value, tolerance: Tolerance) {
    assert_eq!(got.len(), layers(want).len(), "{what}: layers");
    for (l, layer) in (1..).zip(got) {
        assert_matrix(&format!("{what}: W{l}"), &layer.w, &want[format!("W{l}")], tolerance);
        assert_matrix(&format!("{what}: b{l}"), &layer.b, &want[format!("b{l}")], tolerance);
    }
}

#[track_caller]
fn assert_gradients(what: &str, got: &LayerGradients, want: &Value) {
    assert_matrix(&format!("{what}: dA_prev"), &got.da_prev, &want["dA_prev"], UNIT);
    assert_matrix(&format!("{what}: dW"), &got.dw, &want["dW"], UNIT);
    assert_matrix(&format!("{what}: db"), &got.db, &want["db"], UNIT);
}

fn dims(value: &Value) -> Vec<usize> {
    list(value).iter().map(count).collect()
}

/// Each test below names how many cases it covers; together they are the whole file.
#[test]
fn every_case_of_the_file_is_known() {
    assert_eq!(list(&golden("06_deep_cases")["cases"]).len(), 2 + 2 + 1 + 2 + 2 + 2 + 2 + 2 + 1 + 1);
}

#[test]
fn initialize_parameters_cases() {
    for (name, input, output) in cases("initialize_parameters (week 4", 2) {
        let size = |name: &str| count(&input[name]);
        let seed = size("seed") as u32;
        let got = shallow::initialize_parameters(size("n_x"), size("n_h"), size("n_y"), seed).unwrap();
        let got = [Layer { w: got.w1, b: got.b1 }, Layer { w: got.w2, b: got.b2 }];
        assert_layers(&name, &got, &output, UNIT);
    }
}

#[test]
fn initialize_parameters_deep_cases() {
    for (name, input, output) in cases("initialize_parameters_deep", 2) {
        let initializer = match input["scale"].as_str().unwrap() {
            "0.01" => Initializer::COURSE,
            "1/sqrt(n_prev)" => Initializer::Lecun,
            other => panic!("unknown scale {other}"),
        };
        let seed = count(&input["seed"]) as u32;
        let got = initialize_parameters_deep(&dims(&input["layer_dims"]), initializer, seed).unwrap();
        assert_layers(&name, &got, &output, UNIT);
    }
}

#[test]
fn linear_forward_case() {
    for (name, input, output) in cases("linear_forward", 1) {
        let (w, b) = (matrix(&input["W"]), matrix(&input["b"]));
        let (z, cache) = linear_forward(&matrix(&input["A"]), &w, &b).unwrap();
        assert_matrix(&name, &z, &output["Z"], UNIT);
        assert_eq!((cache.w, cache.b), (w, b));
    }
}

fn activation_of(case: &str) -> Activation {
    if case.ends_with("sigmoid") { Activation::Sigmoid } else { Activation::Relu }
}

#[test]
fn linear_activation_forward_cases() {
    for (name, input, output) in cases("linear_activation_forward", 2) {
        let LinearCache { a_prev, w, b } = linear_cache(&input);
        let (a, cache) = linear_activation_forward(&a_prev, &w, &b, activation_of(&name)).unwrap();
        assert_matrix(&format!("{name}: A"), &a, &output["A"], UNIT);
        assert_matrix(&format!("{name}: Z"), &cache.z, &output["Z"], UNIT);
    }
}

#[test]
fn l_model_forward_cases() {
    for (name, input, output) in cases("L_model_forward", 2) {
        let (al, caches) = l_model_forward(&matrix(&input["X"]), &layers(&input)).unwrap();
        assert_matrix(&format!("{name}: AL"), &al, &output["AL"], UNIT);
        let z = list(&output["Z"]);
        assert_eq!(caches.len(), z.len());
        for (l, (cache, z)) in (1..).zip(caches.iter().zip(z)) {
            assert_matrix(&format!("{name}: Z{l}"), &cache.z, z, UNIT);
        }
    }
}

#[test]
fn compute_cost_cases() {
    for (name, input, output) in cases("compute_cost", 2) {
        let cost = compute_cost(&matrix(&input["AL"]), &matrix(&input["Y"])).unwrap();
        assert_close(&name, &[cost], &[number(&output["cost"])], UNIT);
    }
}

#[test]
fn linear_backward_cases() {
    for (name, input, output) in cases("linear_backward", 2) {
        let got = linear_backward(&matrix(&input["dZ"]), &linear_cache(&input)).unwrap();
        assert_gradients(&name, &got, &output);
    }
}

#[test]
fn linear_activation_backward_cases() {
    for (name, input, output) in cases("linear_activation_backward", 2) {
        let (da, cache) = (matrix(&input["dA"]), layer_cache(&input));
        let got = linear_activation_backward(&da, &cache, activation_of(&name)).unwrap();
        assert_gradients(&name, &got, &output);
    }
}

#[test]
fn l_model_backward_case() {
    for (name, input, output) in cases("L_model_backward", 1) {
        let caches = [layer_cache(&input["layer1"]), layer_cache(&input["layer2"])];
        let got = l_model_backward(&matrix(&input["AL"]), &matrix(&input["Y"]), &caches).unwrap();
        for (l, layer) in (1..).zip(&got) {
            let da = format!("dA{}", l - 1);
            assert_matrix(&format!("{name}: {da}"), &layer.da_prev, &output[da], UNIT);
            assert_matrix(&format!("{name}: dW{l}"), &layer.dw, &output[format!("dW{l}")], UNIT);
            assert_matrix(&format!("{name}: db{l}"), &layer.db, &output[format!("db{l}")], UNIT);
        }
    }
}

#[test]
fn update_parameters_case() {
    for (name, input, output) in cases("update_parameters", 1) {
        let parameters = layers(&input);
        let gradients: Vec<LayerGradients> = (1..=parameters.len())
            .map(|l| {
                let (dw, db) = (matrix(&input[format!("dW{l}")]), matrix(&input[format!("db{l}")]));
                LayerGradients { da_prev: db.clone(), dw, db }
            })
            .collect();
        let rate = number(&input["learning_rate"]);
        let updated = update_parameters(&parameters, &gradients, rate).unwrap();
        assert_layers(&name, &updated, &output, UNIT);
    }
}

fn n_correct(x: &Matrix, y: &Matrix, parameters: &[Layer]) -> usize {
    let predicted = predict(x, parameters).unwrap();
    predicted.data().iter().zip(y.data()).filter(|(p, y)| p == y).count()
}

/// One of the four L-layer trainings on the planar set.
fn check_training(index: usize) {
    let file = golden("06_deep_cases");
    let want = &file["training_on_planar"][index];
    let Planar { x, y } = planar();
    let (layer_dims, rate) = (dims(&want["layer_dims"]), number(&want["learning_rate"]));
    let iterations = count(&want["iterations"]);
    let (trained, costs) = l_layer_model(&x, &y, &layer_dims, rate, iterations, 1).unwrap();

    let what = format!("{layer_dims:?}");
    // The file measures at most 2.3e-14 between sample orders: 1e-12 leaves room for another libm.
    assert!(number(&want["max_cost_change_by_sample_order"]) < 1e-13);
    assert_costs(&what, &costs, &want["costs"], Tolerance::abs(1e-12));
    assert_layers(&what, &trained, &want["final"], TRAINED);
    assert_eq!(n_correct(&x, &y, &trained), count(&want["n_correct"]), "{what}: n_correct");
}

#[test]
fn trains_2_5_3_1() {
    check_training(0);
}

#[test]
fn trains_2_8_4_1() {
    check_training(1);
}

#[test]
fn trains_2_10_5_1() {
    check_training(2);
}

#[test]
fn trains_2_4_1() {
    check_training(3);
}

#[test]
fn training_goes_on_where_the_notes_formulas_turn_nan() {
    let case = &golden("06_deep_cases")["nan_case"];
    let Planar { x, y } = planar();
    let (layer_dims, rate) = (dims(&case["layer_dims"]), number(&case["learning_rate"]));
    let want = &case["same_run_with_dZ = A - Y and cost from logits"];
    let (trained, costs) = l_layer_model(&x, &y, &layer_dims, rate, 3_000, 1).unwrap();
    assert!(costs.iter().all(|cost| cost.is_finite()));
    assert_costs("nan case", &costs, &want["costs"], Tolerance::abs(1e-12));
    assert_eq!(n_correct(&x, &y, &trained), count(&want["n_correct"]));
}

#[test]
fn the_notes_formulas_turn_nan_where_published() {
    let case = &golden("06_deep_cases")["nan_case"];
    let Planar { x, y } = planar();
    let (layer_dims, rate) = (dims(&case["layer_dims"]), number(&case["learning_rate"]));
    let mut parameters = initialize_parameters_deep(&layer_dims, Initializer::Lecun, 1).unwrap();
    let mut costs = Vec::new();
    let al = loop {
        let (al, caches) = l_model_forward(&x, &parameters).unwrap();
        let cost = compute_cost(&al, &y).unwrap();
        if !cost.is_finite() || costs.len() == 3_000 {
            break al;
        }
        costs.push(cost);
        let gradients = l_model_backward(&al, &y, &caches).unwrap();
        parameters = update_parameters(&parameters, &gradients, rate).unwrap();
    };
    assert_costs("before the first NaN", &costs, &case["costs_before"], Tolerance::abs(1e-12));
    // Another libm may round the sigmoid up to 1 an iteration earlier or later.
    let published = count(&case["first_non_finite_iteration"]);
    assert!(costs.len().abs_diff(published) <= 2, "not finite at {}, not {published}", costs.len());
    assert!(al.data().contains(&1.0), "no sigmoid is exactly 1");
}
