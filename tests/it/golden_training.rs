//! The course's trainings on the planar set: `02_train_planar.json`, `03_sweep.json` and `04_logreg.json`.

use gpu_nn::cpu_reference::Executor;
use gpu_nn::cpu_reference::course::shallow;
use gpu_nn::network::{Activation, Initializer, Parameters, initialize};
use gpu_nn::schedule::Problem;
use serde_json::Value;

use crate::support::{
    Planar, Tolerance, arena, assert_close, assert_costs, assert_costs_until, count, golden, list, number,
    planar, planar_network, run, train,
};

const NAMES: [&str; 4] = ["W1", "b1", "W2", "b2"];

/// Where rounding does not decide, a cost differs by less than 1e-14.
const COST: Tolerance = Tolerance::abs(1e-12);

/// ... and a parameter by less than 1e-13.
const PARAMETERS: Tolerance = Tolerance::abs(1e-9);

/// From here on, with learning rate 1.2 and 4 hidden units, the curvature passes 2 / learning rate and sample orders
/// part: 1.4e-4 was measured between them.
const STABLE_UNTIL: usize = 7_000;

/// The run of `02_train_planar.json` with that learning rate.
fn published_run(learning_rate: f64) -> Value {
    let file = golden("02_train_planar");
    let run = list(&file["runs"]).iter().find(|run| number(&run["learning_rate"]) == learning_rate);
    run.unwrap_or_else(|| panic!("no run with {learning_rate}")).clone()
}

/// The parameters before the updates that the file shows, one list each.
fn snapshots(run: &Value) -> Vec<(usize, Vec<f64>)> {
    let shown = run["parameters_before_update"].as_object().unwrap();
    let mut shown: Vec<_> = shown.iter().map(|(k, p)| (k.parse().unwrap(), arena(p, &NAMES))).collect();
    shown.sort_by_key(|(k, _)| *k);
    assert_eq!(shown.iter().map(|(k, _)| *k).collect::<Vec<_>>(), [1, 2, 10, 100, 1000]);
    shown
}

/// `costs` ends with the cost after the last update.
fn check_published(what: &str, want: &Value, costs: &[f64], parameters: &[f64], n_correct: usize) {
    let last = costs.last().copied().unwrap();
    if number(&want["learning_rate"]) == 0.5 {
        assert_costs(what, costs, &want["costs"], COST);
        assert_close(what, &[last], &[number(&want["cost_after_last"])], COST);
        assert_close(what, parameters, &arena(&want["final"], &NAMES), PARAMETERS);
        assert_eq!(n_correct, count(&want["n_correct"]), "{what}: n_correct");
    } else {
        let chaotic = Tolerance::abs(1e-3);
        assert_costs_until(what, costs, &want["costs"], STABLE_UNTIL, COST);
        assert_costs(what, costs, &want["costs"], chaotic);
        assert_close(what, &[last], &[number(&want["cost_after_last"])], chaotic);
        assert!((360..=365).contains(&n_correct), "{what}: n_correct is {n_correct}");
    }
}

fn check_executor(learning_rate: f64) {
    let want = published_run(learning_rate);
    let what = format!("executor, learning rate {learning_rate}");
    let Planar { x, y } = planar();
    let network = planar_network(count(&want["n_h"]), Activation::Tanh);
    let initial = initialize(&network, Initializer::COURSE, 2);
    assert_close(&what, initial.values(), &arena(&want["initial"], &NAMES), Tolerance::abs(1e-15));

    let mut executor =
        Executor::new(&Problem::full_batch(&network, &initial, x.data(), y.data(), x.cols(), learning_rate))
            .unwrap();
    let mut done = 0;
    for (k, parameters) in snapshots(&want) {
        run(&mut executor, k - done);
        done = k;
        let what = format!("{what}: parameters before update {k}");
        assert_close(&what, executor.parameters().values(), &parameters, PARAMETERS);
    }
    let trained = train(&network, initial, learning_rate, count(&want["iterations"]));
    check_published(&what, &want, &trained.costs, trained.parameters.values(), trained.n_correct);
}

fn flatten(p: &shallow::Parameters) -> Vec<f64> {
    [&p.w1, &p.b1, &p.w2, &p.b2].into_iter().flat_map(|matrix| matrix.data()).copied().collect()
}

