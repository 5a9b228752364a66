//! `gpu-nn bench`: every backend and lowering on one problem, each in a process of its own, checked before it is timed.

use std::process::Command;
use std::time::Instant;

use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate, linear_classes};
use gpu_nn::gpu::{AdapterSummary, Api, adapters};
use gpu_nn::network::{Activation, Initializer, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::CancelToken;
use gpu_nn::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bench_row::{self, Row, Verdict};
use super::console::{self, Console, thousands};
use super::interrupt::{Interrupt, output_unless};
use super::options::{Output, at_least_one, learning_rate};

/// Measure every backend and lowering on one problem.
///
/// Each is checked against cpu-reference first and then timed, in a process of its own, so that set-up time and memory are
/// its own too. Without --features the data is the planar flower; with it, normal features and linear classes.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Samples
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true, default_value_t = 400)]
    pub m: usize,
    /// Features of generated data [default: the planar flower with 2]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub features: Option<usize>,
    /// Classes of generated data; needs --features
    #[arg(long, value_name = "N", requires = "features", value_parser = at_least_one, allow_negative_numbers = true, default_value_t = 2)]
    pub classes: usize,
    /// Hidden layers: 4, or 20,7,5, or 20:relu,7:tanh, or none
    #[arg(long, value_name = "SIZES", allow_negative_numbers = true, default_value = "4")]
    pub hidden: String,
    /// Activation of hidden layers that name none
    #[arg(long, value_name = "G", default_value = "tanh")]
    pub activation: Activation,
    /// First weights: normal:SCALE, zeros, xavier, he, lecun
    #[arg(long, value_name = "HOW", default_value = "xavier")]
    pub init: Initializer,
    /// Samples an iteration trains on [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub batch_size: Option<usize>,
    /// Iterations to time [default: as many as half a second takes]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub iterations: Option<usize>,
    /// Step size of gradient descent
    #[arg(long, value_name = "RATE", default_value_t = 0.1, value_parser = learning_rate, allow_negative_numbers = true)]
    pub learning_rate: f64,
    /// Repetitions; the median counts
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true, default_value_t = 5)]
    pub runs: usize,
    /// Only these: cpu-reference, cpu, or a lowering (layerwise, fused, resident) on every adapter; separated by commas
    #[arg(long, value_name = "WAYS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Time predictions on all samples instead of training
    #[arg(long)]
    pub predict: bool,
    /// Also the time of each kernel of a GPU, from its own clock
    #[arg(long, conflicts_with = "predict")]
    pub profile: bool,
    /// Print one JSON object on standard output, and nothing else
    #[arg(long)]
    pub json: bool,
    /// One way of those that `ways` lists, measured in this very process
    #[arg(long, hide = true, value_name = "JSON")]
    pub row: Option<String>,
}

/// One way to run the problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// `cpu-reference`, `cpu`, or the API of an adapter.
    pub backend: String,
    /// The adapter's number, if there is one.
    pub adapter: Option<usize>,
    /// `layerwise`, `fused` or `resident` on an adapter.
    pub lowering: Option<String>,
}

impl Way {
    /// What `--only` calls it.
    fn name(&self) -> &str {
        self.lowering.as_deref().unwrap_or(&self.backend)
    }
}

/// The problem of a bench, owned.
pub struct Work {
    pub dataset: Dataset,
    pub y: Vec<f64>,
    pub network: Network,
    pub parameters: Parameters,
    pub batch_size: usize,
    pub learning_rate: f64,
}

impl Work {
    /// The problem with `m` samples.
    pub fn new(args: &Args, m: usize) -> Result<Self> {
        let dataset = match args.features {
            None => generate(Generator::Flower, &GeneratorOptions { m: Some(m), ..Default::default() })?,
            Some(features) => linear_classes(m, features, args.classes, 1)?,
        };
        let network = Output::Auto.network(parse_hidden(&args.hidden, args.activation)?, &dataset)?;
        let parameters = initialize(&network, args.init, 2);
        let batch_size = args.batch_size.unwrap_or(args.m).min(dataset.m);
        let y = dataset.y();
        Ok(Self { dataset, y, network, parameters, batch_size, learning_rate: args.learning_rate })
    }

