//! `gpu-nn train`: one network, its report, its folder.

mod conclusion;

use std::path::{Path, PathBuf};
use std::time::Instant;

use gpu_nn::data::DataSource;
use gpu_nn::model::{CHECKPOINT_NAME, FILE_NAME, Model, SavedCheckpoint};
use gpu_nn::network::{Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::Problem;
use gpu_nn::training::{
    Backend, CancelToken, Checkpoint, WINDOW_BYTES, WatchPlan, check_metric, sample_weights, stand_in,
};
use gpu_nn::{Error, Result};

use conclusion::conclude;

use super::choices;
use super::console::{self, Console, thousands};
use super::data_options::{DataArgs, PrepareArgs};
use super::fit::{Fit, Job, Keep, fit};
use super::interrupt::{self, Interrupt};
use super::judged;
use super::live::LiveArgs;
use super::options::{BackendArgs, NetworkArgs, ResultArgs};
use super::parts::Parts;
use super::pictures;
use super::record::{
    DeviceRecord, LookReport, ResultRecord, RunRecord, Settings, TrainReport, by_name, command_line,
    history_csv, looks_csv, matrices, reported, stopped_name,
};
use super::resume::{check_resumed, device_words, own_words, resumed};
use super::run_folder::RunFolder;
use super::steps::Steps;
use super::stream_options::{Asked, StreamArgs};
use super::training_options::{TrainingArgs, ValidationArgs};
use super::weights::WeightArgs;

/// Train a network and save it with its pictures.
///
/// Without options it is the course's programme: the planar flower (400 points), 4 tanh units and a sigmoid,
/// 10,000 iterations at learning rate 1.2. (The course's notes also run 0.5: `--learning-rate 0.5`.)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    prepare: PrepareArgs,
    #[command(flatten)]
    stream: StreamArgs,
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
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    weights: WeightArgs,
    #[command(flatten)]
    validation: ValidationArgs,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    results: ResultArgs,
    #[command(flatten)]
    live: LiveArgs,
    /// Go on with the training of a run that kept checkpoints; options given beside it change it, such as more --epochs
    #[arg(long, value_name = "RUN", help_heading = "Training")]
    resume: Option<PathBuf>,
    /// With --json: all weights and biases too
    #[arg(long, requires = "json", help_heading = "Results")]
    json_parameters: bool,
    /// Also draw boundary.gif: the decision boundary while it is learnt
    #[arg(long, conflicts_with = "no_plots", help_heading = "Results")]
    animate: bool,
}

/// Everything a run has settled on before it starts.
pub(super) struct Prepared {
    source: DataSource,
    parts: Parts,
    weights: Option<Vec<f64>>,
    pub(super) network: Network,
    parameters: Parameters,
    pub(super) steps: Steps,
    backend: Backend,
    why: String,
}

impl Args {
    async fn prepare(&self) -> Result<Prepared> {
        let source = self.weights.kept(self.data.source(None)?)?;
        let hidden = parse_hidden(&self.hidden, self.network.activation)?;
        let parts = match self.stream.parts(&source, &self.prepare, &self.asked())? {
            Some(streamed) => streamed,
            None => Parts::new(&source, &self.prepare, self.network.output, &self.validation, &self.weights)?,
        };
        let dataset = &parts.training;
        let network = self.network.network(hidden, dataset)?;
        check_metric(self.validation.metric, &network, parts.validation.as_ref())?;
        if self.animate {
            pictures::check_drawable(dataset)?;
        }
        let steps = self.training.steps(dataset.m)?;
        let parameters = initialize(&network, self.network.init, self.network.init_seed);
        let weights = sample_weights(dataset, self.training.class_weight(), parts.weights.as_deref())?;
        let lowering = self.training.lowering;
        let (backend, why) = if parts.streams.is_some() {
            steps.check_batches()?;
            let window = stand_in(dataset.n_features, network.target_rows(), steps.batches, WINDOW_BYTES);
            let problem = steps.window_problem(&network, &parameters, &window, weights.is_some());
            let found = self.backend.open_for_windows(&problem, lowering).await?;
            self.calibrate(&found.0, &problem).await?;
            found
        } else {
            let y = dataset.y();
            let problem = steps.problem(&network, &parameters, dataset, &y, weights.as_deref());
            let found = self.backend.open_for(&problem, steps.iterations, lowering).await?;
            self.calibrate(&found.0, &problem).await?;
            found
        };
        Ok(Prepared { source, parts, weights, network, parameters, steps, backend, why })
    }

    /// Before anything is lowered, so that whatever way the samples come gives the same bits.
    async fn calibrate(&self, backend: &Backend, problem: &Problem<'_>) -> Result<()> {
        choices::calibrate(backend, problem, self.backend.retune, self.training.products.as_deref()).await
    }

