//! Whole trainings on the device: the course's runs, deep networks, the same bits every time, and what is refused.

use gpu_nn::cpu_reference;
use gpu_nn::gpu::{Device, Executor, Predictor};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, Parameters, initialize};
use gpu_nn::schedule::Problem;
use gpu_nn::training::{self, Plan, Trainer};
use gpu_nn::{Error, Result};
use pollster::block_on;
use serde_json::Value;

use crate::gpu_support::{Numbers, assert_within, device, open, run_all};
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

/// A gradient of a deep network, relative to its largest: a rounding a layer and operation.
const GRADIENT: f64 = 1e-5;

/// A cost of order 1 after fifty steps.
const COST_AFTER_50: f64 = 2e-5;

/// A training on the planar set, from the course's first parameters.
fn planar_executor(device: &Device, learning_rate: f64) -> (Executor<'_>, Planar) {
    let Planar { x, y } = planar();
    let network = planar_network(4, Activation::Tanh);
    let initial = initialize(&network, Initializer::COURSE, 2);
    let m = x.cols();
    let executor =
        Executor::new(device, &Problem::full_batch(&network, &initial, x.data(), y.data(), m, learning_rate));
    (executor.unwrap(), Planar { x, y })
}

/// A published run, the costs with that of the final parameters at the end, those parameters, and right predictions.
fn published_run(device: &Device, learning_rate: f64) -> (Value, Vec<f64>, Parameters, usize) {
    let file = golden("02_train_planar");
    let runs = list(&file["runs"]);
    let want = runs.iter().find(|run| number(&run["learning_rate"]) == learning_rate).unwrap();
    let (mut executor, Planar { x, y }) = planar_executor(device, learning_rate);
    run_all(&mut executor, count(&want["iterations"]));
    let mut costs = block_on(executor.take_costs()).unwrap();
    costs.push(block_on(executor.cost()).unwrap());
    let a = block_on(executor.predict(x.data(), x.cols())).unwrap();
    let n_correct = a.iter().zip(y.data()).filter(|(a, y)| f64::from(u8::from(**a > 0.5)) == **y).count();
    (want.clone(), costs, block_on(executor.parameters()).unwrap(), n_correct)
}

#[test]
fn the_notes_run() {
    let Some(device) = device() else { return };
    let (want, costs, parameters, n_correct) = published_run(device, 0.5);
    assert_costs("learning rate 0.5", &costs, &want["costs"], COST);
    assert_close("cost after the last", &costs[10_000..], &[number(&want["cost_after_last"])], COST);
    let expected = arena(&want["final"], &["W1", "b1", "W2", "b2"]);
    assert_close("parameters", parameters.values(), &expected, PARAMETERS);
    assert!((361..=363).contains(&n_correct), "{n_correct} right predictions");
}

