//! `gpu-nn sweep`: many networks on one data set, side by side: hidden sizes, learning rates, first weights, seeds.

use std::time::Instant;

use gpu_nn::data::{DataSource, Dataset, Partition, Preprocessing};
use gpu_nn::model::{FILE_NAME, Model};
use gpu_nn::network::{Activation, Initializer, Network, Parameters, initialize, parse_hidden};
use gpu_nn::plot::Regions;
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::{Backend, Metric, Outcomes, Population, Score, Trained, sample_weights};
use gpu_nn::{Error, Result};

use super::console::{self, Console, thousands};
use super::data_options::{DataArgs, PrepareArgs};
use super::interrupt::Interrupt;
use super::options::{self, BackendArgs, Output, ResultArgs, at_least_one};
use super::pictures;
use super::run_folder::RunFolder;
use super::steps::{StepArgs, Steps, Wanted};
use super::sweep_report::{csv, print_table, ranking, report};

/// Networks of a sweep at most: their costs are kept until the end.
const MAX_NETWORKS: usize = 1_000;

/// Iterations of each on all samples at once, if nothing else is said: the course's.
const ITERATIONS: usize = 5_000;

/// Train many networks on one data set, rank them, and save the best.
///
/// Without options it is the course's figure: 1, 2, 3, 4, 5, 20 and 50 units on the planar flower, 5,000 iterations. Lists
/// of learning rates, first weights and seeds multiply: `--hidden 4,20 --learning-rate 0.1,1.2 --init-seed 1..5` is 20
/// networks, which differ in nothing else. On a GPU all of them train at once, on the CPU as many as there are cores.
#[derive(Debug, clap::Args)]
#[command(mut_arg("optimizer", |arg| arg.help(
    "sgd, momentum, nesterov, rmsprop, adam or adamw, with constants as in `train`: momentum:momentum=0.8"
)))]
#[command(mut_arg("schedule", |arg| arg.help(
    "The learning rate over time: constant, step:EPOCHS:FACTOR, exponential:EPOCHS:FACTOR or cosine (to 0 at the end)"
)))]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    prepare: PrepareArgs,
    /// Hidden sizes; `none` is logistic regression, `20:relu` names the activation
    #[arg(
        long,
        value_name = "SIZES",
        allow_negative_numbers = true,
        value_delimiter = ',',
        default_value = "1,2,3,4,5,20,50",
        help_heading = "Network"
    )]
    hidden: Vec<String>,
    /// Activation of hidden layers that name none: sigmoid, tanh, relu, leaky_relu, leaky_relu(SLOPE), elu, softplus, gelu (z sigmoid(2 u), u = sqrt(2/pi) (z + 0.044715 z^3)), silu (z sigmoid(z)), identity
    #[arg(long, value_name = "G", default_value = "tanh", help_heading = "Network")]
    activation: Activation,
    /// Output activation and cost
    #[arg(long, value_enum, default_value = "auto", help_heading = "Network")]
    output: Output,
    /// First weights: normal:SCALE, zeros, xavier, he, lecun; several separated by commas
    #[arg(
        long,
        value_name = "HOW",
        value_delimiter = ',',
        default_value = "normal:0.01",
        help_heading = "Network"
    )]
    init: Vec<Initializer>,
    /// Seeds of the first weights: 2, or 1,2,3, or 1..20 (both included)
    #[arg(
        long,
        value_name = "SEEDS",
        allow_negative_numbers = true,
        value_delimiter = ',',
        value_parser = options::seeds,
        default_value = "2",
        help_heading = "Network"
    )]
    init_seed: Vec<options::Seeds>,
    /// Steps of the optimiser [default: 5,000; with --batch-size, those of 20 epochs]
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = at_least_one,
        help_heading = "Training"
    )]
    iterations: Option<usize>,
    /// Step sizes, separated by commas [default: 1.2 for sgd, 0.1 for momentum and nesterov, 0.001 for the others]
    #[arg(
        long,
        value_name = "RATES",
        allow_negative_numbers = true,
        value_delimiter = ',',
        value_parser = options::learning_rate,
        help_heading = "Training"
    )]
    learning_rate: Vec<f64>,
    #[command(flatten)]
    steps: StepArgs,
    /// With --json: report the cost of every so many iterations [default: a tenth of the iterations]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true, help_heading = "Training")]
    report_every: Option<usize>,
    /// How a GPU trains: layerwise, fused, resident (all networks at once) [default: the fastest, by measuring]
    #[arg(long, value_name = "LOWERING", help_heading = "Training")]
    lowering: Option<Lowering>,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    results: ResultArgs,
}

/// One network of the sweep, before its training.
pub struct Entry {
    /// As typed: `5`, `20:relu`, `none`.
    pub hidden: String,
    pub init: Initializer,
    pub seed: u32,
    pub learning_rate: f64,
    pub network: Network,
    pub parameters: Parameters,
}

