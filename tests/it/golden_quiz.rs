//! The claims of the lectures and quizzes in numbers, all of `08_quiz_claims.json`: initialisation, saturation,
//! learning rates, activations. Every run starts with 2 features and 4 hidden units on the planar set.

use gpu_nn::cpu_reference::course::{Matrix, shallow};
use gpu_nn::cpu_reference::{activate, cost_and_gradients};
use gpu_nn::network::{Activation, Initializer, Network, Parameters, initialize};
use serde_json::Value;

use crate::support::{
    Planar, Run, Tolerance, arena, assert_close, assert_costs, assert_costs_until, count, flat, golden, list,
    number, planar, planar_network, train,
};

const NAMES: [&str; 4] = ["W1", "b1", "W2", "b2"];
const ITERATIONS: usize = 5_000;
const COST: Tolerance = Tolerance::abs(1e-12);
const PARAMETERS: Tolerance = Tolerance::abs(1e-9);

fn tanh_network() -> Network {
    planar_network(4, Activation::Tanh)
}

fn gradients(network: &Network, parameters: &Parameters) -> Parameters {
    let Planar { x, y } = planar();
    cost_and_gradients(network, parameters, x.data(), y.data(), x.cols()).unwrap().1
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

// a: symmetry.

/// Whether the hidden units of 2-4-1 are the same to the last bit.
fn units_are_identical(parameters: &Parameters) -> bool {
    let same = |values: &[f64], width: usize| values.chunks(width).all(|unit| unit == &values[..width]);
    same(parameters.weight(0), 2) && same(parameters.bias(0), 1) && same(parameters.weight(1), 1)
}

/// A run that starts with all weights equal; up to iteration `stable_until` rounding does not matter.
fn check_equal_weights(index: usize, weight: f64, stable_until: usize) -> Run {
    let want = &golden("08_quiz_claims")["a_symmetry"]["runs"][index];
    let what = want["init"].as_str().unwrap();
    let network = tanh_network();
    let mut initial = Parameters::zeros(&network);
    initial.weight_mut(0).fill(weight);
    initial.weight_mut(1).fill(weight);

    let at_start = gradients(&network, &initial);
    let names = ["dW1", "db1", "dW2", "db2"];
    assert_close(what, at_start.values(), &arena(&want["gradient_at_start"], &names), COST);
    let run = train(&network, initial, number(&want["learning_rate"]), ITERATIONS);
    assert_eq!(number(&want["max_difference_between_hidden_units_after_training"]), 0.0);
    assert!(units_are_identical(&run.parameters), "{what}: the units became different");
    assert_costs_until(what, &run.costs, &want["costs"], stable_until, COST);
    assert_costs(what, &run.costs, &want["costs"], Tolerance::abs(1e-3));
    if stable_until == ITERATIONS {
        assert_close(what, run.parameters.values(), &arena(&want["final"], &NAMES), PARAMETERS);
    }
    assert_eq!(run.n_correct, count(&want["n_correct"]), "{what}: n_correct");
    run
}

#[test]
fn from_zeros_nothing_ever_moves() {
    let network = tanh_network();
    assert!(gradients(&network, &Parameters::zeros(&network)).values().iter().all(|&g| g == 0.0));
    let run = check_equal_weights(0, 0.0, ITERATIONS);
    assert!(run.parameters.values().iter().all(|&p| p == 0.0));
    assert_eq!(run.n_correct, 200);
}

#[test]
fn from_equal_small_weights_units_stay_identical() {
    // On the plateau between 500 and 3,000 rounding grows until it decides when the run leaves: sample orders part by
    // 2e-6 at 1,000.
    check_equal_weights(1, 0.01, 500);
}

#[test]
fn from_equal_large_weights_units_stay_identical() {
    check_equal_weights(2, 0.5, ITERATIONS);
}

#[test]
fn random_weights_break_the_symmetry() {
    let want = &golden("08_quiz_claims")["a_symmetry"]["random_init_same_setting"];
    let network = tanh_network();
    let run = train(&network, initialize(&network, Initializer::COURSE, 2), 1.2, ITERATIONS);
    assert!(!units_are_identical(&run.parameters));
    assert_costs("random", &run.costs, &want["costs"], COST);
    assert_eq!(run.n_correct, count(&want["n_correct"]));
}

#[test]
fn logistic_regression_may_start_at_zero() {
    let want = &golden("08_quiz_claims")["a2_logistic_regression_from_zero"];
    let network = planar_network(0, Activation::Identity);
    let run = train(&network, Parameters::zeros(&network), number(&want["learning_rate"]), 3_000);
    for pair in list(&want["costs"]) {
        let k = count(&pair[0]);
        assert_close(&format!("cost {k}"), &[run.costs[k]], &[number(&pair[1])], COST);
    }
    assert_close("w and b", run.parameters.values(), &arena(want, &["final_w", "final_b"]), PARAMETERS);
    assert_eq!(run.n_correct, count(&want["n_correct"]));
}

// b: saturation.

/// One of the five initial scales: the shares at the start, then both trainings.
fn check_saturation(index: usize, scales: [f64; 2], cost_tolerance: Tolerance) {
    let want = &golden("08_quiz_claims")["b_saturation"]["runs"][index];
    let what = format!("scale {}", want["scale"].as_str().unwrap());
    let network = tanh_network();
    let mut initial = initialize(&network, Initializer::Normal { scale: 1.0 }, 2);
    for (l, scale) in scales.into_iter().enumerate() {
        initial.weight_mut(l).iter_mut().for_each(|w| *w *= scale);
    }
    check_saturation_at_start(&what, want, &network, &initial);
    for want in list(&want["runs"]) {
        let rate = number(&want["learning_rate"]);
        let what = format!("{what}, learning rate {rate}");
        let run = train(&network, initial.clone(), rate, ITERATIONS);
        assert_costs(&what, &run.costs, &want["costs"], cost_tolerance);
        assert_eq!(run.n_correct, count(&want["n_correct"]), "{what}: n_correct");
        let (w, start) = (run.parameters.weight(0), initial.weight(0));
        let moved: Vec<f64> = w.iter().zip(start).map(|(w, start)| w - start).collect();
        let change = norm(&moved) / norm(start);
        let want = number(&want["relative_change_of_W1_in_5000_steps"]);
        assert_close(&what, &[change], &[want], Tolerance { abs: 0.0, rel: 1e-6 });
    }
}

fn check_saturation_at_start(what: &str, want: &Value, network: &Network, initial: &Parameters) {
    let Planar { x, y } = planar();
    let view = |rows, cols, values: &[f64]| Matrix::new(rows, cols, values.to_vec()).unwrap();
    let parameters = shallow::Parameters {
        w1: view(4, 2, initial.weight(0)),
        b1: view(4, 1, initial.bias(0)),
        w2: view(1, 4, initial.weight(1)),
        b2: view(1, 1, initial.bias(1)),
    };
    let (a2, cache) = shallow::forward_propagation(&x, &parameters).unwrap();
    let a1 = cache.a1.data();
    let share = |is: fn(f64) -> bool| a1.iter().filter(|&&a| is(a)).count() as f64 / a1.len() as f64;
    let mean_derivative = a1.iter().map(|a| 1.0 - a * a).sum::<f64>() / a1.len() as f64;
    let norm_dw1 = norm(gradients(network, initial).weight(0));
    let got = [share(|a| a.abs() > 0.999999), share(|a| a.abs() == 1.0), mean_derivative];
    let names = ["share_of_hidden_values_with_|tanh|>0.999999", "share_exactly_+-1", "mean_tanh_derivative"];
    assert_close(&format!("{what}: shares at start"), &got, &arena(want, &names), COST);
    let first_step = 1.2 * norm_dw1 / norm(initial.weight(0));
    let names = ["norm_dW1_start", "relative_first_step_W1 (lr 1.2)"];
    let relative = Tolerance { abs: 0.0, rel: 1e-9 };
    assert_close(&format!("{what}: first step"), &[norm_dw1, first_step], &arena(want, &names), relative);

    // The course's formula: log 0 where the output saturates.
    let (cost, published) =
        (shallow::compute_cost(&a2, &y).unwrap(), number(&want["course_cost_formula_at_start"]));
    if published.is_finite() {
        assert_close(&format!("{what}: course cost"), &[cost], &[published], COST);
    } else {
        assert!(!cost.is_finite(), "{what}: course cost is {cost}");
    }
}

#[test]
fn course_weights_do_not_saturate() {
    check_saturation(0, [0.01; 2], COST);
}

#[test]
fn unit_weights_hardly_saturate() {
    check_saturation(1, [1.0; 2], COST);
}

#[test]
fn weights_of_10_saturate() {
    check_saturation(2, [10.0; 2], Tolerance::abs(1e-9));
}

#[test]
fn weights_of_1000_saturate() {
    check_saturation(3, [1000.0; 2], Tolerance { abs: 1e-9, rel: 1e-9 });
}

#[test]
fn first_weights_of_1000_saturate() {
    check_saturation(4, [1000.0, 0.01], Tolerance::abs(1e-9));
}

// c: learning rates.

/// Up to here no cost of the file ever rises: every number can be held.
const LARGEST_CONVERGING_RATE: f64 = 1.2;

fn check_learning_rates(range: std::ops::Range<usize>) {
    let file = golden("08_quiz_claims");
    let runs = list(&file["c_learning_rate"]["runs"]);
    assert_eq!(runs.len(), 18);
    for want in &runs[range] {
        let rate = number(&want["learning_rate"]);
        let what = format!("learning rate {rate}");
        let network = tanh_network();
        let run = train(&network, initialize(&network, Initializer::COURSE, 2), rate, ITERATIONS);
        let rises: Vec<usize> = (1..run.costs.len()).filter(|&k| run.costs[k] > run.costs[k - 1]).collect();
        assert!(run.costs.iter().all(|cost| cost.is_finite()), "{what}: not finite");
        if rate <= LARGEST_CONVERGING_RATE {
            assert!(rises.is_empty() && want["first_rise_at"].is_null(), "{what}: rises at {rises:?}");
            assert_costs(&what, &run.costs, &want["costs"], COST);
            assert_eq!(run.n_correct, count(&want["n_correct"]), "{what}: n_correct");
        } else {
            check_swinging_run(&what, want, &run, &rises);
        }
    }
}

/// Rounding decides the later digits of a swinging run. Held are the costs before the first rise, when that comes, that
/// about as many steps rise, and how high the cost jumps; the allowances are several times what sample orders change.
fn check_swinging_run(what: &str, want: &Value, run: &Run, rises: &[usize]) {
    // The file counts the step that makes the cost rise, one before the higher cost.
    let first_step = rises[0] - 1;
    let want_first = count(&want["first_rise_at"]);
    assert!(first_step.abs_diff(want_first) <= want_first / 20, "{what}: first rise {first_step}");
    assert_costs_until(what, &run.costs, &want["costs"], first_step.min(want_first), COST);
    let (steps, want_steps) = (rises.len() as f64, number(&want["steps_where_cost_rose"]));
    assert!((steps / want_steps - 1.0).abs() < 0.25, "{what}: {steps} rises, not about {want_steps}");
    let jump = run.costs.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let want_jump = number(&want["largest_single_rise"]);
    assert!(jump > want_jump / 2.0 && jump < 2.0 * want_jump, "{what}: largest rise {jump}, not {want_jump}");
}

#[test]
fn small_learning_rates_never_rise() {
    check_learning_rates(0..8);
}

#[test]
fn large_learning_rates_swing() {
    check_learning_rates(8..13);
}

#[test]
fn huge_learning_rates_swing_from_the_start() {
    check_learning_rates(13..18);
}

// d: activations.

/// The ten seeds of one activation and learning rate.
fn check_activation(index: usize, activation: Activation) {
    let file = golden("08_quiz_claims");
    let want = &file["d_activation"]["runs"][index];
    let rate = number(&want["learning_rate"]);
    assert_eq!(want["hidden"], activation.to_string());
    let network = planar_network(4, activation);
    let mut costs_5000 = Vec::new();
    for seed in list(&want["seeds"]) {
        let what = format!("{network}, learning rate {rate}, seed {}", seed["init_seed"]);
        let initial = initialize(&network, Initializer::COURSE, count(&seed["init_seed"]) as u32);
        let run = train(&network, initial, rate, ITERATIONS);
        costs_5000.push(run.costs[ITERATIONS]);
        let got = [run.costs[1_000], run.costs[ITERATIONS]];
        // A ReLU run swings between its linear pieces: rounding moves its cost in the third digit.
        let tolerance =
            if activation == Activation::Relu { Tolerance::abs(0.02) } else { Tolerance::abs(1e-9) };
        assert_close(&what, &got, &arena(seed, &["cost_1000", "cost_5000"]), tolerance);
        let first = run.costs.iter().position(|&cost| cost < 0.35);
        let want_first = seed["first_iteration_with_cost_below_0.35"].as_u64().map(|k| k as usize);
        assert_eq!(first, want_first, "{what}: first cost below 0.35");
        if activation != Activation::Relu {
            assert_eq!(run.n_correct, count(&seed["n_correct"]), "{what}: n_correct");
            let want_mean = number(&seed["mean_hidden_activation_end"]);
            assert_close(&what, &[mean_hidden(&run, activation)], &[want_mean], Tolerance::abs(1e-6));
        }
    }
    assert_eq!(costs_5000.len(), 10);
}

/// The mean of A1 on the planar set.
fn mean_hidden(run: &Run, activation: Activation) -> f64 {
    let x = planar().x;
    let view = |rows, cols, values: &[f64]| Matrix::new(rows, cols, values.to_vec()).unwrap();
    let (w1, b1) = (view(4, 2, run.parameters.weight(0)), view(4, 1, run.parameters.bias(0)));
    let (z1, _) = gpu_nn::cpu_reference::course::deep::linear_forward(&x, &w1, &b1).unwrap();
    let mut a1 = vec![0.0; z1.data().len()];
    activate(activation, z1.data(), &mut a1);
    a1.iter().sum::<f64>() / a1.len() as f64
}

#[test]
fn tanh_units_with_learning_rate_0_5() {
    check_activation(0, Activation::Tanh);
}

#[test]
fn tanh_units_with_learning_rate_1_2() {
    check_activation(1, Activation::Tanh);
}

#[test]
fn sigmoid_units_with_learning_rate_0_5() {
    check_activation(2, Activation::Sigmoid);
}

#[test]
fn sigmoid_units_with_learning_rate_1_2() {
    check_activation(3, Activation::Sigmoid);
}

#[test]
fn relu_units_with_learning_rate_0_5() {
    check_activation(4, Activation::Relu);
}

#[test]
fn relu_units_with_learning_rate_1_2() {
    check_activation(5, Activation::Relu);
}

/// On the file's own numbers, which the tests above hold the runs to.
#[test]
fn tanh_beats_sigmoid_seed_by_seed() {
    let file = golden("08_quiz_claims");
    let activation = &file["d_activation"];
    for (pair, paired) in list(&activation["tanh_against_sigmoid_paired_by_seed"]).iter().enumerate() {
        let costs = |run: usize, name: &str| -> Vec<f64> {
            list(&activation["runs"][run]["seeds"]).iter().map(|seed| number(&seed[name])).collect()
        };
        for (cost, wins) in
            [("cost_1000", "seeds_where_tanh_has_lower_cost_at_1000"), ("cost_5000", "at_5000")]
        {
            let (tanh, sigmoid) = (costs(pair, cost), costs(pair + 2, cost));
            let lower = tanh.iter().zip(&sigmoid).filter(|(tanh, sigmoid)| tanh < sigmoid).count();
            assert_eq!(lower, count(&paired[wins]));
        }
    }
}

#[test]
fn without_activation_the_network_is_logistic_regression() {
    let file = golden("08_quiz_claims");
    let want = &file["d_activation"]["no_activation"];
    let network = planar_network(4, Activation::Identity);
    let run = train(&network, initialize(&network, Initializer::COURSE, 2), 0.5, ITERATIONS);
    assert_close("cost", &run.costs[ITERATIONS..], &[number(&want["cost"])], COST);
    assert_eq!(run.n_correct, count(&want["n_correct"]));

    // W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)
    let (p, hidden) = (&run.parameters, 0..4);
    let column = |k: usize| hidden.clone().map(|i| p.weight(1)[i] * p.weight(0)[2 * i + k]).sum::<f64>();
    let bias = p.bias(1)[0] + hidden.clone().map(|i| p.weight(1)[i] * p.bias(0)[i]).sum::<f64>();
    let collapsed = [column(0), column(1), bias];
    assert_close("collapsed", &collapsed, &flat(&want["logistic_regression_optimum"]), PARAMETERS);
}
