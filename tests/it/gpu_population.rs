//! The fused and the resident lowering, and populations, against `cpu_reference`.

use gpu_nn::cpu_reference;
use gpu_nn::gpu::{Device, Population};
use gpu_nn::network::{Activation, Loss, Network, Parameters, parse_hidden};
use gpu_nn::schedule::{Descent, Lowering, Problem};

use crate::gpu_support::{Numbers, SIZES, device, home_networks, open, whole_networks};

const WHOLE: [Lowering; 2] = [Lowering::Fused, Lowering::Resident];

/// So far may costs and parameters lie from those of `cpu_reference` after a few iterations, relative to the largest.
const TOLERANCE: f64 = 2e-6;

/// Samples, first parameters and how to step, owned.
struct Task {
    network: Network,
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    m: usize,
    batch_size: usize,
}

impl Task {
    fn new(network: Network, m: usize, batch_size: usize) -> Self {
        let mut numbers = Numbers::new(m as u32 + 17);
        let parameters = numbers.parameters(&network);
        let x = numbers.normals(network.n_features() * m);
        let y = numbers.targets(network.loss(), network.n_outputs(), m);
        Self { network, parameters, x, y, m, batch_size }
    }

    fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, x, y, m, batch_size } = self;
        Problem { batch_size: *batch_size, ..Problem::full_batch(network, parameters, x, y, *m, 0.02) }
    }
}

/// Costs of each iteration, the last parameters, and the cost of these.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    costs: Vec<f64>,
    parameters: Vec<f64>,
    cost_after_last: f64,
}

fn reference(problem: &Problem<'_>, iterations: usize) -> Outcome {
    let mut executor = cpu_reference::Executor::new(problem).unwrap();
    let mut done = 0;
    while done < iterations {
        done += executor.run(iterations - done);
    }
    let costs = executor.take_costs();
    let cost_after_last = executor.cost();
    Outcome { costs, parameters: executor.parameters().values().to_vec(), cost_after_last }
}

fn train(device: &Device, problems: &[Problem<'_>], lowering: Lowering, iterations: usize) -> Vec<Outcome> {
    let mut population = Population::new(device, problems, lowering).unwrap();
    pollster::block_on(async {
        let mut done = 0;
        while done < iterations {
            done += population.run(iterations - done).await.unwrap();
        }
        let costs = population.take_costs().await.unwrap();
        let after = population.cost().await.unwrap();
        // The evaluation changes nothing.
        assert_eq!(population.cost().await.unwrap(), after);
        let parameters = population.parameters().await.unwrap();
        costs
            .into_iter()
            .zip(parameters)
            .zip(after)
            .map(|((costs, parameters), cost_after_last)| Outcome {
                costs,
                parameters: parameters.values().to_vec(),
                cost_after_last,
            })
            .collect()
    })
}

#[track_caller]
fn assert_close(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= TOLERANCE * scale;
        assert!(close, "{what}[{i}] is {got:e}, not {want:e}");
    }
}

#[track_caller]
fn assert_agree(what: &str, got: &Outcome, want: &Outcome) {
    // All costs together: a last one near 0 is the difference of larger numbers.
    let costs = |outcome: &Outcome| [&outcome.costs[..], &[outcome.cost_after_last]].concat();
    assert_close(&format!("{what}: cost"), &costs(got), &costs(want));
    assert_close(&format!("{what}: parameter"), &got.parameters, &want.parameters);
}

#[test]
fn whole_networks_agree_with_the_reference() {
    let Some(device) = device() else { return };
    for (i, network) in whole_networks().into_iter().enumerate() {
        let m = SIZES[i % SIZES.len()];
        let task = Task::new(network, m, m);
        let want = reference(&task.problem(), 5);
        for lowering in WHOLE {
            let got = train(device, &[task.problem()], lowering, 5).remove(0);
            assert_agree(&format!("{lowering}, {}, m = {m}", task.network), &got, &want);
        }
    }
}

#[test]
fn batches_agree_with_the_reference() {
    let Some(device) = device() else { return };
    let [small, _, large] = home_networks();
    for (network, m, batch_size) in [(&small, 10, 3), (&small, 400, 128), (&large, 129, 64), (&small, 7, 1)] {
        let task = Task::new(network.clone(), m, batch_size);
        // One epoch and a bit, so that the batches begin again.
        let iterations = m.div_ceil(batch_size) + 2;
        let want = reference(&task.problem(), iterations);
        for lowering in WHOLE {
            let got = train(device, &[task.problem()], lowering, iterations).remove(0);
            assert_agree(&format!("{lowering}, {network}, {m} in batches of {batch_size}"), &got, &want);
        }
    }
}

