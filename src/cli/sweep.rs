//! `gpu-nn sweep`: many networks on one data set, side by side: hidden sizes, learning rates, first weights, seeds.

use std::time::Instant;

use gpu_nn::data::{DataSource, Dataset, Partition, Preprocessing};
use gpu_nn::model::{FILE_NAME, Model};
use gpu_nn::network::{Activation, Initializer, Network, Parameters, initialize, parse_hidden};
use gpu_nn::plot::Regions;
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::{Backend, Outcomes, Population, Score, Trained};
use gpu_nn::{Error, Result};

use super::console::{self, Console, thousands};
use super::data_options::{DataArgs, PrepareArgs};
use super::interrupt::Interrupt;
use super::options::{self, BackendArgs, Output, ResultArgs, at_least_one};
use super::pictures;
use super::run_folder::RunFolder;
use super::sweep_report::{csv, print_table, ranking, report};

/// Networks of a sweep at most: their costs are kept until the end.
const MAX_NETWORKS: usize = 1_000;

/// Train many networks on one data set, rank them, and save the best.
///
/// Without options it is the course's figure: 1, 2, 3, 4, 5, 20 and 50 units on the planar flower, 5,000 iterations. Lists
/// of learning rates, first weights and seeds multiply: `--hidden 4,20 --learning-rate 0.1,1.2 --init-seed 1..5` is 20
/// networks. On a GPU all of them train at once, on the CPU as many as there are cores.
#[derive(Debug, clap::Args)]
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
    /// Steps of gradient descent
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = at_least_one,
        default_value_t = 5_000,
        help_heading = "Training"
    )]
    pub iterations: usize,
    /// Step sizes of gradient descent, separated by commas
    #[arg(
        long,
        value_name = "RATES",
        allow_negative_numbers = true,
        value_delimiter = ',',
        value_parser = options::learning_rate,
        default_value = "1.2",
        help_heading = "Training"
    )]
    learning_rate: Vec<f64>,
    /// With --json: report the cost of every so many iterations [default: a tenth of the iterations]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true, help_heading = "Training")]
    pub report_every: Option<usize>,
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

impl Args {
    /// Every combination, hidden sizes slowest.
    fn entries(&self, dataset: &Dataset) -> Result<Vec<Entry>> {
        let seeds: Vec<u32> = self.init_seed.iter().flat_map(|seeds| seeds.0.clone()).collect();
        let factors = [self.hidden.len(), self.learning_rate.len(), self.init.len(), seeds.len()];
        let count = factors.into_iter().fold(1usize, usize::saturating_mul);
        if count > MAX_NETWORKS {
            let reason = format!("a sweep has at most {MAX_NETWORKS} networks; shorten a list");
            return Err(Error::invalid("number of networks", count, reason));
        }
        let mut entries = Vec::with_capacity(count);
        for hidden in &self.hidden {
            let layers = parse_hidden(hidden, self.activation)?;
            let network = self.output.network(layers, dataset)?;
            for &learning_rate in &self.learning_rate {
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
    let largest = entries.iter().max_by_key(|entry| entry.parameters.values().len());
    let Entry { network, parameters, learning_rate, .. } = largest.expect("clap lets no list be empty");
    let y = dataset.y();
    let problem = Problem::full_batch(network, parameters, &dataset.x, &y, dataset.m, *learning_rate);
    let all = args.iterations * entries.len();
    let (backend, why) = args.backend.open_for(&problem, all, args.lowering).await?;
    let name = format!("sweep-{}", source.short_name());
    let mut folder = RunFolder::create(args.results.out.as_deref(), &name)?;
    let console = Console::new(!args.results.quiet && !args.results.json, args.iterations * entries.len());
    let (m, n) = (thousands(dataset.m), thousands(args.iterations));
    console.line(&format!("data      {}: {m} samples of {} features", dataset.name, dataset.n_features))?;
    console.line(&format!("backend   {why}"))?;
    console.line(&format!("training  {} networks, {n} iterations each", thousands(entries.len())))?;
    let begin = Instant::now();
    let outcomes = train(&args, &backend, &dataset, &entries, &console).await;
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
        written.push(draw(&args, &backend, &dataset, &rows, &mut folder).await?);
    }
    if args.results.json {
        return console::print_json(&report(&args, &dataset, &backend, &rows, &folder));
    }
    let time = console::seconds(seconds.1);
    console.line(&format!("time      {time} of training after {} of setup", console::seconds(seconds.0)))?;
    let path = folder.path().display();
    console.line(&format!("wrote     {path}: {} (the best is the model)", written.join(", ")))
}

async fn train(
    args: &Args,
    backend: &Backend,
    dataset: &Dataset,
    entries: &[Entry],
    console: &Console,
) -> Result<Outcomes> {
    options::check_lowering(args.lowering, backend)?;
    let y = dataset.y();
    let problems = entries.iter().map(|entry| {
        let Entry { network, parameters, learning_rate, .. } = entry;
        Problem::full_batch(network, parameters, &dataset.x, &y, dataset.m, *learning_rate)
    });
    let interrupt = Interrupt::listen()?;
    let population = Population::new(problems.collect())?.cancelled_by(interrupt.token().clone());
    population.train(backend, args.lowering, args.iterations, &mut |event| console.population(&event)).await
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
    backend: &Backend,
    dataset: &Dataset,
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
    let title = format!("{}, {} iterations{best}", dataset.name, thousands(args.iterations));
    pictures::draw_sweep(folder, dataset, &title, &panels)
}

fn panel_title(args: &Args, row: &Row, trained: &Trained) -> String {
    let traits: Vec<String> =
        args.traits(&row.entry).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    let accuracy =
        row.score.map_or_else(String::new, |score| format!(" · {:.2} %", score.accuracy_percent()));
    format!("{}{accuracy} · cost {:.3}", traits.join(" · "), trained.cost_after_last)
}
