//! Optimisers, learning rates over time, penalties and shuffled batches: against PyTorch, and every executor against
//! `cpu_reference`; and trainings that are taken up again.

use gpu_nn::network::{Activation, Loss, Network, Parameters, parse_hidden};
use gpu_nn::schedule::{
    Contents, Decay, Descent, Dropout, Lowering, Optimizer, Problem, RateSchedule, Storage, Variant,
    gradients_with,
};
use gpu_nn::training::{Backend, Executor};
use gpu_nn::{Error, cpu_reference};
use pollster::block_on;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::cpu_support::bits;
use crate::gpu_support::{Numbers, home_networks, share};
use crate::support::{count, flat, golden, number};

/// The descent of a case of the golden file.
fn descent(name: &str, learning_rate: f64) -> Descent {
    let plain = Descent::sgd(learning_rate);
    let of = |name: &str| Descent { optimizer: name.parse().unwrap(), ..plain };
    let with =
        |descent: Descent, decay, warm_up| Descent { rates: RateSchedule { decay, warm_up }, ..descent };
    match name {
        "sgd with steps down" => with(plain, Decay::Step { every: 25, factor: 0.5 }, 0),
        "sgd with l1" => Descent { l1: 0.01, ..plain },
        "sgd with l2" => Descent { l2: 0.05, ..plain },
        "nesterov, exponential" => with(of("nesterov"), Decay::Exponential { every: 30, factor: 0.7 }, 0),
        "adam with l2" => Descent { l2: 0.05, ..of("adam") },
        "adamw, cosine" => with(of("adamw"), Decay::Cosine { over: 80 }, 10),
        name => of(name),
    }
}

/// Every backend that is there, with each way to train a small network.
pub fn ways() -> Vec<(Backend, Vec<Lowering>)> {
    let mut ways =
        vec![(Backend::CpuReference, vec![Lowering::Layerwise]), (Backend::Cpu, vec![Lowering::Layerwise])];
    ways.extend(share().map(|device| (Backend::Gpu(Box::new(device)), Lowering::ALL.to_vec())));
    ways
}

pub fn run(executor: &mut Executor<'_>, iterations: usize) {
    let mut left = iterations;
    while left > 0 {
        left -= block_on(executor.run(left)).unwrap();
    }
}

/// Costs, last parameters and state.
pub fn outcome(executor: &mut Executor<'_>) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let costs = block_on(executor.take_costs()).unwrap();
    let parameters = block_on(executor.parameters()).unwrap();
    (costs, parameters.values().to_vec(), block_on(executor.state()).unwrap())
}

#[track_caller]
pub fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance, "{what}: [{i}] is {got:e}, not {want:e}");
    }
}

#[test]
fn the_first_hundred_steps_are_those_of_pytorch() {
    let file = golden("10_optimisers");
    let hidden = parse_hidden("4", Activation::Tanh).unwrap();
    let network = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy).unwrap();
    let first = Parameters::from_values(&network, flat(&file["first"])).unwrap();
    let (x, y, m) = (flat(&file["x"]), flat(&file["y"]), count(&file["m"]));
    let runs = file["runs"].as_object().unwrap();
    assert_eq!(runs.len(), 12);
    for (backend, lowerings) in ways() {
        for (name, want) in runs {
            let descent = descent(name, number(&want["learning_rate"]));
            let problem = Problem {
                descent,
                batch_size: count(&file["batch_size"]),
                ..Problem::full_batch(&network, &first, &x, &y, m, 0.0)
            };
            for &lowering in &lowerings {
                let mut executor = backend.executor(&problem, lowering).unwrap();
                run(&mut executor, count(&file["steps"]));
                let (costs, parameters, _) = outcome(&mut executor);
                let tolerance = if backend.single_precision() { 1e-5 } else { 1e-9 };
                let what = format!("{name}, {} {}", backend.name(), executor.lowering());
                assert_close(&what, &costs, &flat(&want["costs"]), tolerance);
                assert_close(&what, &parameters, &flat(&want["parameters"]), tolerance);
            }
        }
    }
}

/// The same with a large epsilon: with a small one, a gradient near 0 takes a whole step to one side or the other, as its
/// rounding will have it.
fn well_conditioned(optimizer: Optimizer) -> Optimizer {
    let large = 1e-2;
    match optimizer {
        Optimizer::RmsProp { decay, .. } => Optimizer::RmsProp { decay, epsilon: large },
        Optimizer::Adam { beta_1, beta_2, .. } => Optimizer::Adam { beta_1, beta_2, epsilon: large },
        Optimizer::AdamW { beta_1, beta_2, weight_decay, .. } => {
            Optimizer::AdamW { beta_1, beta_2, epsilon: large, weight_decay }
        }
        optimizer => optimizer,
    }
}