/// A population's members are the same bits as if each had been trained alone, whatever the others are.
#[test]
fn a_population_trains_each_network_as_if_alone() {
    let Some(device) = device() else { return };
    let hidden = |text| parse_hidden(text, Activation::Tanh).unwrap();
    let network = |text| Network::new(2, hidden(text), 1, Loss::BinaryCrossEntropy).unwrap();
    let first = Task::new(network("4"), 100, 100);
    let sizes = ["1", "20:relu,7", "none", "50"].map(network);
    let parameters: Vec<_> = sizes.iter().map(|network| Numbers::new(5).parameters(network)).collect();
    let mixed: Vec<Problem<'_>> = sizes
        .iter()
        .zip(&parameters)
        .enumerate()
        .map(|(i, (network, parameters))| {
            let learning_rate = 0.1 + 0.2 * i as f64;
            Problem { network, parameters, descent: Descent::sgd(learning_rate), ..first.problem() }
        })
        .collect();
    let others: Vec<_> = (0..9).map(|seed| Numbers::new(seed).parameters(&first.network)).collect();
    let alike: Vec<Problem<'_>> = others
        .iter()
        .zip(1..)
        .map(|(parameters, i)| Problem {
            parameters,
            descent: Descent::sgd(0.1 * f64::from(i)),
            ..first.problem()
        })
        .collect();
    for problems in [mixed, alike] {
        let together = train(device, &problems, Lowering::Resident, 30);
        for (problem, got) in problems.iter().zip(&together) {
            assert_agree(&problem.network.to_string(), got, &reference(problem, 30));
        }
        assert_eq!(train(device, &problems, Lowering::Resident, 30), together, "another run, other bits");
    }
    let alone = train(device, &[alike_member(&first, &others[3])], Lowering::Resident, 30);
    let beside = [alike_member(&first, &others[3]), alike_member(&first, &others[0])];
    assert_eq!(train(device, &beside, Lowering::Resident, 30)[0], alone[0]);
}

fn alike_member<'a>(task: &'a Task, parameters: &'a Parameters) -> Problem<'a> {
    Problem { parameters, ..task.problem() }
}

/// The kernels of whole networks run without the checks that wgpu adds; the proof is in `gpu::device`, the test is here.
#[test]
fn checks_change_no_result() {
    let (Some(device), Some(checked)) = (device(), open()) else { return };
    let checked = checked.with_checks();
    for network in whole_networks().into_iter().skip(1).step_by(7) {
        let task = Task::new(network, 65, 32);
        for lowering in WHOLE {
            let [free, checked] =
                [device, &checked].map(|d| train(d, &[task.problem()], lowering, 7).remove(0));
            assert_agree(&format!("{lowering}, {}", task.network), &free, &checked);
        }
    }
}

/// Iterations beyond the loop limit of one dispatch, and beyond what the device keeps of costs.
#[test]
fn long_trainings_lose_no_cost() {
    let Some(device) = device() else { return };
    let network = Network::new(1, vec![], 1, Loss::SquaredError).unwrap();
    let task = Task::new(network, 3, 2);
    let iterations = 70_000;
    let want = reference(&task.problem(), iterations);
    let got = train(device, &[task.problem()], Lowering::Resident, iterations).remove(0);
    assert_agree("70,000 iterations", &got, &want);
}

/// More samples than one round of the workgroups takes, around the driver's loop limit.
#[test]
fn large_m_agrees_with_the_reference() {
    let Some(device) = device() else { return };
    let network =
        Network::new(2, parse_hidden("4", Activation::Tanh).unwrap(), 1, Loss::BinaryCrossEntropy).unwrap();
    for m in [65_535, 65_536, 65_537, 200_000] {
        let task = Task::new(network.clone(), m, m);
        let want = reference(&task.problem(), 2);
        let got = train(device, &[task.problem()], Lowering::Fused, 2).remove(0);
        assert_agree(&format!("m = {m}"), &got, &want);
    }
}

#[test]
fn a_nan_is_refused() {
    let Some(device) = device() else { return };
    for network in whole_networks().into_iter().step_by(5) {
        let mut task = Task::new(network, 9, 9);
        let last = task.parameters.values().len() - 1;
        task.parameters.values_mut()[last] = f64::NAN;
        let problem = task.problem();
        for lowering in WHOLE {
            let error = Population::new(device, &[problem], lowering).err();
            assert!(error.is_some(), "{lowering} takes NaN as a first parameter");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_way_out() {
    let Some(device) = device() else { return };
    let wide = Network::new(2, parse_hidden("4000", Activation::Tanh).unwrap(), 1, Loss::BinaryCrossEntropy)
        .unwrap();
    let task = Task::new(wide, 5, 5);
    for lowering in WHOLE {
        let message = Population::new(device, &[task.problem()], lowering).err().unwrap().to_string();
        assert!(message.contains("--lowering layerwise"), "{message}");
    }
    let small = Task::new(Network::new(2, vec![], 1, Loss::BinaryCrossEntropy).unwrap(), 5, 5);
    let message =
        Population::new(device, &[small.problem(), small.problem()], Lowering::Fused).err().unwrap();
    assert!(message.to_string().contains("resident"), "{message}");
    assert!(Population::new(device, &[], Lowering::Resident).is_err());
    let message =
        Population::new(device, &[small.problem(), task.problem()], Lowering::Resident).err().unwrap();
    assert!(message.to_string().contains("network 1"), "{message}");
}