/// One network of the sweep, trained or diverged.
pub struct Row {
    pub entry: Entry,
    pub outcome: Result<Trained>,
    pub score: Option<Score>,
    /// Counted from 1, the best first.
    pub rank: usize,
}

/// What all networks of a sweep have in common.
struct Common<'a> {
    dataset: &'a Dataset,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
    steps: Steps,
}

impl Common<'_> {
    fn problem<'b>(&'b self, entry: &'b Entry) -> Problem<'b> {
        let steps = self.steps.at(entry.learning_rate);
        steps.problem(&entry.network, &entry.parameters, self.dataset, &self.y, self.weights.as_deref())
    }
}

impl Args {
    fn learning_rates(&self) -> Vec<f64> {
        match &self.learning_rate[..] {
            [] => vec![self.steps.usual_learning_rate()],
            given => given.to_vec(),
        }
    }

    /// The steps of every network, at the first learning rate.
    ///
    /// # Errors
    /// Those of [`StepArgs::steps`], and for steps that wait for looks at each network.
    fn steps(&self, m: usize) -> Result<Steps> {
        self.steps.check_no_line_search()?;
        let Self { iterations, report_every, .. } = *self;
        let learning_rate = self.learning_rate.first().copied();
        let wanted = Wanted { iterations, usual_iterations: ITERATIONS, learning_rate, report_every };
        let steps = self.steps.steps(m, wanted)?;
        if steps.plateau(Metric::Cost).is_some() {
            let reason = "a sweep does not look at its networks on the way; use another, or train";
            return Err(Error::invalid("schedule", "plateau", reason));
        }
        Ok(steps)
    }

    /// Every combination, hidden sizes slowest.
    fn entries(&self, dataset: &Dataset) -> Result<Vec<Entry>> {
        let seeds: Vec<u32> = self.init_seed.iter().flat_map(|seeds| seeds.0.clone()).collect();
        let rates = self.learning_rates();
        let factors = [self.hidden.len(), rates.len(), self.init.len(), seeds.len()];
        let count = factors.into_iter().fold(1usize, usize::saturating_mul);
        if count > MAX_NETWORKS {
            let reason = format!("a sweep has at most {MAX_NETWORKS} networks; shorten a list");
            return Err(Error::invalid("number of networks", count, reason));
        }
        let mut entries = Vec::with_capacity(count);
        for hidden in &self.hidden {
            let layers = parse_hidden(hidden, self.activation)?;
            let network = self.output.network(layers, dataset)?;
            for &learning_rate in &rates {
                for &init in &self.init {
                    for &seed in &seeds {
                        let parameters = initialize(&network, init, seed);
                        let (hidden, network) = (hidden.trim().to_owned(), network.clone());
                        entries.push(Entry { hidden, init, seed, learning_rate, network, parameters });
                    }
                }
            }
        }
        Ok(entries)
    }

    /// What tells an entry from the others: its hidden sizes, and whatever else there are several of.
    pub fn traits(&self, entry: &Entry) -> Vec<(&'static str, String)> {
        let mut traits = vec![("hidden", entry.hidden.clone())];
        if self.learning_rate.len() > 1 {
            traits.push(("rate", entry.learning_rate.to_string()));
        }
        if self.init.len() > 1 {
            traits.push(("init", entry.init.to_string()));
        }
        if self.init_seed.iter().map(|seeds| seeds.0.clone().count()).sum::<usize>() > 1 {
            traits.push(("seed", entry.seed.to_string()));
        }
        traits
    }
}

pub async fn run(args: Args, start: Instant) -> Result<()> {
    let source = args.data.source(None)?;
    let (dataset, preprocessing) = args.prepare.dataset(&source, args.output)?;
    let entries = args.entries(&dataset)?;
    let steps = args.steps(dataset.m)?;
    let weights = sample_weights(&dataset, args.steps.class_weight.as_ref(), None)?;
    let common = Common { dataset: &dataset, y: dataset.y(), weights, steps };
    let largest = entries.iter().max_by_key(|entry| entry.parameters.values().len());
    let largest = largest.expect("clap lets no list be empty");
    let all = steps.iterations.saturating_mul(entries.len());
    let (backend, why) = args.backend.open_for(&common.problem(largest), all, args.lowering).await?;
    let name = format!("sweep-{}", source.short_name());
    let mut folder = RunFolder::create(args.results.out.as_deref(), &name)?;
    let console = Console::new(!args.results.quiet && !args.results.json, all);
    let m = thousands(dataset.m);
    console.line(&format!("data      {}: {m} samples of {} features", dataset.name, dataset.n_features))?;
    console.line(&format!("backend   {why}"))?;
    let (n, each) = (thousands(entries.len()), steps.describe_at(&args.learning_rates()));
    console.line(&format!("training  {n} networks, each {each}"))?;
    let begin = Instant::now();
    let outcomes = train(&args, &backend, &common, &entries, &console).await;
    console.finish(None);
    let rows = rank(&backend, &dataset, entries, outcomes?).await?;
    let seconds = (begin - start, begin.elapsed());
    print_table(&args, &rows, &console)?;
    let Some(best) = rows.iter().find(|row| row.rank == 1 && row.outcome.is_ok()) else {
        return Err(rows
            .into_iter()
            .find_map(|row| row.outcome.err())
            .expect("no network is without outcome"));
    };
    model(&backend, &source, &dataset, preprocessing, best)?.save(&folder.file(FILE_NAME))?;
    folder.keep();
    folder.write("sweep.csv", csv(&rows))?;
    let mut written = vec![FILE_NAME, "sweep.csv"];
    if !args.results.no_plots && pictures::check_drawable(&dataset).is_ok() {
        let title = format!("{}, {} iterations", dataset.name, thousands(steps.iterations));
        written.push(draw(&args, (&backend, &dataset), title, &rows, &mut folder).await?);
    }
    if args.results.json {
        return console::print_json(&report(&steps, &dataset, &backend, &rows, &folder));
    }
    let time = console::seconds(seconds.1);
    console.line(&format!("time      {time} of training after {} of setup", console::seconds(seconds.0)))?;
    let path = folder.path().display();
    console.line(&format!("wrote     {path}: {} (the best is the model)", written.join(", ")))
}

