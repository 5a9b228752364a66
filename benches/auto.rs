//! What `--backend auto` and the choice of a lowering are worth: the time of an iteration of what is chosen beside that of every
//! backend and lowering that takes the work, for the works of the comparison with other programs and ten more shapes.
//!
//! `cargo bench --bench auto [-- NAME]` with part of an adapter's name; `VK_DRIVER_FILES` picks a driver. Every way's first costs
//! are checked against those of the first before anything is timed; each time is the median of runs that take turns.

use std::time::Instant;

use gpu_nn::data::NumpyRandom;
use gpu_nn::gpu::{AdapterRequest, Api, Device};
use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::{Backend, Executor, fastest_backend, fastest_lowering};

/// Runs of each measurement.
const RUNS: usize = 5;

/// Seconds of a run, or one submission.
const SECONDS: f64 = 0.1;

/// Costs that are compared.
const CHECKED: usize = 5;

/// How far a choice may lie behind the best before it is marked.
const BAR: f64 = 1.1;

/// A training: name, features, hidden layers, outputs, samples, batch size, iterations.
type Shape = (&'static str, usize, &'static str, usize, usize, usize, usize);

/// W1 to W3 are those of `benches/peers`.
const SHAPES: [Shape; 13] = [
    ("W1 course network", 2, "4", 1, 400, 400, 10_000),
    ("W2 many samples", 2, "4", 1, 100_000, 100_000, 500),
    ("W3 wide, in batches", 784, "512:relu,512:relu", 10, 10_000, 128, 780),
    ("logistic regression", 30, "none", 1, 569, 569, 5_000),
    ("few samples", 4, "8", 3, 60, 60, 5_000),
    ("deep and narrow", 2, "8,8,8,8,8,8", 1, 1_000, 1_000, 3_000),
    ("twenty layers", 2, "5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5", 1, 400, 400, 2_000),
    ("digits", 64, "32:relu", 10, 1_797, 64, 2_800),
    ("one wide layer", 20, "1024:relu", 2, 2_000, 256, 800),
    ("tabular", 14, "64:relu,32:relu", 2, 30_000, 256, 2_300),
    ("regression, all at once", 10, "50", 1, 5_000, 5_000, 1_000),
    ("a million samples", 2, "8:relu", 1, 1_000_000, 1_000_000, 30),
    ("small batches", 10, "16:relu,16:relu", 3, 10_000, 8, 6_000),
];

struct Work {
    network: Network,
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    m: usize,
    batch_size: usize,
}

impl Work {
    /// Normal features, with classes that depend on them; values where the name says regression.
    fn new((name, features, hidden, classes, m, batch_size, _): Shape) -> gpu_nn::Result<Self> {
        let loss = match classes {
            _ if name.starts_with("regression") => Loss::SquaredError,
            1 => Loss::BinaryCrossEntropy,
            _ => Loss::SoftmaxCrossEntropy,
        };
        let hidden = parse_hidden(hidden, Activation::Tanh)?;
        let network = Network::new(features, hidden, classes, loss)?;
        let mut random = NumpyRandom::new(1);
        let x: Vec<f64> = (0..features * m).map(|_| random.standard_normal()).collect();
        let kinds = classes.max(2) as f64;
        let y = (0..m).map(|j| ((x[j] * 3.0).sin() * x[m + j] + 1.0).rem_euclid(kinds).floor()).collect();
        let parameters = initialize(&network, Initializer::Xavier, 2);
        Ok(Self { network, parameters, x, y, m, batch_size })
    }

    fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, x, y, m, batch_size, .. } = self;
        Problem { batch_size: *batch_size, ..Problem::full_batch(network, parameters, x, y, *m, 0.1) }
    }
}

/// One way to train, its executor between two runs, and the seconds of an iteration so far.
struct Way<'b> {
    name: &'static str,
    executor: Executor<'b>,
    /// Iterations that take about [`SECONDS`].
    wanted: usize,
    seconds: Vec<f64>,
}

impl<'b> Way<'b> {
    /// With its first costs, and warm.
    async fn new(name: &'static str, mut executor: Executor<'b>) -> gpu_nn::Result<(Self, Vec<f64>)> {
        run(&mut executor, CHECKED).await?;
        let costs = executor.take_costs().await?;
        let mut way = Self { name, executor, wanted: 1, seconds: Vec::new() };
        while way.time().await? * way.wanted as f64 <= SECONDS {
            way.wanted *= 2;
        }
        way.seconds.clear();
        Ok((way, costs))
    }