    /// What has a say in whether and how data is streamed.
    fn asked(&self) -> Asked<'_> {
        Asked {
            output: self.network.output,
            backend: self.backend.backend,
            lowering: self.training.lowering,
            full_batch: self.training.is_full_batch(),
            animate: self.animate,
            held_out: &self.validation,
            weights: &self.weights,
            lines: !self.results.quiet && !self.results.json,
        }
    }

    /// How the training is watched: where there is something to see between its reports.
    fn watch<'a>(&self, run: &'a Prepared) -> Option<WatchPlan<'a>> {
        let ValidationArgs { metric, patience, max_time, .. } = self.validation;
        let validation = run.parts.validation.as_ref().map(|dataset| (dataset, run.network.loss()));
        let stops = patience.is_some() || max_time.is_some();
        let keeps = self.validation.checkpoint_every.is_some();
        let waits = run.steps.plateau(metric).is_some();
        let needed = validation.is_some() || stops || keeps || waits || run.steps.in_batches();
        let every = run.steps.look_every();
        needed.then_some(WatchPlan { validation, every, metric, patience, max_time })
    }

    fn describe(&self, run: &Prepared, n_parameters: usize, console: &Console) -> Result<()> {
        let (dataset, network) = (&run.parts.training, &run.network);
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
        for (what, part) in [("watched", &run.parts.validation), ("tested", &run.parts.test)] {
            if let Some(part) = part {
                let (m, name) = (thousands(part.m), &part.name);
                console.line(&format!("{what:<10}on {m} other samples of {name}"))?;
            }
        }
        console.line(&format!("training  {}", run.steps.describe()))
    }

    /// A folder of its own, or that of the run that is taken up again.
    fn folder(&self, run: &Prepared, resumed: Option<&(PathBuf, SavedCheckpoint)>) -> Result<RunFolder> {
        match resumed {
            None => RunFolder::create(self.results.out.as_deref(), &run.source.short_name()),
            Some((path, saved)) => {
                check_resumed(saved, run)?;
                RunFolder::reopen(path)
            }
        }
    }

    fn job<'a>(&self, run: &'a Prepared, keeping: &'a Keeping<'a>) -> Result<Job<'a>> {
        let Prepared { backend, network, steps, parts, .. } = run;
        let dataset = &parts.training;
        let draw =
            !self.results.no_plots && parts.streams.is_none() && pictures::check_drawable(dataset).is_ok();
        let grid = if draw { Some(pictures::grid(dataset, self.animate)?) } else { None };
        let moments = if self.animate { pictures::moments(steps.iterations) } else { Vec::new() };
        Ok(Job {
            backend,
            lowering: self.training.lowering,
            retune: self.backend.retune,
            network,
            dataset,
            streams: parts.streams.as_ref(),
            weights: run.weights.as_deref(),
            test: parts.test.as_ref(),
            steps: *steps,
            watch: self.watch(run),
            checkpoint: keeping.checkpoint,
            keep: (self.validation.checkpoint_every, keeping.keep),
            cancel: keeping.cancel,
            live: self.live.of(keeping.folder),
            rescue: keeping.rescue,
            grid,
            moments,
        })
    }
}

/// What a training goes on from, and what is kept of it on its way.
struct Keeping<'a> {
    checkpoint: Option<&'a Checkpoint>,
    keep: &'a Keep<'a>,
    rescue: &'a dyn Fn(usize, Parameters) -> Result<()>,
    cancel: &'a CancelToken,
    folder: &'a Path,
}

pub async fn run(args: Args, start: Instant) -> Result<()> {
    let Some(path) = args.resume.clone() else { return train(args, None, own_words(), start).await };
    let saved = SavedCheckpoint::load(&path)?;
    let (args, words) = resumed(&saved, &own_words())?;
    train(args, Some((path, saved)), words, start).await
}