async fn train(
    args: &Args,
    backend: &Backend,
    common: &Common<'_>,
    entries: &[Entry],
    console: &Console,
) -> Result<Outcomes> {
    options::check_lowering(args.lowering, backend)?;
    let problems = entries.iter().map(|entry| common.problem(entry)).collect();
    let interrupt = Interrupt::listen()?;
    let population = Population::new(problems)?.cancelled_by(interrupt.token().clone());
    let iterations = common.steps.iterations;
    population.train(backend, args.lowering, iterations, &mut |event| console.population(&event)).await
}

/// Scores the networks and ranks them by their last cost.
async fn rank(
    backend: &Backend,
    dataset: &Dataset,
    entries: Vec<Entry>,
    outcomes: Outcomes,
) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(entries.len());
    for (entry, outcome) in entries.into_iter().zip(outcomes) {
        let score = match &outcome {
            Ok(trained) => {
                let a = backend.predict(&entry.network, &trained.parameters, &dataset.x, dataset.m).await?;
                Score::new(entry.network.loss(), &a, dataset)
            }
            Err(_) => None,
        };
        rows.push(Row { entry, outcome, score, rank: 0 });
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let cost = |row: &Row| row.outcome.as_ref().map_or(f64::INFINITY, |trained| trained.cost_after_last);
    order.sort_by(|&i, &j| cost(&rows[i]).total_cmp(&cost(&rows[j])));
    for (rank, i) in order.into_iter().enumerate() {
        rows[i].rank = rank + 1;
    }
    Ok(rows)
}

/// The best network, to be saved.
fn model(
    backend: &Backend,
    source: &DataSource,
    dataset: &Dataset,
    preprocessing: Preprocessing,
    best: &Row,
) -> Result<Model> {
    let trained = best.outcome.as_ref().map_err(|error| Error::data("sweep", error.to_string()))?;
    let network = best.entry.network.clone();
    Ok(Model {
        parameters: trained.parameters.clone(),
        single_precision: backend.single_precision(),
        preprocessing,
        class_names: dataset.class_names()[..network.n_classes()].to_vec(),
        data: Some(source.clone()),
        partition: Partition::default(),
        network,
    })
}

/// Draws the networks in their order, or the best of many.
async fn draw(
    args: &Args,
    (backend, dataset): (&Backend, &Dataset),
    title: String,
    rows: &[Row],
    folder: &mut RunFolder,
) -> Result<&'static str> {
    let grid = pictures::grid(dataset, true)?;
    let mut panels: Vec<(String, Regions)> = Vec::new();
    let few = rows.len() <= pictures::MAX_PANELS;
    let chosen = if few { rows.iter().collect() } else { ranking(rows) };
    for row in chosen.into_iter().take(pictures::MAX_PANELS) {
        if let Ok(trained) = &row.outcome {
            let network = &row.entry.network;
            let output =
                backend.predict(network, &trained.parameters, &grid.points(), grid.n_points()).await?;
            panels.push((panel_title(args, row, trained), Regions::new(grid, output, network.loss())?));
        }
    }
    let best = if few { String::new() } else { format!(", the best {} of {}", panels.len(), rows.len()) };
    pictures::draw_sweep(folder, dataset, &(title + &best), &panels)
}

fn panel_title(args: &Args, row: &Row, trained: &Trained) -> String {
    let traits: Vec<String> =
        args.traits(&row.entry).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    let accuracy =
        row.score.map_or_else(String::new, |score| format!(" · {:.2} %", score.accuracy_percent()));
    format!("{}{accuracy} · cost {:.3}", traits.join(" · "), trained.cost_after_last)
}