    async fn time(&mut self) -> gpu_nn::Result<f64> {
        let begin = Instant::now();
        run(&mut self.executor, self.wanted).await?;
        // Costs that nobody takes would pile up; a training takes them too.
        self.executor.take_costs().await?;
        self.seconds.push(begin.elapsed().as_secs_f64() / self.wanted as f64);
        Ok(*self.seconds.last().expect("one was just pushed"))
    }

    fn median(&self) -> f64 {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    }
}

async fn run(executor: &mut Executor<'_>, iterations: usize) -> gpu_nn::Result<()> {
    let mut left = iterations;
    while left > 0 {
        left -= executor.run(left).await?;
    }
    Ok(())
}

/// Every way to train that takes the work, measured in turn.
async fn measured<'b>(
    host: &'b Backend,
    device: &'b Backend,
    problem: &Problem<'_>,
) -> gpu_nn::Result<Vec<(&'static str, f64)>> {
    let mut ways = Vec::new();
    let (cpu, want) = Way::new("cpu", host.executor(problem, Lowering::Layerwise)?).await?;
    ways.push(cpu);
    for lowering in [Lowering::Resident, Lowering::Fused, Lowering::Layerwise] {
        let Ok(executor) = device.executor(problem, lowering) else { continue };
        let (way, costs) = Way::new(lowering.name(), executor).await?;
        let worst =
            costs.iter().zip(&want).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max);
        assert!(costs.len() == CHECKED && worst <= 1e-4, "{lowering}: costs differ from cpu by {worst:e}");
        ways.push(way);
    }
    for _ in 0..RUNS {
        for way in &mut ways {
            way.time().await?;
        }
    }
    Ok(ways.iter().map(|way| (way.name, way.median())).collect())
}

fn main() -> gpu_nn::Result<()> {
    let name = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    pollster::block_on(all(AdapterRequest { api: Api::Any, name, software: true }))
}

async fn all(request: AdapterRequest) -> gpu_nn::Result<()> {
    let (host, device) = (Backend::host(), Backend::Gpu(Box::new(Device::open(&request).await?)));
    println!("{} ({})", device.adapter().unwrap_or("?"), device.driver().unwrap_or("?"));
    println!(
        "microseconds an iteration, median of {RUNS} runs; auto and the lowering over the best of theirs"
    );
    let row = |name: &str, times: [String; 4], auto: &str, lowering: &str| {
        let times: String = times.iter().map(|time| format!("{time:>11}")).collect();
        println!("{name:<24}{times}  {auto:<18}{lowering}");
    };
    let ways = ["cpu", "resident", "fused", "layerwise"];
    row("", ways.map(str::to_owned), "auto", "lowering");
    let mut late = 0;
    for shape in SHAPES {
        let work = Work::new(shape)?;
        let problem = work.problem();
        let iterations = shape.6;
        let (chosen, _) = fastest_backend(&problem, iterations).await?;
        let lowering = fastest_lowering(&device, &problem, iterations).await?.lowering.name();
        let auto = match chosen.adapter() {
            None => "cpu",
            Some(_) => fastest_lowering(&chosen, &problem, iterations).await?.lowering.name(),
        };
        let times = measured(&host, &device, &problem).await?;
        let of = |name: &str| times.iter().find(|way| way.0 == name).map(|way| way.1);
        let best = |ways: &[(&str, f64)]| ways.iter().map(|way| way.1).fold(f64::INFINITY, f64::min);
        let ratios = [of(auto).map(|t| t / best(&times)), of(lowering).map(|t| t / best(&times[1..]))]
            .map(|ratio| ratio.unwrap_or(f64::NAN));
        late += ratios.iter().filter(|ratio| **ratio > BAR || ratio.is_nan()).count();
        let time = |name| of(name).map_or_else(|| "-".to_owned(), |seconds| format!("{:.1}", 1e6 * seconds));
        let [of_auto, of_lowering] = ratios;
        row(
            shape.0,
            ways.map(time),
            &format!("{of_auto:.2} {auto}"),
            &format!("{of_lowering:.2} {lowering}"),
        );
    }
    println!("choices more than {BAR} of the best: {late} of {}", 2 * SHAPES.len());
    Ok(())
}
