//! Whole trainings in each lowering: costs, parameters and predictions against `cpu_reference`, gradients against central
//! differences, and the same bits in every run.

use super::comparison::{Comparison, scale};
use super::losses::weights;
use super::numbers::{ROUNDING, SIZES};
use super::probe::Effort;
use super::work::{Work, both_homes, home_networks, layers, network, small_networks, well_conditioned};
use crate::cpu_reference;
use crate::data::{Generator, GeneratorOptions, generate};
use crate::error::Result;
use crate::gpu::{self, Device, LOOP_LIMIT};
use crate::network::{Initializer, Loss, Network, Parameters, initialize};
use crate::schedule::{Clip, Decay, Descent, Dropout, Lowering, Optimizer, Problem, RateSchedule};
use crate::training::Executor;

/// So far may costs and parameters lie from those of `cpu_reference` after a few iterations, relative to the largest.
const CLOSE: f64 = 1e-5;

/// What single precision changes in a cost of the course's run; 4.7e-6 was measured between sample orders.
const COURSE_COST: f64 = 2e-5;

/// A gradient relative to the largest: a rounding for each layer and operation.
const GRADIENT: f64 = 1e-5;

/// What a training leaves behind.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    /// Of each iteration, and of the last parameters.
    costs: Vec<f64>,
    parameters: Vec<f64>,
    state: Vec<f64>,
    /// Outputs for its own samples.
    predicted: Vec<f64>,
}

fn executor<'d>(device: &'d Device, problem: &Problem<'_>, lowering: Lowering) -> Result<Executor<'d>> {
    Ok(match lowering {
        Lowering::Layerwise => Executor::Gpu(Box::new(gpu::Executor::new(device, problem)?)),
        whole => {
            let population = gpu::Population::new(device, std::slice::from_ref(problem), whole)?;
            Executor::GpuWhole(Box::new(population))
        }
    })
}

/// Exactly so many iterations: the executor may stop earlier and be called again.
async fn run(executor: &mut Executor<'_>, iterations: usize) -> Result<()> {
    let mut left = iterations;
    while left > 0 {
        left -= executor.run(left).await?;
    }
    Ok(())
}

async fn train(mut executor: Executor<'_>, problem: &Problem<'_>, iterations: usize) -> Result<Outcome> {
    run(&mut executor, iterations).await?;
    let mut costs = executor.take_costs().await?;
    costs.push(executor.cost().await?);
    let parameters = executor.parameters().await?.values().to_vec();
    let predicted = executor.predict(problem.x, problem.m).await?;
    Ok(Outcome { costs, parameters, state: executor.state().await?, predicted })
}

/// Trains on both sides and holds one against the other; after a training that was off, none: each takes a kernel of its own,
/// and compiling it some drivers seconds.
async fn hold(
    device: &Device,
    problem: &Problem<'_>,
    lowering: Lowering,
    iterations: usize,
    to: &mut Comparison,
) -> Result<()> {
    if to.failed() {
        return Ok(());
    }
    let reference = Executor::CpuReference(Box::new(cpu_reference::Executor::new(problem)?));
    let want = train(reference, problem, iterations).await?;
    let got = train(executor(device, problem, lowering)?, problem, iterations).await?;
    let what = |quantity: &str| format!("{}, m = {}: {quantity}", problem.network, problem.m);
    for (quantity, got, want) in [
        // All costs together: a last one near 0 is the difference of larger numbers.
        ("costs", &got.costs, &want.costs),
        ("parameters", &got.parameters, &want.parameters),
        ("state", &got.state, &want.state),
        ("outputs", &got.predicted, &want.predicted),
    ] {
        let scale = scale(want, 1e-3);
        to.within(&what(quantity), got, want, |_| CLOSE * scale);
    }
    Ok(())
}

/// Networks of every kind, a few steps each.
pub(super) async fn networks(
    device: &Device,
    lowering: Lowering,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    for (i, network) in small_networks(effort).enumerate() {
        let work = Work::new(network, SIZES[i % SIZES.len()]);
        hold(device, &work.problem(0.02), lowering, 5, to).await?;
    }
    Ok(())
}

/// Batches of every size, with and without a shorter one at the end; in an order of each epoch; with weights.
pub(super) async fn batches(device: &Device, lowering: Lowering, to: &mut Comparison) -> Result<()> {
    for (i, (m, batch_size)) in
        [(7, 1), (15, 7), (64, 63), (128, 64), (200, 65), (128, 127)].into_iter().enumerate()
    {
        let [small, _, large] = home_networks();
        let work = Work::new(if i % 2 == 0 { small } else { large }, m);
        let of_samples = weights(m);
        // Two epochs and some, so that the batches begin again.
        let iterations = 2 * m.div_ceil(batch_size) + 1;
        let in_order = Problem { batch_size, ..work.problem(0.02) };
        let shuffled = Problem { shuffle: Some(3), ..in_order };
        let weighted = Problem { weights: Some(&of_samples), ..shuffled };
        hold(device, &[in_order, shuffled, weighted][i % 3], lowering, iterations, to).await?;
    }
    Ok(())
}