#[test]
fn the_course_run() {
    let Some(device) = device() else { return };
    let (want, costs, _, n_correct) = published_run(device, 1.2);
    assert_costs_until("learning rate 1.2", &costs, &want["costs"], STABLE_UNTIL, COST);
    assert_costs("learning rate 1.2", &costs, &want["costs"], CHAOTIC);
    assert_close("cost after the last", &costs[10_000..], &[number(&want["cost_after_last"])], CHAOTIC);
    assert!((360..=365).contains(&n_correct), "{n_correct} right predictions");
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn the_same_bits_however_the_iterations_are_submitted() {
    let Some(device) = device() else { return };
    const ITERATIONS: usize = 400;
    let train = |at_a_time: usize| {
        let (mut executor, _) = planar_executor(device, 1.2);
        for _ in 0..ITERATIONS / at_a_time {
            run_all(&mut executor, at_a_time);
            // A look at the cost between two submissions must not disturb the training.
            if at_a_time == 50 {
                block_on(executor.cost()).unwrap();
            }
        }
        let costs = block_on(executor.take_costs()).unwrap();
        assert_eq!(costs.len(), ITERATIONS);
        (bits(&costs), bits(block_on(executor.parameters()).unwrap().values()))
    };
    let first = train(ITERATIONS);
    for at_a_time in [ITERATIONS, 50, 1] {
        assert!(first == train(at_a_time), "other bits with {at_a_time} iterations at a time");
    }
}

/// Five hidden layers, each with another activation.
const LAYERS: [Layer; 5] = [
    Layer { units: 9, activation: Activation::Tanh },
    Layer { units: 8, activation: Activation::LeakyRelu { slope: 0.1 } },
    Layer { units: 7, activation: Activation::Sigmoid },
    Layer { units: 8, activation: Activation::Relu },
    Layer { units: 5, activation: Activation::Identity },
];

/// Gradients of the first step and the costs of fifty, on both sides.
#[track_caller]
fn assert_training_agrees(device: &Device, network: &Network) {
    let (m, learning_rate) = (75, 0.1);
    let mut numbers = Numbers::new(31);
    let parameters = numbers.parameters(network);
    let x = numbers.normals(network.n_features() * m);
    let y = numbers.targets(network.loss(), network.n_outputs(), m);
    let (_, want) = cpu_reference::cost_and_gradients(network, &parameters, &x, &y, m).unwrap();
    let mut reference =
        cpu_reference::Executor::new(&Problem::full_batch(network, &parameters, &x, &y, m, learning_rate))
            .unwrap();
    assert_eq!(reference.run(50), 50);

    let mut executor =
        Executor::new(device, &Problem::full_batch(network, &parameters, &x, &y, m, learning_rate)).unwrap();
    run_all(&mut executor, 1);
    let gradients = block_on(executor.gradients()).unwrap();
    let largest = want.values().iter().fold(0.0, |largest: f64, gradient| largest.max(gradient.abs()));
    assert_within(&format!("{network}: gradients"), gradients.values(), want.values(), |_| {
        GRADIENT * largest
    });
    run_all(&mut executor, 49);
    let costs = block_on(executor.take_costs()).unwrap();
    assert_within(&format!("{network}: costs"), &costs, &reference.take_costs(), |_| COST_AFTER_50);
    let cost = block_on(executor.cost()).unwrap();
    assert_within(&format!("{network}: last cost"), &[cost], &[reference.cost()], |_| COST_AFTER_50);
}

#[test]
fn every_depth_with_every_loss() {
    let Some(device) = device() else { return };
    let losses = [
        (Loss::BinaryCrossEntropy, 1),
        (Loss::SoftmaxCrossEntropy, 4),
        (Loss::SquaredError, 1),
        (Loss::SquaredError, 3),
    ];
    for (loss, n_outputs) in losses {
        for depth in 0..=LAYERS.len() {
            let network = Network::new(3, LAYERS[..depth].to_vec(), n_outputs, loss).unwrap();
            assert_training_agrees(device, &network);
        }
    }
}

#[test]
fn an_output_does_not_depend_on_the_other_samples() {
    let Some(device) = device() else { return };
    let network = Network::new(3, LAYERS.to_vec(), 4, Loss::SoftmaxCrossEntropy).unwrap();
    let mut numbers = Numbers::new(32);
    let parameters = numbers.parameters(&network);
    let predictor = |m| Predictor::new(device, &network, &parameters, m).unwrap();
    let (one, n) = (predictor(1), network.n_features());

    // Blocks are of 65,536 samples: one short, a whole one, and those that begin another.
    for m in [2, 64, 65, 65_536, 65_537, 131_073] {
        let x = numbers.normals(n * m);
        let together = block_on(predictor(m).predict(&x, m)).unwrap();
        for j in [0, 1, 63, 64, 65_534, 65_535, 65_536, 131_071, 131_072].into_iter().filter(|j| *j < m) {
            let sample: Vec<f64> = (0..n).map(|row| x[row * m + j]).collect();
            let alone = block_on(one.predict(&sample, 1)).unwrap();
            let column: Vec<f64> = together.iter().skip(j).step_by(m).copied().collect();
            assert_eq!(bits(&alone), bits(&column), "sample {j} of {m}");
        }
    }
}

/// A training whose weights explode: squared error, with an absurd learning rate.
fn diverging<'d>(device: Option<&'d Device>) -> Result<training::Trained> {
    let (network, x, y, learning_rate) =
        (Network::new(1, vec![], 1, Loss::SquaredError).unwrap(), [1.0, 2.0, 3.0], [2.0, 1.0, 0.0], 1e30);
    let initial = Parameters::zeros(&network);
    let executor: training::Executor<'d> = match device {
        Some(device) => training::Executor::Gpu(Box::new(
            Executor::new(device, &Problem::full_batch(&network, &initial, &x, &y, 3, learning_rate))
                .unwrap(),
        )),
        None => training::Executor::CpuReference(Box::new(
            cpu_reference::Executor::new(&Problem::full_batch(&network, &initial, &x, &y, 3, learning_rate))
                .unwrap(),
        )),
    };
    let plan = Plan { iterations: 100, report_every: 10, learning_rate };
    block_on(Trainer::new(executor, plan).finish(&mut |_| {}))
}