async fn train(
    args: Args,
    resumed: Option<(PathBuf, SavedCheckpoint)>,
    words: Vec<String>,
    start: Instant,
) -> Result<()> {
    args.live.check()?;
    let run = args.prepare().await?;
    let n_parameters = run.parameters.values().len();
    let console = Console::new(!args.results.quiet && !args.results.json, run.steps.iterations);
    let mut folder = args.folder(&run, resumed.as_ref())?;
    let interrupt = Interrupt::listen()?;
    args.describe(&run, n_parameters, &console)?;
    if let Some((path, saved)) = &resumed {
        let done = thousands(saved.checkpoint.done);
        console.line(&format!("resumed   {} after {done} iterations", path.display()))?;
    }
    let at = folder.file(CHECKPOINT_NAME);
    let keep = |checkpoint, lowering| {
        let (network, device) = (run.network.clone(), device_words(&run.backend, lowering));
        SavedCheckpoint { network, command: words.clone(), device, checkpoint }.save(&at)
    };
    let model_at = folder.file(FILE_NAME);
    let rescue = |iteration: usize, parameters| {
        model(&run, parameters).save(&model_at)?;
        let (n, path) = (thousands(iteration), model_at.display());
        console.line(&format!("kept      the network after {n} iterations, the last that was well: {path}"))
    };
    let checkpoint = resumed.as_ref().map(|(_, saved)| &saved.checkpoint);
    let keeping = Keeping {
        checkpoint,
        keep: &keep,
        rescue: &rescue,
        cancel: interrupt.token(),
        folder: folder.path(),
    };
    let job = args.job(&run, &keeping)?;
    let mut on_cost = |iteration: usize, cost: f64| {
        // A standard output that cannot be written stops nothing: it is reported at the end, when all is saved.
        let _ = console.line(&format!("  cost before iteration {:>7}  {cost:.6}", thousands(iteration)));
    };
    let fit = fit(job, run.parameters.clone(), start, &console, &mut on_cost).await;
    drop(interrupt);
    let fit = fit.or_else(|error| Err(interrupt::report(error, &mut folder, args.results.json)?))?;

    let written = write(&args, &run, &fit, &mut folder)?;
    match args.results.json {
        true => console::print_json(&report(&args, &run, &fit, &folder))?,
        false => conclude(&args, &run, &fit, &folder, &written, &console)?,
    }
    fit.late.map_or(Ok(()), Err)
}

/// Writes everything that came out; the names of the files.
fn write(args: &Args, run: &Prepared, fit: &Fit, folder: &mut RunFolder) -> Result<Vec<&'static str>> {
    model(run, fit.trained.parameters.clone()).save(&folder.file(FILE_NAME))?;
    folder.keep();
    folder.write("history.csv", history_csv(&fit.trained.costs, fit.trained.cost_after_last))?;
    folder.write("run.toml", record(args, run, fit)?)?;
    let mut written = vec![FILE_NAME, "history.csv", "run.toml"];
    if !fit.trained.looks.is_empty() {
        folder.write("looks.csv", looks_csv(&fit.trained.looks))?;
        written.push("looks.csv");
    }
    if !args.results.no_plots {
        written.extend(pictures::draw_run(folder, &run.parts.training, &run.network, fit)?);
        written.extend(judged::draw_held_out(folder, &run.parts, &run.network, fit)?);
    }
    Ok(written)
}

/// The network with those parameters, as it is saved.
fn model(run: &Prepared, parameters: Parameters) -> Model {
    // A network for values has no classes, even on a data set that has some.
    let class_names = &run.parts.training.class_names()[..run.network.n_classes()];
    Model {
        network: run.network.clone(),
        parameters,
        single_precision: run.backend.single_precision(),
        preprocessing: run.parts.preprocessing.clone(),
        class_names: class_names.to_vec(),
        data: Some(run.source.clone()),
        partition: run.parts.partition.clone(),
    }
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
        data: run.parts.training.name.clone(),
        network: run.network.to_string(),
        loss: run.network.loss().to_string(),
        n_parameters: parameters.values().len(),
        m: run.parts.training.m,
        iterations: run.steps.iterations,
        optimizer: run.steps.method.to_string(),
        learning_rate: run.steps.descent.learning_rate,
        batch_size: run.steps.batches.size,
        iterations_done: fit.trained.costs.len(),
        iteration: fit.trained.iteration,
        stopped: fit.trained.stopped.map(stopped_name),
        looks: fit.trained.looks.iter().map(LookReport::new).collect(),
        test: fit.test.as_ref().map(by_name),
        costs: reported(&fit.trained.costs, run.steps.report_every),
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
            loss: run.network.loss().to_string(),
            init: args.network.init.to_string(),
            init_seed: args.network.init_seed,
            iterations: run.steps.iterations,
            optimizer: run.steps.method.to_string(),
            learning_rate: run.steps.descent.learning_rate,
            rates: run.steps.descent.rates,
            l1: run.steps.descent.l1,
            l2: run.steps.descent.l2,
            label_smoothing: run.steps.label_smoothing,
            clip_norm: run.steps.clip_norm(),
            clip_value: run.steps.descent.most_each(),
            dropout: run.steps.dropout.map_or(0.0, |dropout| dropout.rate),
            dropout_seed: run.steps.dropout.map(|dropout| dropout.seed),
            batch_size: run.steps.batches.size,
            shuffle_seed: run.steps.batches.shuffle,
            report_every: run.steps.report_every,
        },
        data: run.source.clone(),
        device: DeviceRecord::new(&run.backend, Some(fit.lowering)),
        result: ResultRecord::new(fit.trained.cost_after_last, fit.score, fit.seconds),
    };
    toml::to_string(&record)
        .map_err(|error| Error::Write { path: "run.toml".into(), source: std::io::Error::other(error) })
}
