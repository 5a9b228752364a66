//! Whole trainings on the `cpu` executor: the course's runs, the same bits for any number of threads, what is refused.

use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize};
use gpu_nn::schedule::Problem;
use gpu_nn::training::{self, Plan, Trainer};
use gpu_nn::{Error, cpu};
use pollster::block_on;
use serde_json::Value;

use crate::cpu_support::{Case, bits, hidden, run_all};
use crate::gpu_support::Numbers;
use crate::support::{
    Planar, Tolerance, arena, assert_close, assert_costs, assert_costs_until, count, golden, list, number,
    planar, planar_network,
};

/// What single precision changes in a cost of the course's runs; 4.7e-6 was measured between sample orders.
const COST: Tolerance = Tolerance::abs(2e-5);

/// ... and in their parameters, which are of order 10.
const PARAMETERS: Tolerance = Tolerance::abs(1e-3);

/// With learning rate 1.2 the curvature passes 2 / learning rate after this iteration: from then on rounding decides,
/// and 7e-4 was measured between sample orders.
const STABLE_UNTIL: usize = 7_000;
const CHAOTIC: Tolerance = Tolerance::abs(2e-3);

/// A published run, the costs with that of the final parameters at the end, those parameters, and right predictions.
fn published_run(learning_rate: f64) -> (Value, Vec<f64>, Parameters, usize) {
    let file = golden("02_train_planar");
    let runs = list(&file["runs"]);
    let want = runs.iter().find(|run| number(&run["learning_rate"]) == learning_rate).unwrap();
    let Planar { x, y } = planar();
    let network = planar_network(4, Activation::Tanh);
    let initial = initialize(&network, Initializer::COURSE, 2);
    let problem = Problem::full_batch(&network, &initial, x.data(), y.data(), x.cols(), learning_rate);
    let mut executor = cpu::Executor::new(&problem).unwrap();
    run_all(&mut executor, count(&want["iterations"]));
    let mut costs = executor.take_costs();
    costs.push(executor.cost());
    let a = executor.predict(x.data(), x.cols()).unwrap();
    let n_correct = a.iter().zip(y.data()).filter(|(a, y)| f64::from(u8::from(**a > 0.5)) == **y).count();
    (want.clone(), costs, executor.parameters(), n_correct)
}

#[test]
fn the_notes_run() {
    let (want, costs, parameters, n_correct) = published_run(0.5);
    assert_costs("learning rate 0.5", &costs, &want["costs"], COST);
    assert_close("cost after the last", &costs[10_000..], &[number(&want["cost_after_last"])], COST);
    let expected = arena(&want["final"], &["W1", "b1", "W2", "b2"]);
    assert_close("parameters", parameters.values(), &expected, PARAMETERS);
    assert!((361..=363).contains(&n_correct), "{n_correct} right predictions");
}

#[test]
fn the_course_run() {
    let (want, costs, _, n_correct) = published_run(1.2);
    assert_costs_until("learning rate 1.2", &costs, &want["costs"], STABLE_UNTIL, COST);
    assert_costs("learning rate 1.2", &costs, &want["costs"], CHAOTIC);
    assert_close("cost after the last", &costs[10_000..], &[number(&want["cost_after_last"])], CHAOTIC);
    assert!((360..=365).contains(&n_correct), "{n_correct} right predictions");
}

/// Narrow and wide networks, each with enough work for threads.
fn cases() -> Vec<(Case, usize)> {
    let course = Network::new(2, hidden(&[4], Activation::Tanh), 1, Loss::BinaryCrossEntropy).unwrap();
    let deep = Network::new(5, hidden(&[30, 20, 10], Activation::Sigmoid), 3, Loss::SquaredError).unwrap();
    let wide =
        Network::new(90, hidden(&[190, 170], Activation::Relu), 10, Loss::SoftmaxCrossEntropy).unwrap();
    vec![
        (Case::new(course, 200_001, 121), 5),
        (Case::new(deep.clone(), 20_011, 122), 5),
        (Case::new(deep, 20_011, 123).in_batches(7_001), 7),
        (Case::new(wide.clone(), 3_001, 124), 3),
        (Case::new(wide, 1_000, 125).in_batches(128), 10),
    ]
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    for (case, iterations) in cases() {
        let with_threads = |n: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| {
                (case.bits_after(iterations), bits(&case.executor().predict(&case.x, case.m).unwrap()))
            })
        };
        let one = with_threads(1);
        for n in [2, 3, 8, 2] {
            assert!(one == with_threads(n), "{}, m = {}: other bits with {n} threads", case.network, case.m);
        }
        // Without a pool of its own, the caller's thread is none of the pool's.
        assert!(one.0 == case.bits_after(iterations), "{}: other bits outside", case.network);
    }
}