#[test]
fn divergence_is_reported_as_on_the_cpu() {
    let Some(device) = device() else { return };
    // The first cost beyond the range: 1e60 for f32, 1e308 for f64.
    for (device, first) in [(Some(device), 1), (None, 6)] {
        let Err(Error::Diverged { iteration, cost, learning_rate }) = diverging(device) else {
            panic!("no divergence is reported");
        };
        assert_eq!((iteration, cost.is_finite(), learning_rate), (first, false, 1e30));
    }
}

#[test]
fn values_beyond_single_precision_are_refused() {
    let Some(device) = device() else { return };
    let network = Network::new(1, vec![], 1, Loss::SquaredError).unwrap();
    let zeros = Parameters::zeros(&network);
    let huge = Parameters::from_values(&network, vec![0.0, -1e39]).unwrap();
    let refused = |parameters: &Parameters, x: f64, y: f64| match Executor::new(
        device,
        &Problem::full_batch(&network, parameters, &[0.0, x], &[0.0, y], 2, 0.1),
    )
    .err()
    {
        Some(Error::Data { origin, problem }) => format!("{origin}: {problem}"),
        other => panic!("not refused as data: {other:?}"),
    };
    let largest = f64::from(f32::MAX);
    assert!(
        Executor::new(
            device,
            &Problem::full_batch(&network, &zeros, &[0.0, largest], &[0.0, -largest], 2, 0.1)
        )
        .is_ok()
    );
    assert!(refused(&zeros, 1e39, 0.0).starts_with("features: value 1 is 1000000000"));
    assert!(refused(&zeros, 0.0, f64::NAN).starts_with("targets: value 1 is NaN"));
    assert!(refused(&huge, 0.0, 0.0).starts_with("parameters: value 1 is -1000000000"));
    let predictor = Predictor::new(device, &network, &zeros, 1).unwrap();
    assert!(matches!(block_on(predictor.predict(&[1e39], 1)), Err(Error::Data { .. })));
}

#[test]
fn a_matrix_larger_than_the_device_can_bind_is_refused() {
    let Some(device) = &open() else { return };
    let (units, limit) = (60_000, device.summary().max_array_bytes);
    // One feature a sample is little, A1 is more than the device can bind.
    let m = usize::try_from(limit).unwrap() / size_of::<f32>() / units + 1;
    let hidden = vec![Layer { units, activation: Activation::Tanh }];
    let network = Network::new(1, hidden, 1, Loss::BinaryCrossEntropy).unwrap();
    let (parameters, zeros) = (Parameters::zeros(&network), vec![0.0; m]);
    let error =
        Executor::new(device, &Problem::full_batch(&network, &parameters, &zeros, &zeros, m, 0.1)).err();
    let Some(error @ Error::DeviceLimit { .. }) = error else { panic!("not refused: {error:?}") };
    let message = error.to_string();
    assert!(message.starts_with(&format!("A1 (60000 x {m}) needs ")), "{message}");
    let limit = format!("{} MiB an array", limit.div_ceil(1 << 20));
    assert!(message.contains(&limit) && message.contains(&device.summary().name), "{message}");
}