/// A network with its data.
pub struct Task {
    pub network: Network,
    pub parameters: Parameters,
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub m: usize,
}

impl Task {
    pub fn new(features: usize, hidden: &str, loss: Loss, n_outputs: usize, m: usize) -> Self {
        let hidden = parse_hidden(hidden, Activation::Tanh).unwrap();
        Self::of(Network::new(features, hidden, n_outputs, loss).unwrap(), m)
    }

    pub fn of(network: Network, m: usize) -> Self {
        let mut random = Numbers::new(m as u32);
        let parameters = random.parameters(&network);
        let x = random.normals(network.n_features() * m);
        let y = random.targets(network.loss(), network.n_outputs(), m);
        Self { network, parameters, x, y, m }
    }

    pub fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, x, y, m } = self;
        Problem::full_batch(network, parameters, x, y, *m, 0.02)
    }
}

/// Small and deep, and one that is wide for the CPU and for devices.
pub fn tasks() -> [Task; 4] {
    let [small, classes, values] = home_networks();
    [
        Task::of(small, 65),
        Task::of(classes, 127),
        Task::of(values, 129),
        Task::new(70, "300:relu,200", Loss::SoftmaxCrossEntropy, 10, 150),
    ]
}

#[test]
fn every_executor_agrees_with_the_reference_on_shuffled_batches() {
    let ways = ways();
    for task in tasks() {
        for (optimizer, batch_size) in
            Optimizer::ALL.map(well_conditioned).into_iter().zip([32, 1, 50, 64, 33, 50])
        {
            let wide = task.x.len() > 10_000;
            if wide && batch_size == 1 {
                continue;
            }
            let descent = Descent { optimizer, l2: 1e-3, ..Descent::sgd(0.005) };
            let problem = Problem { batch_size, shuffle: Some(3), descent, ..task.problem() };
            // Into the third epoch, but not too far for single precision.
            let iterations = (2 * task.m.div_ceil(batch_size) + 2).min(40);
            let mut reference = cpu_reference::Executor::new(&problem).unwrap();
            let mut left = iterations;
            while left > 0 {
                left -= reference.run(left);
            }
            let (costs, parameters) = (reference.take_costs(), reference.parameters().values().to_vec());
            for (backend, lowerings) in &ways {
                for &lowering in lowerings {
                    let mut executor = match backend.executor(&problem, lowering) {
                        Err(Error::DeviceLimit { .. }) if wide => continue,
                        executor => executor.unwrap(),
                    };
                    run(&mut executor, iterations);
                    let got = outcome(&mut executor);
                    let what = format!("{} {lowering} {optimizer} {batch_size}", task.network);
                    assert_close(&what, &got.0, &costs, 2e-4);
                    assert_close(&what, &got.1, &parameters, 2e-4);
                    // All samples in their own order, whatever the batches were.
                    let cost = block_on(executor.cost()).unwrap();
                    assert_close(&what, &[cost], &[reference.cost()], 1e-4);
                }
            }
        }
    }
}

/// The same units are left out on every backend that has dropout; on none of them in an evaluation.
#[test]
fn dropout_leaves_out_the_same_units_everywhere() {
    for task in tasks() {
        for (rate, batch_size, shuffle) in [(0.5, task.m, None), (0.2, 48, Some(3))] {
            let dropout = Some(Dropout { rate, seed: 4 });
            let problem = Problem { batch_size, shuffle, dropout, ..task.problem() };
            let mut reference = cpu_reference::Executor::new(&problem).unwrap();
            let mut left = 12;
            while left > 0 {
                left -= reference.run(left);
            }
            let (costs, parameters) = (reference.take_costs(), reference.parameters().values().to_vec());
            let mut without = cpu_reference::Executor::new(&Problem { dropout: None, ..problem }).unwrap();
            while without.run(1) == 0 {}
            assert_ne!(without.take_costs()[0], costs[0], "nothing is left out");
            for (backend, lowerings) in ways() {
                for lowering in lowerings {
                    let mut executor = match backend.executor(&problem, lowering) {
                        Err(Error::DeviceLimit { what, .. }) if lowering != Lowering::Layerwise => {
                            assert!(what == "dropout" || task.x.len() > 10_000, "{what}");
                            continue;
                        }
                        executor => executor.unwrap(),
                    };
                    run(&mut executor, 12);
                    let got = outcome(&mut executor);
                    let what = format!("{} {} {lowering} {rate}", task.network, backend.name());
                    assert_close(&what, &got.0, &costs, 1e-5);
                    assert_close(&what, &got.1, &parameters, 1e-5);
                    assert_close(&what, &[block_on(executor.cost()).unwrap()], &[reference.cost()], 1e-5);
                }
            }
        }
    }
}

