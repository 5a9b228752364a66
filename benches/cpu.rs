//! The `cpu` executor beside `cpu_reference`: the course's network, many samples, wide layers in batches, predictions.
//!
//! `cargo bench --bench cpu`. The costs and outputs are checked against `cpu_reference` before anything is timed; each
//! time is the median of several runs taken in turn.

use std::time::Instant;

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
        Problem { network, parameters, x, y, m, batch_size, learning_rate }
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
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            times[0].push(time(|| run(ours, |left| fast.run(left))) / ours as f64);
        }
        times[1].push(time(|| run(theirs, |left| reference.run(left))) / theirs as f64);
        let [ours, theirs] = times.map(median);
        let Self { name, network, m, batch_size, .. } = self;
        println!("{name}: {network}, m = {m}, batches of {batch_size}; costs within {worst:.1e}");
        print_row("cpu", ours, theirs, self.batch(self.iterations[0]));
        print_row("cpu-reference", theirs, theirs, self.batch(self.iterations[1]));
        Ok(())
    }

    fn batch(&self, iterations: usize) -> String {
        format!("an iteration of {iterations}")
    }
}

fn print_row(name: &str, seconds: f64, reference: f64, unit: String) {
    let ratio = reference / seconds;
    println!("  {name:<14} {:>11.2} us {unit:<24} {ratio:>8.1} times cpu-reference", seconds * 1e6);
}

fn run(iterations: usize, mut step: impl FnMut(usize) -> usize) {
    let mut left = iterations;
    while left > 0 {
        left -= step(left);
    }
}

fn time(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
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
    let ours = median((0..RUNS).map(|_| time(|| drop(fast()))).collect());
    let theirs = median((0..RUNS).map(|_| time(|| drop(reference()))).collect());
    println!("W4 predict: {network}, m = {m}; outputs within {worst:.1e}");
    print_row("cpu", ours, theirs, "all points".into());
    print_row("cpu-reference", theirs, theirs, "all points".into());
    Ok(())
}

fn main() -> gpu_nn::Result<()> {
    let course = || Network::new(2, parse_hidden("4", Activation::Tanh)?, 1, Loss::BinaryCrossEntropy);
    let hidden = parse_hidden("512,512", Activation::Relu)?;
    let wide = Network::new(784, hidden, 10, Loss::SoftmaxCrossEntropy)?;
    println!("{} threads", std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    Work::new("W1 course", course()?, 400, 400, [10_000, 2_000]).measure()?;
    Work::new("W2 many samples", course()?, 100_000, 100_000, [200, 10]).measure()?;
    Work::new("W3 wide", wide, 10_000, 128, [79, 2]).measure()?;
    predictions(&course()?)
}