/// Every optimiser with penalties and a rate that changes, on shuffled batches.
pub(super) async fn optimizers(
    device: &Device,
    lowering: Lowering,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    let rates = RateSchedule { decay: Decay::Cosine { over: 20 }, warm_up: 3 };
    for (i, optimizer) in Optimizer::ALL.into_iter().map(well_conditioned).enumerate() {
        for (home, work) in both_homes().into_iter().enumerate() {
            if effort == Effort::Quick && home != i % 2 {
                continue;
            }
            let descent = Descent { optimizer, rates, l1: 1e-4, l2: 1e-3, ..Descent::sgd(0.02) };
            let problem = Problem { batch_size: 32, shuffle: Some(9), descent, ..work.problem(0.0) };
            hold(device, &problem, lowering, 12, to).await?;
        }
    }
    Ok(())
}

/// Losses of values, smoothed labels and clipped gradients; layer by layer also activations that keep Z, and the norm of all
/// gradients.
pub(super) async fn objectives(device: &Device, lowering: Lowering, to: &mut Comparison) -> Result<()> {
    let clipped = |clip| Descent { clip: Some(clip), l2: 1e-2, ..Descent::sgd(0.02) };
    for hidden in ["4", "12,5"] {
        for loss in [Loss::AbsoluteError, Loss::Huber { delta: 0.75 }] {
            let work = Work::new(network(3, layers(hidden), 2, loss), 65);
            let descent = clipped(Clip::Value(1e-2));
            hold(device, &Problem { descent, ..work.problem(0.02) }, lowering, 8, to).await?;
        }
    }
    let softmax = |network: &Network| network.loss() == Loss::SoftmaxCrossEntropy;
    for network in small_networks(Effort::Quick).filter(softmax) {
        let work = Work::new(network, 64);
        let smoothed = Problem { label_smoothing: 0.1, ..work.problem(0.02) };
        hold(device, &smoothed, lowering, 8, to).await?;
    }
    if lowering == Lowering::Layerwise {
        let work = Work::new(network(3, layers("9:gelu,5:silu"), 3, Loss::SoftmaxCrossEntropy), 127);
        let descent = clipped(Clip::Norm(0.05));
        hold(device, &Problem { descent, ..work.problem(0.02) }, lowering, 8, to).await?;
    }
    Ok(())
}

/// The same units are left out as on the host.
pub(super) async fn dropout(device: &Device, to: &mut Comparison) -> Result<()> {
    for work in both_homes() {
        let dropout = Some(Dropout { rate: 0.3, seed: 4 });
        let problem = Problem { batch_size: 48, shuffle: Some(3), dropout, ..work.problem(0.02) };
        hold(device, &problem, Lowering::Layerwise, 12, to).await?;
    }
    Ok(())
}

/// More samples than one round of the workgroups takes, around an old driver's loop limit.
pub(super) async fn many_samples(
    device: &Device,
    lowering: Lowering,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    let all = [65_535, 65_537, 200_000];
    for &m in if effort == Effort::Quick { &all[1..2] } else { &all[..] } {
        let work = Work::new(network(2, layers("4"), 1, Loss::BinaryCrossEntropy), m);
        hold(device, &work.problem(0.5), lowering, 2, to).await?;
    }
    Ok(())
}

/// More iterations than the loops of one dispatch may have rounds.
pub(super) async fn many_iterations(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    let work = Work::new(network(1, Vec::new(), 1, Loss::SquaredError), 3);
    let iterations = if effort == Effort::Quick { LOOP_LIMIT / 4 } else { LOOP_LIMIT + 5_000 } as usize;
    hold(device, &Problem { batch_size: 2, ..work.problem(0.02) }, Lowering::Resident, iterations, to).await
}

