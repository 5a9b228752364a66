//! `gpu-nn sweep`: the course's comparison of hidden sizes.

use std::fmt::Write as _;
use std::time::Instant;

use gpu_nn::Result;
use gpu_nn::data::Dataset;
use gpu_nn::network::{Network, initialize, parse_hidden};
use gpu_nn::training::{Backend, Plan};
use serde_json::{Value, json};

use super::console::{self, Console, thousands};
use super::fit::{Fit, Job, describe, fit};
use super::options::{BackendArgs, DataArgs, NetworkArgs, ResultArgs, TrainingArgs, at_least_one};
use super::pictures;
use super::record::{DeviceRecord, reported};
use super::run_folder::RunFolder;

/// Train one network for each of several hidden sizes and compare them in a table and a picture.
///
/// Without options it is the course's figure: 1, 2, 3, 4, 5, 20 and 50 units on the planar flower, 5,000 iterations.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Hidden sizes, one network each; `none` is logistic regression
    #[arg(
        long,
        value_name = "SIZES",
        allow_negative_numbers = true,
        default_value = "1,2,3,4,5,20,50",
        help_heading = "Network"
    )]
    hidden: String,
    #[command(flatten)]
    network: NetworkArgs,
    /// Steps of gradient descent
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = at_least_one,
        default_value_t = 5_000,
        help_heading = "Training"
    )]
    iterations: usize,
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    results: ResultArgs,
}

/// One network of the sweep, trained.
pub struct Row {
    /// As typed: `5`, `20:relu`, `none`.
    pub hidden: String,
    pub network: Network,
    pub fit: Fit,
}

impl Args {
    fn networks(&self, dataset: &Dataset) -> Result<Vec<(String, Network)>> {
        self.hidden
            .split(',')
            .map(|hidden| {
                let layers = parse_hidden(hidden, self.network.activation)?;
                Ok((hidden.trim().to_owned(), self.network.network(layers, dataset)?))
            })
            .collect()
    }
}

pub async fn run(args: Args, start: Instant) -> Result<()> {
    let source = args.data.source(None)?;
    let dataset = source.load(args.network.output.target_kind(), None, None)?;
    let networks = args.networks(&dataset)?;
    let (backend, why) = args.backend.open().await?;
    let mut folder =
        RunFolder::create(args.results.out.as_deref(), &format!("sweep-{}", source.short_name()))?;
    let console = Console::new(!args.results.quiet && !args.results.json, args.iterations);
    let (m, n) = (thousands(dataset.m), thousands(args.iterations));
    console.line(&format!("data      {}: {m} samples of {} features", dataset.name, dataset.n_features))?;
    console.line(&format!("backend   {why}"))?;
    console
        .line(&format!("training  {n} iterations at learning rate {} each", args.training.learning_rate))?;
    console.line("  hidden  cost      accuracy                    time")?;
    let mut rows = Vec::with_capacity(networks.len());
    let mut setup = start;
    for (hidden, network) in networks {
        let fit = train(&args, &backend, &network, &dataset, setup, &console).await?;
        let row = Row { hidden, network, fit };
        console.line(&line(&row))?;
        rows.push(row);
        setup = Instant::now();
    }
    folder.write("sweep.csv", csv(&rows))?;
    let mut written = vec!["sweep.csv"];
    if !args.results.no_plots && pictures::check_drawable(&dataset).is_ok() {
        written.push(pictures::draw_sweep(&mut folder, &dataset, &rows)?);
    }
    if args.results.json {
        return console::print_json(&report(&args, &dataset, &backend, &rows, &folder));
    }
    console.line(&format!("wrote     {}: {}", folder.path().display(), written.join(", ")))
}

async fn train(
    args: &Args,
    backend: &Backend,
    network: &Network,
    dataset: &Dataset,
    start: Instant,
    console: &Console,
) -> Result<Fit> {
    let draw = !args.results.no_plots && pictures::check_drawable(dataset).is_ok();
    let grid = if draw { Some(pictures::grid(dataset, true)?) } else { None };
    let plan = Plan {
        iterations: args.iterations,
        report_every: args.training.report_every(args.iterations),
        learning_rate: args.training.learning_rate,
    };
    let parameters = initialize(network, args.network.init, args.network.init_seed);
    let lowering = args.training.lowering;
    let job = Job { backend, lowering, network, dataset, plan, grid, moments: Vec::new() };
    fit(job, parameters, start, console, &mut |_, _| ()).await
}

fn line(row: &Row) -> String {
    let accuracy = describe(row.fit.score).unwrap_or_else(|| "-".into());
    let cost = row.fit.trained.cost_after_last;
    format!("  {:>6}  {cost:.6}  {accuracy:<26}  {:.2} s", row.hidden, row.fit.seconds.train)
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("hidden,network,cost_after_last,n_correct,accuracy_percent,seconds\n");
    for Row { hidden, network, fit } in rows {
        let n_correct = fit.score.map_or_else(String::new, |score| score.n_correct.to_string());
        let accuracy = fit.score.map_or_else(String::new, |score| score.accuracy_percent().to_string());
        let (cost, train) = (fit.trained.cost_after_last, fit.seconds.train);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{hidden},{network},{cost},{n_correct},{accuracy},{train}");
    }
    text
}

fn report(args: &Args, dataset: &Dataset, backend: &Backend, rows: &[Row], folder: &RunFolder) -> Value {
    let report_every = args.training.report_every(args.iterations);
    let runs = rows.iter().map(|Row { hidden, network, fit }| {
        json!({
            "hidden": hidden,
            "lowering": fit.lowering,
            "network": network.to_string(),
            "costs": reported(&fit.trained.costs, report_every),
            "cost_after_last": fit.trained.cost_after_last,
            "n_correct": fit.score.map(|score| score.n_correct),
            "accuracy_percent": fit.score.map(|score| score.accuracy_percent()),
            "seconds": fit.seconds,
        })
    });
    json!({
        "device": DeviceRecord::new(backend, None),
        "data": dataset.name,
        "m": dataset.m,
        "iterations": args.iterations,
        "learning_rate": args.training.learning_rate,
        "runs": runs.collect::<Vec<_>>(),
        "out": folder.path().display().to_string(),
    })
}