    pub fn problem(&self) -> Problem<'_> {
        let Self { dataset, y, network, parameters, batch_size, learning_rate } = self;
        let (m, batch_size, learning_rate) = (dataset.m, *batch_size, *learning_rate);
        Problem { batch_size, ..Problem::full_batch(network, parameters, &dataset.x, y, m, learning_rate) }
    }
}

pub async fn run(args: Args, start: Instant) -> Result<()> {
    if let Some(row) = &args.row {
        let way = serde_json::from_str(row)
            .map_err(|error| Error::invalid("row", row, format!("it is for the program itself: {error}")))?;
        let row = bench_row::measure(&args, &way, start).await?;
        return console::print_json(&row);
    }
    // A problem that cannot be is refused here, once, and not by each row.
    let work = Work::new(&args, args.m.min(100))?;
    if args.batch_size.is_some_and(|size| size > args.m) {
        let reason = format!("it must be between 1 and the number of samples, {}", args.m);
        return Err(Error::invalid("batch size", args.batch_size.unwrap_or(0), reason));
    }
    // Drivers are left alone where only the host is measured.
    let host_only = !args.only.is_empty() && args.only.iter().all(|only| HOST.contains(&only.as_str()));
    let found = if host_only { Vec::new() } else { adapters(Api::Any).await };
    let ways = ways(&args, &found)?;
    let console = Console::new(!args.json, ways.len());
    describe(&args, &work.network, &found, &console)?;
    let (mut rows, interrupt) = (Vec::with_capacity(ways.len()), Interrupt::listen()?);
    let all = ways.len();
    for way in ways {
        let Some(row) = in_a_process_of_its_own(&way, interrupt.token())? else {
            let next = "the rows above count".into();
            return Err(Error::Cancelled { what: "ways", done: rows.len(), all, next });
        };
        console.line(&line(&row))?;
        for (name, microseconds) in row.kernels() {
            console.line(&format!("      {name:<24} {microseconds:>9.1} us"))?;
        }
        rows.push(row);
    }
    if args.json {
        let adapters: Vec<_> = found
            .iter()
            .map(|adapter| json!({"name": adapter.name, "driver": adapter.driver, "kind": adapter.kind}))
            .collect();
        return console::print_json(&json!({
            "network": work.network.to_string(),
            "n_parameters": work.parameters.values().len(),
            "m": args.m,
            "batch_size": args.batch_size.unwrap_or(args.m),
            "what": if args.predict { "predict" } else { "train" },
            "adapters": adapters,
            "rows": rows,
        }));
    }
    conclude(&rows, &console)
}

/// The ways that need no device.
const HOST: [&str; 2] = ["cpu-reference", "cpu"];

/// All ways, or those that were asked for.
fn ways(args: &Args, found: &[AdapterSummary]) -> Result<Vec<Way>> {
    let host = HOST.map(|name| Way { backend: name.into(), adapter: None, lowering: None });
    let mut ways = Vec::from(host);
    for (i, adapter) in found.iter().enumerate() {
        // Predictions have one way only.
        let lowerings = if args.predict { &Lowering::ALL[..1] } else { &Lowering::ALL[..] };
        ways.extend(lowerings.iter().map(|lowering| Way {
            backend: adapter.api.clone(),
            adapter: Some(i),
            lowering: Some(lowering.name().to_owned()),
        }));
    }
    if let Some(unknown) = args.only.iter().find(|only| !ways.iter().any(|way| way.name() == *only)) {
        let mut names: Vec<&str> = ways.iter().map(Way::name).collect();
        names.dedup();
        return Err(Error::invalid("way", unknown, format!("this machine has {}", names.join(", "))));
    }
    if !args.only.is_empty() {
        ways.retain(|way| args.only.iter().any(|only| way.name() == only));
    }
    Ok(ways)
}