/// Networks side by side, alike and of several sizes: each as if alone.
pub(super) async fn population(device: &Device, to: &mut Comparison) -> Result<()> {
    let work = Work::new(network(2, layers("4"), 1, Loss::BinaryCrossEntropy), 100);
    for sizes in [&["4"; 3][..], &["1", "20:relu,7", "none", "50"]] {
        let networks: Vec<Network> =
            sizes.iter().map(|text| network(2, layers(text), 1, Loss::BinaryCrossEntropy)).collect();
        let parameters: Vec<Parameters> = networks
            .iter()
            .zip(1..)
            .map(|(network, seed)| initialize(network, Initializer::Xavier, seed))
            .collect();
        let problems: Vec<Problem<'_>> = networks
            .iter()
            .zip(&parameters)
            .zip([0.1, 0.3, 0.5, 0.7])
            .map(|((network, parameters), rate)| Problem { network, parameters, ..work.problem(rate) })
            .collect();
        let mut population = gpu::Population::new(device, &problems, Lowering::Resident)?;
        let mut left = 20;
        while left > 0 {
            left -= population.run(left).await?;
        }
        for (problem, got) in problems.iter().zip(population.parameters().await?) {
            let mut reference = cpu_reference::Executor::new(problem)?;
            let mut left = 20;
            while left > 0 {
                left -= reference.run(left);
            }
            let want = reference.parameters().values();
            let scale = scale(want, 1e-3);
            let what = format!("{} of {}", problem.network, networks.len());
            to.within(&what, got.values(), want, |_| CLOSE * scale);
        }
    }
    Ok(())
}

/// The course's network on the planar flower from its own first parameters.
pub(super) async fn course(
    device: &Device,
    lowering: Lowering,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    let network = network(2, layers("4"), 1, Loss::BinaryCrossEntropy);
    let parameters = initialize(&network, Initializer::COURSE, 2);
    let y = flower.y();
    let problem = Problem::full_batch(&network, &parameters, &flower.x, &y, flower.m, 0.5);
    let iterations = if effort == Effort::Quick { 200 } else { 1_000 };
    let reference = Executor::CpuReference(Box::new(cpu_reference::Executor::new(&problem)?));
    let want = train(reference, &problem, iterations).await?;
    let got = train(executor(device, &problem, lowering)?, &problem, iterations).await?;
    to.within("cost", &got.costs, &want.costs, |_| COURSE_COST);
    // Flat directions of the cost: parameters may differ by more than it does.
    to.within("parameters", &got.parameters, &want.parameters, |_| 10.0 * COURSE_COST);
    to.within("outputs", &got.predicted, &want.predicted, |_| 10.0 * COURSE_COST);
    Ok(())
}

/// One step with learning rate 1 against central differences of the cost, in which no formula of the backward pass has a part.
pub(super) async fn gradients(device: &Device, lowering: Lowering, to: &mut Comparison) -> Result<()> {
    for network in small_networks(Effort::Quick) {
        let work = Work::new(network, 9);
        let problem = work.problem(1.0);
        let mut executor = executor(device, &problem, lowering)?;
        run(&mut executor, 1).await?;
        let after = executor.parameters().await?;
        let before = work.parameters.values();
        let step: Vec<f64> =
            before.iter().zip(after.values()).map(|(before, after)| before - after).collect();
        let want = central_differences(&work.network, &work)?;
        let scale = scale(&want, 1e-3);
        // The parameter after the step is rounded.
        let limit = |i: usize| GRADIENT * scale + 2.0 * ROUNDING * before[i].abs();
        to.within(&format!("{}: gradient", work.network), &step, &want, limit);
        if to.failed() {
            break;
        }
    }
    Ok(())
}

/// The derivative of the cost by each parameter: its error is of the order of the step's square.
fn central_differences(network: &Network, work: &Work) -> Result<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let mut moved = work.parameters.clone();
    let mut differences = Vec::with_capacity(moved.values().len());
    for i in 0..moved.values().len() {
        let at = moved.values()[i];
        let mut cost = |value: f64| -> Result<f64> {
            moved.values_mut()[i] = value;
            Ok(cpu_reference::cost_and_gradients(network, &moved, &work.x, &work.y, work.m)?.0)
        };
        let difference = (cost(at + STEP)? - cost(at - STEP)?) / (2.0 * STEP);
        moved.values_mut()[i] = at;
        differences.push(difference);
    }
    Ok(differences)
}

/// Three runs, the same bits.
pub(super) async fn determinism(device: &Device, lowering: Lowering, to: &mut Comparison) -> Result<()> {
    for work in both_homes() {
        let descent = Descent { optimizer: Optimizer::ADAM, ..Descent::sgd(0.01) };
        let problem = Problem { batch_size: 20, shuffle: Some(5), descent, ..work.problem(0.0) };
        let first = train(executor(device, &problem, lowering)?, &problem, 30).await?;
        for _ in 0..2 {
            let again = train(executor(device, &problem, lowering)?, &problem, 30).await?;
            to.same_bits("cost", &again.costs, &first.costs);
            to.same_bits("parameters", &again.parameters, &first.parameters);
            to.same_bits("state", &again.state, &first.state);
            to.same_bits("outputs", &again.predicted, &first.predicted);
        }
    }
    Ok(())
}
