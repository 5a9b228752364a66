//! A long run that looks for leaks: a million iterations resident and a hundred thousand fused, with the memory of the process
//! on the way; two hundred trainings one after the other, with the memory of the device after each; and how long submissions
//! take beside their budget, and snapshots beside a training. Minutes, not a test.
//!
//! `cargo run --release --example soak` on Linux, which tells a process its memory; `-- quick` for a tenth of it.

use std::error::Error;
use std::time::Instant;

use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::gpu::{AdapterRequest, Api, Device, TIME_BUDGET};
use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Descent, Lowering, Optimizer, Problem};
use gpu_nn::training::{Backend, Plan, Trainer};
use pollster::block_on;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Memory may grow by so much after warm-up, mebibytes.
const GROWTH: f64 = 5.0;

/// The course's network on the planar flower.
struct Task {
    network: Network,
    parameters: Parameters,
    data: Dataset,
    y: Vec<f64>,
}

impl Task {
    fn new() -> Result<Self> {
        let data = generate(Generator::Flower, &GeneratorOptions::default())?;
        let network = Network::new(2, parse_hidden("4", Activation::Tanh)?, 1, Loss::BinaryCrossEntropy)?;
        let parameters = initialize(&network, Initializer::COURSE, 2);
        let y = data.y();
        Ok(Self { network, parameters, data, y })
    }

    fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, data, y } = self;
        Problem::full_batch(network, parameters, &data.x, y, data.m, 0.5)
    }
}

fn main() -> Result<()> {
    let part = if std::env::args().any(|argument| argument == "quick") { 10 } else { 1 };
    let request = AdapterRequest { api: Api::Any, name: None, software: true };
    let device = block_on(Device::open(&request))?;
    println!("{}, {}", device.summary().name, device.summary().driver);
    let (backend, task) = (Backend::Gpu(Box::new(device)), Task::new()?);
    let mut good = endure(&backend, &task, Lowering::Resident, 1_000_000 / part)?;
    good &= endure(&backend, &task, Lowering::Fused, 100_000 / part)?;
    good &= endure(&backend, &task, Lowering::Layerwise, 20_000 / part)?;
    good &= repeat(&backend, &task, 200 / part)?;
    snapshots(&backend, &task, 200_000 / part)?;
    if good { Ok(()) } else { Err("something has grown".into()) }
}

/// Trains in one executor, and fetches costs as a training does.
fn endure(backend: &Backend, task: &Task, lowering: Lowering, iterations: usize) -> Result<bool> {
    let mut executor = backend.executor(&task.problem(), lowering)?;
    let (mut done, mut longest, mut over, mut submissions) = (0, 0f64, 0, 0);
    let (mut warm, mut most) = (0.0, 0f64);
    let begin = Instant::now();
    while done < iterations {
        let start = Instant::now();
        done += block_on(executor.run(iterations - done))?;
        let budgets = start.elapsed().as_secs_f64() / TIME_BUDGET.as_secs_f64();
        if done.is_multiple_of(10) || submissions % 8 == 0 {
            let costs = block_on(executor.take_costs())?;
            assert!(costs.iter().all(|cost| cost.is_finite()));
        }
        // A tenth of it warms up.
        if done * 10 < iterations {
            continue;
        }
        if warm == 0.0 {
            warm = resident_mib()?;
        }
        (submissions, over) = (submissions + 1, over + usize::from(budgets > 2.0));
        longest = longest.max(budgets);
        most = most.max(resident_mib()?);
    }
    let grown = most - warm;
    println!(
        "{lowering}: {iterations} iterations in {:.1} s; memory {warm:.1} MiB, grown by {grown:.2} MiB at most; \
         {submissions} submissions, the longest {longest:.2} budgets, {over} longer than two",
        begin.elapsed().as_secs_f64(),
    );
    Ok(grown <= GROWTH)
}

/// Trains again and again, in each lowering in turn, with an evaluation and predictions; everything is dropped after each.
fn repeat(backend: &Backend, task: &Task, trainings: usize) -> Result<bool> {
    let Backend::Gpu(device) = backend else { unreachable!("main opens a device") };
    let (mut warm, mut most, mut allocated) = (0.0, 0f64, None);
    let mut same = true;
    // Each lowering has been compiled and dropped several times.
    let warm_up = (trainings / 10).max(3 * Lowering::ALL.len());
    for number in 0..trainings {
        let lowering = Lowering::ALL[number % Lowering::ALL.len()];
        let descent = Descent { optimizer: Optimizer::ADAM, ..Descent::sgd(0.01) };
        let problem = Problem { batch_size: 64, shuffle: Some(1), descent, ..task.problem() };
        let plan = Plan { iterations: 100, report_every: 10, learning_rate: 0.01 };
        let executor = backend.executor(&problem, lowering)?;
        let mut trainer = Trainer::new(executor, plan).surviving(backend, problem, |_| {});
        block_on(trainer.finish(&mut |_| {}))?;
        block_on(trainer.predict(&task.data.x, task.data.m))?;
        drop(trainer);
        // What was dropped is given back when the device is looked at again.
        block_on(backend.predict(&task.network, &task.parameters, &task.data.x, task.data.m))?;
        if number + 1 == warm_up {
            (warm, allocated) = (resident_mib()?, device.allocated());
        }
        if number + 1 > warm_up {
            most = most.max(resident_mib()?);
            same &= device.allocated() == allocated;
        }
    }
    let grown = most - warm;
    println!(
        "{trainings} trainings: memory {warm:.1} MiB, grown by {grown:.2} MiB at most; the device's (bytes, pieces) \
         {allocated:?} after each: {same}"
    );
    Ok(grown <= GROWTH && same)
}

/// What snapshots cost a training: the median of three ratios, with and without in turn.
fn snapshots(backend: &Backend, task: &Task, iterations: usize) -> Result<()> {
    let plan = Plan { iterations, report_every: iterations / 10, learning_rate: 0.5 };
    let seconds = |survives: bool| -> Result<f64> {
        let executor = backend.executor(&task.problem(), Lowering::Resident)?;
        let mut trainer = Trainer::new(executor, plan);
        if survives {
            trainer = trainer.surviving(backend, task.problem(), |_| {});
        }
        let begin = Instant::now();
        block_on(trainer.finish(&mut |_| {}))?;
        Ok(begin.elapsed().as_secs_f64())
    };
    seconds(true)?;
    let mut ratios = Vec::new();
    for _ in 0..3 {
        ratios.push(seconds(true)? / seconds(false)?);
    }
    ratios.sort_by(f64::total_cmp);
    println!("a training of {iterations} iterations with snapshots takes {:.3} of one without", ratios[1]);
    Ok(())
}

/// The memory of this process, as Linux tells it.
fn resident_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: f64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kibibytes / 1024.0)
}