/// Weights on every backend and lowering, with shuffled batches; a weight of 2 is a sample that is there twice.
#[test]
fn weights_count_as_the_reference_counts_them() {
    for task in tasks() {
        let weights: Vec<f64> = (0..task.m).map(|j| [0.0, 0.5, 1.0, 2.5][j % 4]).collect();
        for (batch_size, shuffle) in [(task.m, None), (48, Some(3))] {
            let problem = Problem { batch_size, shuffle, weights: Some(&weights), ..task.problem() };
            let mut reference = cpu_reference::Executor::new(&problem).unwrap();
            let mut left = 8;
            while left > 0 {
                left -= reference.run(left);
            }
            let (costs, parameters) = (reference.take_costs(), reference.parameters().values().to_vec());
            for (backend, lowerings) in ways() {
                for lowering in lowerings {
                    let mut executor = match backend.executor(&problem, lowering) {
                        Err(Error::DeviceLimit { .. }) if task.x.len() > 10_000 => continue,
                        executor => executor.unwrap(),
                    };
                    run(&mut executor, 8);
                    let got = outcome(&mut executor);
                    let what = format!("{} {} {lowering}", task.network, backend.name());
                    assert_close(&what, &got.0, &costs, 1e-5);
                    assert_close(&what, &got.1, &parameters, 1e-5);
                    assert_close(&what, &[block_on(executor.cost()).unwrap()], &[reference.cost()], 1e-5);
                }
            }
        }
    }
}

#[test]
fn a_weight_of_two_is_a_sample_that_is_there_twice() {
    let task = &tasks()[1];
    let (n, m) = (task.network.n_features(), task.m);
    // The first sample once more, and the mean is still over the samples that are there.
    let doubled = |matrix: &[f64]| -> Vec<f64> {
        matrix.chunks_exact(m).flat_map(|row| row.iter().chain(&row[..1]).copied()).collect()
    };
    let (x, y) = (doubled(&task.x), doubled(&task.y));
    assert_eq!(x.len(), n * (m + 1));
    let scale = m as f64 / (m + 1) as f64;
    let weights: Vec<f64> = (0..m).map(|j| if j == 0 { 2.0 * scale } else { scale }).collect();
    let weighted = Problem { weights: Some(&weights), ..task.problem() };
    let twice = Problem { x: &x, y: &y, m: m + 1, batch_size: m + 1, ..task.problem() };
    let after = |problem: &Problem<'_>| {
        let mut executor = cpu_reference::Executor::new(problem).unwrap();
        while executor.run(1) == 0 {}
        (executor.take_costs(), executor.parameters().values().to_vec())
    };
    let (got, want) = (after(&weighted), after(&twice));
    assert_close("costs", &got.0, &want.0, 1e-12);
    assert_close("parameters", &got.1, &want.1, 1e-12);
    let short = Problem { weights: Some(&weights[1..]), ..task.problem() };
    assert!(cpu_reference::Executor::new(&short).is_err());
    let negative = vec![-1.0; m];
    assert!(cpu_reference::Executor::new(&Problem { weights: Some(&negative), ..task.problem() }).is_err());
}

/// With the units of an iteration left out, the gradient is that of what is left: central differences in double precision.
#[test]
fn the_gradient_under_dropout_is_that_of_the_masked_network() {
    for g in ["tanh", "sigmoid", "relu", "leaky_relu", "identity"] {
        let task = Task::new(3, &format!("7:{g},5:{g}"), Loss::SoftmaxCrossEntropy, 4, 11);
        let dropout = Some(Dropout { rate: 0.4, seed: 8 });
        let schedule = gradients_with(&task.network, task.m, Variant { dropout, ..Variant::default() });
        let mut before = Contents::zeros(&schedule);
        before.step = 5;
        for (i, tensor) in schedule.tensors.iter().enumerate() {
            match tensor.storage {
                Storage::Input => before.tensors[i] = task.x.clone(),
                Storage::Target => before.tensors[i] = task.y.clone(),
                _ => {}
            }
        }
        before.parameters = task.parameters.values().to_vec();
        let after = cpu_reference::run_once(&schedule, &before).unwrap();
        let cost = |p: usize, change: f64| {
            let mut moved = before.clone();
            moved.parameters[p] += change;
            cpu_reference::run_once(&schedule, &moved).unwrap().costs[0]
        };
        let scale = after.gradients.iter().fold(0.0, |most: f64, gradient| most.max(gradient.abs()));
        let step = 1e-6;
        for (p, gradient) in after.gradients.iter().enumerate() {
            let difference = (cost(p, step) - cost(p, -step)) / (2.0 * step);
            assert!(
                (difference - gradient).abs() <= 1e-7 * scale.max(1.0),
                "{g} {p}: {gradient} {difference}"
            );
        }
    }
}