fn check_nn_model(learning_rate: f64) {
    let want = published_run(learning_rate);
    let what = format!("nn_model, learning rate {learning_rate}");
    let Planar { x, y } = planar();
    let n_h = count(&want["n_h"]);
    let nn_model = |iterations| shallow::nn_model(&x, &y, n_h, iterations, learning_rate, 2).unwrap();

    assert_close(&what, &flatten(&nn_model(0).0), &arena(&want["initial"], &NAMES), Tolerance::abs(1e-15));
    for (k, parameters) in snapshots(&want) {
        let what = format!("{what}: parameters before update {k}");
        assert_close(&what, &flatten(&nn_model(k).0), &parameters, PARAMETERS);
    }
    let (parameters, mut costs) = nn_model(count(&want["iterations"]));
    let (a2, _) = shallow::forward_propagation(&x, &parameters).unwrap();
    costs.push(shallow::compute_cost(&a2, &y).unwrap());
    let predicted = shallow::predict(&parameters, &x).unwrap();
    let n_correct = predicted.data().iter().zip(y.data()).filter(|(p, y)| p == y).count();
    check_published(&what, &want, &costs, &flatten(&parameters), n_correct);
}

#[test]
fn executor_with_the_notes_learning_rate() {
    check_executor(0.5);
}

#[test]
fn executor_with_the_course_learning_rate() {
    check_executor(1.2);
}

#[test]
fn nn_model_with_the_notes_learning_rate() {
    check_nn_model(0.5);
}

#[test]
fn nn_model_with_the_course_learning_rate() {
    check_nn_model(1.2);
}

/// Both runs of `03_sweep.json` with that many hidden units.
fn check_sweep(n_h: usize) {
    let file = golden("03_sweep");
    let runs: Vec<&Value> = list(&file["runs"]).iter().filter(|run| count(&run["n_h"]) == n_h).collect();
    assert_eq!(runs.len(), 2, "runs with {n_h} hidden units");
    for want in runs {
        let learning_rate = number(&want["learning_rate"]);
        let what = format!("{n_h} hidden units, learning rate {learning_rate}");
        let network = planar_network(n_h, Activation::Tanh);
        let initial = initialize(&network, Initializer::COURSE, 2);
        let got = train(&network, initial, learning_rate, 5_000);

        // Another sample order is one draw of the rounding; ten times its effect is room for others.
        let tolerance = Tolerance::abs((10.0 * number(&want["max_cost_change_by_sample_order"])).max(1e-12));
        assert_costs_until(&what, &got.costs, &want["costs"], 500, COST);
        assert_costs(&what, &got.costs, &want["costs"], tolerance);
        assert_close(&what, &got.costs[5_000..], &[number(&want["cost_after_last"])], tolerance);
        let observed: Vec<usize> = list(&want["observed_n_correct"]).iter().map(count).collect();
        let (low, high) = (observed.iter().min().unwrap(), observed.iter().max().unwrap());
        assert!((low..=high).contains(&&got.n_correct), "{what}: {} not in {observed:?}", got.n_correct);
    }
}

macro_rules! sweep {
    ($($name:ident: $n_h:literal,)*) => {$(
        #[test]
        fn $name() {
            check_sweep($n_h);
        }
    )*};
}

sweep! {
    sweep_1_hidden_unit: 1,
    sweep_2_hidden_units: 2,
    sweep_3_hidden_units: 3,
    sweep_4_hidden_units: 4,
    sweep_5_hidden_units: 5,
    sweep_10_hidden_units: 10,
    sweep_20_hidden_units: 20,
    sweep_50_hidden_units: 50,
}

#[test]
fn gradient_descent_finds_the_optimum_of_logistic_regression() {
    let file = golden("04_logreg");
    let unpenalised = list(&file["exact_optimum_per_C"]).iter().find(|entry| entry["C"] == "inf").unwrap();
    let network = planar_network(0, Activation::Identity);
    let got = train(&network, Parameters::zeros(&network), 0.5, 1_000);
    assert_close("cost", &got.costs[1_000..], &[number(&unpenalised["mean_log_loss"])], Tolerance::abs(1e-6));
    let optimum = arena(unpenalised, &["coef", "intercept"]);
    assert_close("weights and bias", got.parameters.values(), &optimum, Tolerance::abs(1e-6));
    assert_eq!(got.n_correct, count(&unpenalised["n_correct"]));
}
