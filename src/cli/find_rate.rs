//! `gpu-nn find-rate`: a learning-rate range test, its table and its picture.

use std::fmt::Write as _;

use gpu_nn::Result;
use gpu_nn::network::Network;
use gpu_nn::plot::{Caption, encode_png, rates_picture};
use gpu_nn::schedule::Lowering;
use gpu_nn::training::{RangeTest, RangeTested, sample_weights};
use serde_json::json;

use super::console::{self, Console, thousands};
use super::options::{BackendArgs, ResultArgs, check_lowering, learning_rate};
use super::record::DeviceRecord;
use super::run_folder::RunFolder;
use super::setup_options::{Setup, SetupArgs};
use super::steps::Steps;
use super::training_options::TrainingArgs;

/// Find a learning rate: a short training whose rate rises from far too small to far too large (Smith's range test).
///
/// The rate grows by the same factor in every iteration; the test ends early when the cost has become too high. Where the cost
/// sinks fastest is a rate to train with; where it is lowest, it is too high already. Data, network, optimiser, batches and
/// penalties are those of `train`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("learning_rate", |arg| arg.hide(true)), mut_arg("schedule", |arg| arg.hide(true)))]
#[command(mut_arg("warm_up", |arg| arg.hide(true)), mut_arg("report_every", |arg| arg.hide(true)))]
#[command(mut_arg("iterations", |arg| arg.help("Steps of the test [default: an epoch, but at least 200 and at most 1,000]")))]
pub struct Args {
    /// The first learning rate [default: a ten-thousandth of what the optimiser usually takes]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true, help_heading = "Range")]
    from: Option<f64>,
    /// The last one [default: a thousand times what the optimiser usually takes]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true, help_heading = "Range")]
    to: Option<f64>,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    results: ResultArgs,
}

/// How much of the mean cost stays when that of a batch is added.
const SMOOTHING: f64 = 0.9;

/// Rows of the table.
const ROWS: usize = 21;

const SIZE: (u32, u32) = (900, 560);

impl Args {
    fn range(&self, steps: &Steps) -> RangeTest {
        let usual = steps.descent.optimizer.usual_learning_rate();
        RangeTest {
            from: self.from.unwrap_or(usual / 1e4),
            to: self.to.unwrap_or(usual * 1e3),
            iterations: steps.iterations,
            // All samples at once have no noise.
            smoothing: if steps.in_batches() { SMOOTHING } else { 0.0 },
        }
    }
}

pub async fn run(args: Args) -> Result<()> {
    let Setup { source, dataset, network, parameters } = args.setup.setup()?;
    let mut steps = args.training.range_test_steps(dataset.m)?;
    let range = args.range(&steps);
    range.check()?;
    steps.descent = range.descent(steps.descent);
    let weights = sample_weights(&dataset, args.training.class_weight(), None)?;
    let y = dataset.y();
    let problem = steps.problem(&network, &parameters, &dataset, &y, weights.as_deref());
    let (backend, why) = args.backend.open_for(&problem, steps.iterations, args.training.lowering).await?;
    check_lowering(args.training.lowering, &backend)?;
    let lowering = args.training.lowering.unwrap_or(Lowering::Layerwise);
    let mut executor = backend.executor(&problem, lowering)?;

    let console = Console::new(!args.results.quiet && !args.results.json, range.iterations);
    let mut folder = RunFolder::create(args.results.out.as_deref(), &source.short_name())?;
    let m = thousands(dataset.m);
    console.line(&format!("data      {}: {m} samples of {} features", dataset.name, dataset.n_features))?;
    console.line(&format!("network   {network}\nbackend   {why}"))?;
    let optimizer = steps.descent.optimizer.name();
    let n = thousands(range.iterations);
    console.line(&format!(
        "test      {optimizer}, rates {} to {} in {n} iterations",
        short(range.from),
        short(range.to)
    ))?;
    let tested = range.run(&mut executor, &mut |done| console.progress(done)).await;
    console.finish(tested.as_ref().err());
    let tested = tested?;

    folder.write("rates.csv", csv(&tested))?;
    let mut written = vec!["rates.csv"];
    if !args.results.no_plots {
        folder.write("rates.png", encode_png(&picture(&tested, &network, &dataset.name, optimizer)?)?)?;
        written.push("rates.png");
    }
    if args.results.json {
        return console::print_json(&json!({
            "device": DeviceRecord::new(&backend, Some(executor.lowering())),
            "data": dataset.name, "network": network.to_string(), "m": dataset.m,
            "optimizer": steps.descent.optimizer.to_string(), "batch_size": steps.batches.size,
            "from": range.from, "to": range.to, "iterations": range.iterations,
            "rates": tested.rates, "costs": tested.costs, "smoothed": tested.smoothed,
            "diverged": tested.diverged, "suggestion": tested.steepest, "lowest": tested.lowest,
            "out": folder.path().display().to_string(),
        }));
    }
    console.line(&table(&tested))?;
    console.line(&verdict(&tested, &range))?;
    console.line(&format!("wrote     {}: {}", folder.path().display(), written.join(", ")))
}

fn picture(
    tested: &RangeTested,
    network: &Network,
    data: &str,
    optimizer: &str,
) -> Result<gpu_nn::plot::RgbImage> {
    let title = format!("{data}, {network}");
    let ended = if tested.diverged { " · ended when the cost was too high" } else { "" };
    let caption = format!("{optimizer}, {} iterations{ended}", thousands(tested.rates.len()));
    rates_picture(tested, &Caption { title: &title, caption: &caption, size: SIZE })
}

fn csv(tested: &RangeTested) -> String {
    let mut text = String::from("learning_rate,cost,smoothed\n");
    for ((rate, cost), smoothed) in tested.rates.iter().zip(&tested.costs).zip(&tested.smoothed) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{rate},{cost},{smoothed}");
    }
    text
}

/// Some rates, evenly spread, and those that were found.
fn table(tested: &RangeTested) -> String {
    let every = tested.rates.len().div_ceil(ROWS);
    let mut text = format!("\n{:>12}{:>14}", "rate", "cost");
    for t in 0..tested.rates.len() {
        let rate = tested.rates[t];
        let found = match rate {
            _ if tested.steepest == Some(rate) => "  sinks fastest",
            _ if tested.lowest == Some(rate) => "  lowest",
            _ => "",
        };
        if t.is_multiple_of(every) || !found.is_empty() {
            let _ = write!(text, "\n{:>12}{:>14.6}{found}", short(rate), tested.smoothed[t]);
        }
    }
    text + "\n"
}

fn verdict(tested: &RangeTested, range: &RangeTest) -> String {
    match (tested.steepest, tested.lowest) {
        (Some(rate), Some(lowest)) => format!(
            "suggested --learning-rate {}: the cost sinks fastest there; {} is too high to begin with",
            short(rate),
            short(lowest)
        ),
        _ => format!(
            "suggested nothing: the cost never sank between {} and {}; try others with --from and --to, or --init he",
            short(range.from),
            short(range.to)
        ),
    }
}

/// A rate with two digits, as it is typed.
fn short(rate: f64) -> String {
    let rounded: f64 = format!("{rate:.1e}").parse().unwrap_or(rate);
    if (1e-4..1e5).contains(&rounded) { format!("{rounded}") } else { format!("{rounded:e}") }
}
