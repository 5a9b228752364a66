//! `gpu-nn train`: one network, its report, its folder.

use std::time::{Duration, Instant};

use gpu_nn::data::{DataSource, Dataset, Preprocessing};
use gpu_nn::model::{FILE_NAME, Model};
use gpu_nn::network::{Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::Problem;
use gpu_nn::training::{Backend, Plan};
use gpu_nn::{Error, Result};

use super::console::{self, Console, thousands};
use super::data_options::{DataArgs, PrepareArgs};
use super::fit::{Fit, Job, describe, fit};
use super::options::{BackendArgs, NetworkArgs, ResultArgs, TrainingArgs, at_least_one};
use super::pictures;
use super::record::{
    DeviceRecord, ResultRecord, RunRecord, Settings, TrainReport, command_line, history_csv, matrices,
    reported,
};
use super::run_folder::RunFolder;

/// Train a network by gradient descent on all samples and save it with its pictures.
///
/// Without options it is the course's programme: the planar flower (400 points), 4 tanh units and a sigmoid,
/// 10,000 iterations at learning rate 1.2. (The course's notes also run 0.5: `--learning-rate 0.5`.)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    prepare: PrepareArgs,
    /// Hidden layers: 4, or 20,7,5, or 20:relu,7:tanh, or none (logistic regression)
    #[arg(
        long,
        value_name = "SIZES",
        allow_negative_numbers = true,
        default_value = "4",
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
        default_value_t = 10_000,
        help_heading = "Training"
    )]
    iterations: usize,
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    results: ResultArgs,
    /// With --json: all weights and biases too
    #[arg(long, requires = "json", help_heading = "Results")]
    json_parameters: bool,
    /// Also draw boundary.gif: the decision boundary while it is learnt
    #[arg(long, conflicts_with = "no_plots", help_heading = "Results")]
    animate: bool,
}

/// Everything a run has settled on before it starts.
struct Prepared {
    source: DataSource,
    dataset: Dataset,
    preprocessing: Preprocessing,
    network: Network,
    parameters: Parameters,
    plan: Plan,
    backend: Backend,
    why: String,
}

impl Args {
    async fn prepare(&self) -> Result<Prepared> {
        let source = self.data.source(None)?;
        let hidden = parse_hidden(&self.hidden, self.network.activation)?;
        let (dataset, preprocessing) = self.prepare.dataset(&source, self.network.output)?;
        let network = self.network.network(hidden, &dataset)?;
        if self.animate {
            pictures::check_drawable(&dataset)?;
        }
        let plan = Plan {
            iterations: self.iterations,
            report_every: self.training.report_every(self.iterations),
            learning_rate: self.training.learning_rate,
        };
        let parameters = initialize(&network, self.network.init, self.network.init_seed);
        let (y, m) = (dataset.y(), dataset.m);
        let problem = Problem::full_batch(&network, &parameters, &dataset.x, &y, m, plan.learning_rate);
        let (backend, why) = self.backend.open_for(&problem, plan.iterations, self.training.lowering).await?;
        Ok(Prepared { source, dataset, preprocessing, network, parameters, plan, backend, why })
    }

    fn describe(&self, run: &Prepared, n_parameters: usize, console: &Console) -> Result<()> {
        let Prepared { dataset, network, .. } = run;
        let targets = match dataset.n_classes() {
            Some(classes) => format!("{classes} classes"),
            None => "real-valued target".into(),
        };
        let (m, n_x) = (thousands(dataset.m), dataset.n_features);
        console.line(&format!("data      {}: {m} samples of {n_x} features, {targets}", dataset.name))?;
        let (init, seed) = (self.network.init, self.network.init_seed);
        let n = thousands(n_parameters);
        console.line(&format!("network   {network}, {n} parameters, first weights {init} (seed {seed})"))?;
        console.line(&format!("backend   {}", run.why))?;
        let (iterations, rate) = (thousands(self.iterations), self.training.learning_rate);
        console.line(&format!("training  {iterations} iterations at learning rate {rate}"))
    }

    fn job<'a>(&self, run: &'a Prepared) -> Result<Job<'a>> {
        let draw = !self.results.no_plots && pictures::check_drawable(&run.dataset).is_ok();
        let grid = if draw { Some(pictures::grid(&run.dataset, self.animate)?) } else { None };
        let moments = if self.animate { pictures::moments(self.iterations) } else { Vec::new() };
        let Prepared { backend, network, dataset, plan, .. } = run;
        Ok(Job {
            backend,
            lowering: self.training.lowering,
            retune: self.backend.retune,
            network,
            dataset,
            plan: *plan,
            grid,
            moments,
        })
    }
}

