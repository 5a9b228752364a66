//! The `cpu` executor beside `cpu_reference`: the course's network, many samples, wide layers in batches, predictions.
//!
//! `cargo bench --bench cpu`. The costs and outputs are checked against `cpu_reference` before anything is timed; each
//! time is the median of several runs, on the clock and of all threads together.

use std::time::Instant;

use cpu_time::ProcessTime;
use gpu_nn::data::NumpyRandom;
use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::Problem;
use gpu_nn::{cpu, cpu_reference};

/// Runs of each measurement.
const RUNS: usize = 5;

/// A training with its data.
struct Work {
    name: &'static str,
    network: Network,
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    m: usize,
    batch_size: usize,
    learning_rate: f64,
    /// Iterations timed: of `cpu`, and of `cpu_reference`, which is slower.
    iterations: [usize; 2],
}

impl Work {
    /// Normal features, with classes that depend on them.
    fn new(
        name: &'static str,
        network: Network,
        m: usize,
        batch_size: usize,
        iterations: [usize; 2],
    ) -> Self {
        let mut random = NumpyRandom::new(1);
        let x: Vec<f64> = (0..network.n_features() * m).map(|_| random.standard_normal()).collect();
        let classes = network.n_classes() as f64;
        let class = |j: usize| ((x[j] * 3.0).sin() * x[m + j] + 1.0).rem_euclid(classes).floor();
        let y = (0..m).map(class).collect();
        let parameters = initialize(&network, Initializer::Xavier, 2);
        Self { name, network, parameters, x, y, m, batch_size, learning_rate: 0.1, iterations }
    }

    fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, x, y, m, batch_size, learning_rate, .. } = self;
        let (m, batch_size, learning_rate) = (*m, *batch_size, *learning_rate);
        Problem { batch_size, ..Problem::full_batch(network, parameters, x, y, m, learning_rate) }
    }

    /// Checks the first costs, then prints the times.
    fn measure(&self) -> gpu_nn::Result<()> {
        let mut fast = cpu::Executor::new(&self.problem())?;
        let mut reference = cpu_reference::Executor::new(&self.problem())?;
        let first = 10.min(self.iterations[1]);
        run(first, |left| fast.run(left));
        run(first, |left| reference.run(left));
        let costs = fast.take_costs().into_iter().zip(reference.take_costs());
        let worst = costs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= 1e-5, "{}: costs differ from cpu_reference by up to {worst:e}", self.name);

        let [ours, theirs] = self.iterations;
        let ours = median_of(|| run(ours, |left| fast.run(left))).over(ours);
        let theirs = median_of(|| run(theirs, |left| reference.run(left))).over(theirs);
        let Self { name, network, m, batch_size, .. } = self;
        println!("{name}: {network}, m = {m}, batches of {batch_size}; costs within {worst:.1e}");
        print_rows(ours, theirs, "an iteration");
        Ok(())
    }
}

/// Seconds on the clock, and of all threads together.
#[derive(Clone, Copy)]
struct Time {
    wall: f64,
    cpu: f64,
}

impl Time {
    fn over(self, iterations: usize) -> Self {
        Self { wall: self.wall / iterations as f64, cpu: self.cpu / iterations as f64 }
    }
}

fn print_rows(ours: Time, theirs: Time, unit: &str) {
    for (name, time) in [("cpu", ours), ("cpu-reference", theirs)] {
        let (wall, cpu) = (time.wall * 1e6, time.cpu * 1e6);
        println!("  {name:<14} {wall:>11.2} us {unit}, {cpu:>11.2} us of the cores");
    }
    println!("  ratio          {:>11.3}, of the cores {:.3}", ours.wall / theirs.wall, ours.cpu / theirs.cpu);
}

fn run(iterations: usize, mut step: impl FnMut(usize) -> usize) {
    let mut left = iterations;
    while left > 0 {
        left -= step(left);
    }
}

/// The median of each clock over the runs.
fn median_of(mut work: impl FnMut()) -> Time {
    let times = (0..RUNS).map(|_| {
        let (wall, cpu) = (Instant::now(), ProcessTime::now());
        work();
        Time { wall: wall.elapsed().as_secs_f64(), cpu: cpu.elapsed().as_secs_f64() }
    });
    let times: Vec<Time> = times.collect();
    let median = |of: fn(&Time) -> f64| {
        let mut values: Vec<f64> = times.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[RUNS / 2]
    };
    Time { wall: median(|time| time.wall), cpu: median(|time| time.cpu) }
}

/// Predictions for many points.
fn predictions(network: &Network) -> gpu_nn::Result<()> {
    let m = 1_000_000;
    let parameters = initialize(network, Initializer::Xavier, 2);
    let mut random = NumpyRandom::new(3);
    let x: Vec<f64> = (0..2 * m).map(|_| random.standard_normal()).collect();
    let fast = || cpu::predict_samples(network, &parameters, &x, m);
    let reference = || cpu_reference::predict_samples(network, &parameters, &x, m);
    let worst = fast()?.iter().zip(reference()?).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= 1e-6, "outputs differ from cpu_reference by up to {worst:e}");
    let (ours, theirs) = (median_of(|| drop(fast())), median_of(|| drop(reference())));
    println!("W4 predict: {network}, m = {m}; outputs within {worst:.1e}");
    print_rows(ours, theirs, "all points");
    Ok(())
}

fn main() -> gpu_nn::Result<()> {
    let course = || Network::new(2, parse_hidden("4", Activation::Tanh)?, 1, Loss::BinaryCrossEntropy);
    let hidden = parse_hidden("512,512", Activation::Relu)?;
    let wide = Network::new(784, hidden, 10, Loss::SoftmaxCrossEntropy)?;
    println!("{} threads", std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    Work::new("W1 course", course()?, 400, 400, [10_000, 500]).measure()?;
    Work::new("W2 many samples", course()?, 100_000, 100_000, [100, 3]).measure()?;
    Work::new("W3 wide", wide, 10_000, 128, [79, 1]).measure()?;
    predictions(&course()?)
}