/// This program again with `--row`: its set-up time, its memory and its crashes are its own. Nothing, if it was cancelled.
fn in_a_process_of_its_own(way: &Way, cancel: &CancelToken) -> Result<Option<Row>> {
    let failed = |problem: String| Error::data("bench", problem);
    let program = std::env::current_exe().map_err(|error| {
        failed(format!("the program cannot find itself to measure in a process: {error}"))
    })?;
    let row = serde_json::to_string(way).map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).args(["--row", &row]);
    let Some(output) = output_unless(cancel, &mut command)
        .map_err(|error| failed(format!("a process to measure in cannot be started: {error}")))?
    else {
        return Ok(None);
    };
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).map(Some).map_err(|error| failed(error.to_string()));
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let last = message.lines().last().unwrap_or("it ended without a word");
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    Ok(Some(Row::failed(way, reason.to_owned())))
}

fn describe(args: &Args, network: &Network, found: &[AdapterSummary], console: &Console) -> Result<()> {
    let batch = match args.batch_size {
        Some(size) if size < args.m => format!(", batches of {}", thousands(size)),
        _ => String::new(),
    };
    let what = if args.predict { "prediction" } else { "training" };
    console.line(&format!("problem   {what}, {network}, m = {}{batch}", thousands(args.m)))?;
    for (i, adapter) in found.iter().enumerate() {
        console.line(&format!("adapter   {i}: {}, {} ({})", adapter.name, adapter.driver, adapter.kind))?;
    }
    let runs = args.runs;
    console.line(&format!("  medians of {runs}; an iteration's time, its CPU time, samples and products a second, data read a second"))?;
    console.line(
        "  way                        wall        CPU    samples/s  GFLOP/s    GB/s  of peak    setup    memory",
    )
}

fn line(row: &Row) -> String {
    let name = match &row.way.lowering {
        Some(lowering) => format!("{} {lowering}", row.way.backend),
        None => row.way.backend.clone(),
    };
    let name = match row.way.adapter {
        Some(adapter) if adapter > 0 => format!("{name} ({adapter})"),
        _ => name,
    };
    let timing = match &row.verdict {
        Verdict::Measured(timing) => timing,
        Verdict::Failed { reason } => return format!("  {name:<21} -  {reason}"),
        Verdict::Wrong { error, tolerance } => {
            return format!(
                "  {name:<21} -  wrong result: {error:.1e} from cpu-reference, at most {tolerance:.0e} allowed"
            );
        }
    };
    let micro = |microseconds: f64| match microseconds {
        t if t < 1e3 => format!("{t:.1} us"),
        t if t < 1e6 => format!("{:.2} ms", t / 1e3),
        t => format!("{:.2} s", t / 1e6),
    };
    let peak = timing.percent_of_peak.map_or_else(|| "-".into(), |percent| format!("{percent:.0} %"));
    let memory = timing.peak_memory_mib.map_or_else(|| "-".into(), |mib| format!("{mib:.0} MiB"));
    format!(
        "  {name:<21} {:>9}  {:>9}  {:>11}  {:>7.2}  {:>6.2}  {peak:>7}  {:>7}  {memory:>8}",
        micro(timing.us_per_iteration),
        micro(timing.cpu_us_per_iteration),
        thousands(timing.samples_per_s as usize),
        timing.gflops,
        timing.gbs,
        micro(timing.setup_s * 1e6),
    )
}

fn conclude(rows: &[Row], console: &Console) -> Result<()> {
    let times = rows.iter().filter_map(|row| match &row.verdict {
        Verdict::Measured(timing) => Some((row, timing.us_per_iteration)),
        _ => None,
    });
    let mut known = Vec::new();
    for row in rows {
        if let Verdict::Measured(timing) = &row.verdict
            && let (Some(gflops), Some(gbs)) = (timing.peak_gflops, timing.peak_gbs)
            && !known.contains(&row.way.adapter)
        {
            known.push(row.way.adapter);
            let name = row.adapter_name.as_deref().unwrap_or("the CPU, all threads");
            console.line(&format!(
                "  peak of {name}, measured: {gflops:.0} GFLOP/s multiply-add, {gbs:.1} GB/s copy"
            ))?;
        }
    }
    match times.min_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((row, _)) => {
            console.line(&format!("  fastest: {}", line(row).trim_start().split("  ").next().unwrap_or("")))
        }
        None => Err(Error::data("bench", "nothing could be measured; the table says why")),
    }
}