pub async fn run(args: Args, start: Instant) -> Result<()> {
    let run = args.prepare().await?;
    let n_parameters = run.parameters.values().len();
    let console = Console::new(!args.results.quiet && !args.results.json, args.iterations);
    let job = args.job(&run)?;
    let mut folder = RunFolder::create(args.results.out.as_deref(), &run.source.short_name())?;
    args.describe(&run, n_parameters, &console)?;
    let mut on_cost = |iteration: usize, cost: f64| {
        // A standard output that cannot be written stops nothing: it is reported at the end, when all is saved.
        let _ = console.line(&format!("  cost before iteration {:>7}  {cost:.6}", thousands(iteration)));
    };
    let fit = fit(job, run.parameters.clone(), start, &console, &mut on_cost).await?;

    // A network for values has no classes, even on a data set that has some.
    let class_names = &run.dataset.class_names()[..run.network.n_classes()];
    let model = Model {
        network: run.network.clone(),
        parameters: fit.trained.parameters.clone(),
        single_precision: run.backend.single_precision(),
        preprocessing: run.preprocessing.clone(),
        class_names: class_names.to_vec(),
        data: Some(run.source.clone()),
    };
    model.save(&folder.file(FILE_NAME))?;
    folder.keep();
    folder.write("history.csv", history_csv(&fit.trained.costs, fit.trained.cost_after_last))?;
    folder.write("run.toml", record(&args, &run, &fit)?)?;
    let mut written = vec![FILE_NAME, "history.csv", "run.toml"];
    if !args.results.no_plots {
        written.extend(pictures::draw_run(&mut folder, &run.dataset, &run.network, &fit)?);
    }
    if args.results.json {
        return console::print_json(&report(&args, &run, &fit, &folder));
    }
    conclude(&args, &run, &fit, &folder, &written, &console)
}

fn conclude(
    args: &Args,
    run: &Prepared,
    fit: &Fit,
    folder: &RunFolder,
    written: &[&str],
    console: &Console,
) -> Result<()> {
    let n = thousands(args.iterations);
    console.line(&format!("  cost after {n} iterations  {:.6}", fit.trained.cost_after_last))?;
    if let Some(text) = describe(fit.score) {
        console.line(&format!("accuracy  {text}"))?;
    }
    let time = |seconds: f64| console::seconds(Duration::from_secs_f64(seconds));
    console.line(&format!(
        "time      {} of training after {} of setup",
        time(fit.seconds.train),
        time(fit.seconds.setup)
    ))?;
    let path = folder.path().display();
    console.line(&format!("wrote     {path}: {}", written.join(", ")))?;
    if !args.results.no_plots && pictures::check_drawable(&run.dataset).is_err() {
        let n_x = run.dataset.n_features;
        console.line(&format!(
            "          (no decision boundary: that takes 2 features, {} has {n_x})",
            run.dataset.name
        ))?;
    }
    console.line(&format!("next      gpu-nn evaluate {path}   or   gpu-nn predict {path} --data FILE.csv"))
}

fn report(args: &Args, run: &Prepared, fit: &Fit, folder: &RunFolder) -> TrainReport {
    let DeviceRecord { backend, adapter, driver, lowering } =
        DeviceRecord::new(&run.backend, Some(fit.lowering));
    let parameters = &fit.trained.parameters;
    TrainReport {
        backend,
        adapter,
        driver,
        lowering,
        data: run.dataset.name.clone(),
        network: run.network.to_string(),
        n_parameters: parameters.values().len(),
        m: run.dataset.m,
        iterations: run.plan.iterations,
        learning_rate: run.plan.learning_rate,
        costs: reported(&fit.trained.costs, run.plan.report_every),
        cost_after_last: fit.trained.cost_after_last,
        n_correct: fit.score.map(|score| score.n_correct),
        accuracy_percent: fit.score.map(|score| score.accuracy_percent()),
        seconds: fit.seconds,
        out: folder.path().display().to_string(),
        parameters: args.json_parameters.then(|| matrices(parameters)),
    }
}

/// run.toml.
fn record(args: &Args, run: &Prepared, fit: &Fit) -> Result<String> {
    let record = RunRecord {
        gpu_nn: env!("CARGO_PKG_VERSION"),
        command: command_line(),
        settings: Settings {
            network: run.network.to_string(),
            init: args.network.init.to_string(),
            init_seed: args.network.init_seed,
            iterations: run.plan.iterations,
            learning_rate: run.plan.learning_rate,
            report_every: run.plan.report_every,
        },
        data: run.source.clone(),
        device: DeviceRecord::new(&run.backend, Some(fit.lowering)),
        result: ResultRecord::new(fit.trained.cost_after_last, fit.score, fit.seconds),
    };
    toml::to_string(&record)
        .map_err(|error| Error::Write { path: "run.toml".into(), source: std::io::Error::other(error) })
}