#[test]
fn the_same_bits_however_the_iterations_are_called() {
    const ITERATIONS: usize = 60;
    let network = planar_network(4, Activation::Tanh);
    for batch_size in [400, 64] {
        let case = Case::new(network.clone(), 400, 131).in_batches(batch_size);
        let train = |at_a_time: usize| {
            let mut executor = case.executor();
            for _ in 0..ITERATIONS / at_a_time {
                run_all(&mut executor, at_a_time);
                // A look at the cost in between must not disturb the training.
                executor.cost();
            }
            (bits(&executor.take_costs()), bits(executor.parameters().values()))
        };
        let first = train(ITERATIONS);
        assert_eq!(first.0.len(), ITERATIONS);
        for at_a_time in [1, 20] {
            assert!(first == train(at_a_time), "other bits with {at_a_time} iterations at a time");
        }
    }
}

#[test]
fn an_output_does_not_depend_on_the_other_samples() {
    for units in [&[9, 8, 7][..], &[60, 50], &[300, 200]] {
        let network = Network::new(3, hidden(units, Activation::Tanh), 4, Loss::SoftmaxCrossEntropy).unwrap();
        let mut numbers = Numbers::new(141);
        let parameters = numbers.parameters(&network);
        let predict = |x: &[f64], m| cpu::predict_samples(&network, &parameters, x, m).unwrap();
        for m in [2, 16, 17, 64, 65, 1_024, 1_025, 5_000] {
            let x = numbers.normals(3 * m);
            let together = predict(&x, m);
            for j in [0, 1, 15, 16, 63, 64, 1_023, 1_024, 4_999].into_iter().filter(|j| *j < m) {
                let sample: Vec<f64> = (0..3).map(|row| x[row * m + j]).collect();
                let column: Vec<f64> = together.iter().skip(j).step_by(m).copied().collect();
                assert_eq!(bits(&predict(&sample, 1)), bits(&column), "{network}: sample {j} of {m}");
            }
        }
    }
}

#[test]
fn divergence_is_reported() {
    let network = Network::new(1, vec![], 1, Loss::SquaredError).unwrap();
    let initial = Parameters::zeros(&network);
    let problem = Problem::full_batch(&network, &initial, &[1.0, 2.0, 3.0], &[2.0, 1.0, 0.0], 3, 1e30);
    let executor = training::Executor::Cpu(Box::new(cpu::Executor::new(&problem).unwrap()));
    let plan = Plan { iterations: 100, report_every: 10, learning_rate: 1e30 };
    match block_on(Trainer::new(executor, plan).finish(&mut |_| {})) {
        // 1e60 is beyond f32.
        Err(Error::Diverged { iteration, cost, learning_rate }) => {
            assert_eq!((iteration, cost.is_finite(), learning_rate), (1, false, 1e30));
        }
        other => panic!("no divergence is reported: {other:?}"),
    }
}

#[test]
fn values_beyond_single_precision_are_refused() {
    let network = Network::new(2, vec![], 1, Loss::SquaredError).unwrap();
    let zeros = Parameters::zeros(&network);
    let huge = Parameters::from_values(&network, vec![0.0, -1e39, 0.0]).unwrap();
    let message = |error: Option<Error>| match error {
        Some(Error::Data { origin, problem }) => format!("{origin}: {problem}"),
        other => panic!("not refused as data: {other:?}"),
    };
    let refused = |parameters: &Parameters, x: f64, y: f64| {
        let (x, y) = ([0.0, 0.0, 0.0, x], [0.0, y]);
        message(cpu::Executor::new(&Problem::full_batch(&network, parameters, &x, &y, 2, 0.1)).err())
    };
    assert!(refused(&zeros, 1e39, 0.0).starts_with("features: value 3 is 1000000000"));
    assert!(refused(&zeros, 0.0, f64::NAN).starts_with("targets: value 1 is NaN"));
    assert!(refused(&huge, 0.0, 0.0).starts_with("parameters: value 1 is -1000000000"));
    let error = cpu::predict_samples(&network, &zeros, &[0.0, 0.0, 1e39, 0.0], 2).err();
    assert!(message(error).starts_with("features: value 2 is 1000000000"));
    assert!(matches!(cpu::predict_samples(&network, &zeros, &[0.0], 1), Err(Error::Shape { .. })));
}