#[test]
fn an_order_by_seed_is_another_than_none() {
    let task = &tasks()[0];
    let costs = |shuffle| {
        let problem = Problem { batch_size: 16, shuffle, ..task.problem() };
        let mut executor = cpu_reference::Executor::new(&problem).unwrap();
        while executor.run(1) == 0 {}
        executor.take_costs()
    };
    assert_ne!(costs(Some(1)), costs(None));
    assert_ne!(costs(Some(1)), costs(Some(2)));
    assert_eq!(costs(Some(1)), costs(Some(1)));
}

/// Stopped after any number of iterations and taken up again from what is known then, on every backend and lowering: at 24
/// random points each, besides the first and one in the middle of an epoch.
#[test]
fn a_training_that_is_taken_up_again_ends_with_the_same_bits() {
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let rates = RateSchedule { decay: Decay::Cosine { over: 70 }, warm_up: 5 };
    for task in &tasks()[..2] {
        for (backend, lowerings) in ways() {
            for (lowering, optimizer) in lowerings.iter().flat_map(|&l| Optimizer::ALL.map(|o| (l, o))) {
                let descent = Descent { optimizer, rates, l1: 1e-4, l2: 1e-3, ..Descent::sgd(0.02) };
                let dropout = (lowering == Lowering::Layerwise).then_some(Dropout { rate: 0.3, seed: 2 });
                let problem =
                    Problem { batch_size: 20, shuffle: Some(9), descent, dropout, ..task.problem() };
                let mut whole = backend.executor(&problem, lowering).unwrap();
                run(&mut whole, 40);
                let want = outcome(&mut whole);
                for stop in [1, 17, random.random_range(1..40), random.random_range(1..40)] {
                    let mut first = backend.executor(&problem, lowering).unwrap();
                    run(&mut first, stop);
                    let mut costs = block_on(first.take_costs()).unwrap();
                    let state = block_on(first.state()).unwrap();
                    let parameters = block_on(first.parameters()).unwrap();
                    let problem = Problem { parameters: &parameters, done: stop, state: &state, ..problem };
                    let mut second = backend.executor(&problem, lowering).unwrap();
                    run(&mut second, 40 - stop);
                    let got = outcome(&mut second);
                    costs.extend(got.0);
                    let what = format!("{} {lowering} {optimizer}, stopped after {stop}", backend.name());
                    assert_eq!(bits(&costs), bits(&want.0), "{what}: costs");
                    assert_eq!(bits(&got.1), bits(&want.1), "{what}: parameters");
                    assert_eq!(bits(&got.2), bits(&want.2), "{what}: state");
                }
            }
        }
    }
}

#[test]
fn numbers_that_cannot_be_meant_are_refused() {
    let task = &tasks()[0];
    let refused = |descent: Descent, what: &str| {
        let problem = Problem { descent, ..task.problem() };
        let error = cpu_reference::Executor::new(&problem).err().unwrap_or_else(|| panic!("{what} is taken"));
        assert!(error.to_string().contains(what), "{error}");
    };
    let plain = Descent::sgd(0.1);
    refused(Descent { learning_rate: f64::NAN, ..plain }, "learning rate");
    refused(Descent { l1: -1.0, ..plain }, "l1");
    refused(Descent { l2: f64::INFINITY, ..plain }, "l2");
    refused(Descent { optimizer: Optimizer::Momentum { momentum: 1.0 }, ..plain }, "momentum");
    let adam = |beta_2, epsilon| Optimizer::Adam { beta_1: 0.9, beta_2, epsilon };
    refused(Descent { optimizer: adam(1.5, 1e-8), ..plain }, "beta_2");
    refused(Descent { optimizer: adam(0.9, 0.0), ..plain }, "epsilon");
    let rates = |decay| RateSchedule { decay, warm_up: 0 };
    refused(Descent { rates: rates(Decay::Cosine { over: 0 }), ..plain }, "schedule");
    refused(Descent { rates: rates(Decay::Step { every: 1, factor: 0.0 }), ..plain }, "factor");
    let short = Problem { state: &[1.0], ..task.problem() };
    let error = cpu_reference::Executor::new(&short).err().expect("a state of another optimiser is taken");
    assert!(error.to_string().contains("state of sgd"), "{error}");
}
