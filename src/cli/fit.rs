//! Trains one network the way every command does: reports, progress bar, score, pictures' raw material, times.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gpu_nn::data::Dataset;
use gpu_nn::gpu::MemoryPlan;
use gpu_nn::network::{Loss, Network, Parameters};
use gpu_nn::plot::{Grid, Regions};
use gpu_nn::schedule::{Lowering, Problem};
#[cfg(feature = "dashboard")]
use gpu_nn::training::Metric;
use gpu_nn::training::{
    Backend, CancelToken, Checkpoint, Choice, Executor, Metrics, Plateau, Progress, Score, Stopped, Trained,
    Trainer, WatchPlan, fastest_lowering,
};
use gpu_nn::{Error, Result};

#[cfg(feature = "dashboard")]
use super::board::{Board, State};
use super::choices::{Choices, lowering_key};
use super::console::{Console, thousands};
use super::fit_samples::{self, Samples};
use super::info::known_memory;
use super::live::Events;
use super::options::check_lowering;
use super::parts::Streams;
use super::record::Seconds;
use super::steps::Steps;

/// Puts a checkpoint away; with the name of the lowering.
pub type Keep<'a> = dyn Fn(Checkpoint, &'static str) -> Result<()> + 'a;

/// What to train.
pub struct Job<'a> {
    pub backend: &'a Backend,
    /// Asked for by name; otherwise the fastest is found.
    pub lowering: Option<Lowering>,
    /// Whether to find it anew, whatever earlier runs measured.
    pub retune: bool,
    pub network: &'a Network,
    pub dataset: &'a Arc<Dataset>,
    /// The features, where the data sets have none.
    pub streams: Option<&'a Streams>,
    /// How much each sample counts, if not alike.
    pub weights: Option<&'a [f64]>,
    /// What the trained network is scored on in the end.
    pub test: Option<&'a Dataset>,
    pub steps: Steps,
    /// How it is watched, if it is.
    pub watch: Option<WatchPlan<'a>>,
    /// A training to be taken up again.
    pub checkpoint: Option<&'a Checkpoint>,
    /// How often a checkpoint is kept, if not only of a training that is cancelled; and where.
    pub keep: (Option<usize>, &'a Keep<'a>),
    /// What cancels it.
    pub cancel: &'a CancelToken,
    /// What becomes of the last good parameters and their iteration, if the training diverges.
    pub rescue: &'a dyn Fn(usize, Parameters) -> Result<()>,
    /// What follows it while it runs.
    pub live: Live<'a>,
    /// Points whose predictions are wanted at the end.
    pub grid: Option<Grid>,
    /// Iterations at which a moment of the training is kept, ascending.
    pub moments: Vec<usize>,
}

/// What follows a training while it runs.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// The folder of an event file, if one is wanted.
    pub folder: Option<&'a Path>,
    /// Whether it is shown in a dashboard.
    pub dashboard: bool,
}

impl<'a> Job<'a> {
    /// The training that has not begun, or goes on from a checkpoint.
    fn trainer(&self, executor: Executor<'a>, problem: Problem<'a>, console: &'a Console) -> Trainer<'a> {
        let mut trainer = Trainer::new(executor, self.steps.plan()).cancelled_by(self.cancel.clone());
        if let Some(watch) = self.watch {
            trainer = trainer.watched(watch).falling(self.steps.plateau(watch.metric));
        }
        trainer = trainer.surviving(self.backend, problem, |it| console.recovered(it));
        let ((every, keep), lowering) = (self.keep, trainer.lowering());
        trainer = trainer.kept(every, move |checkpoint| keep(checkpoint, lowering));
        match self.checkpoint {
            Some(checkpoint) => trainer.taken_up(checkpoint.clone()),
            None => trainer,
        }
    }

    /// What the looks so far have made of the learning rate, if it waits for a plateau.
    fn plateau(&self) -> Option<Plateau> {
        let plateau = self.steps.plateau(self.watch?.metric)?;
        Some(self.checkpoint.map_or(plateau, |old| plateau.after(&old.looks)))
    }

    /// Takes the terminal over, if that is what is asked for.
    #[cfg(feature = "dashboard")]
    fn open_dashboard(&self, console: &Console, before: usize) -> Result<()> {
        if self.live.dashboard {
            let title = format!("{}, {}", self.dataset.name, self.network);
            let metric = self.watch.map_or(Metric::Cost, |watch| watch.metric);
            let state = State::new(title, self.steps, metric, before);
            console.open(Board::open(state, self.cancel.clone())?);
        }
        Ok(())
    }

    /// There is none in this build, and no option that asks for it.
    #[cfg(not(feature = "dashboard"))]
    fn open_dashboard(&self, _console: &Console, _before: usize) -> Result<()> {
        Ok(())
    }
}

/// The network in the middle of its training.
pub struct Moment {
    pub iteration: usize,
    pub regions: Regions,
}

/// What came out.
pub struct Fit {
    /// How the schedule was run.
    pub lowering: &'static str,
    pub trained: Trained,
    pub score: Option<Score>,
    /// On the test data.
    pub test: Option<Metrics>,
    /// The output on the test data, or where there is none on the validation data, (n_L, m).
    pub judged: Option<Vec<f64>>,
    pub regions: Option<Regions>,
    pub moments: Vec<Moment>,
    pub seconds: Seconds,
    /// What could not be written on the way; the training is none the worse for it.
    pub late: Option<Error>,
}

/// Trains from `parameters`; `start` is when the setup began, `on_cost` sees each reported cost as it arrives.
pub async fn fit(
    job: Job<'_>,
    parameters: Parameters,
    start: Instant,
    console: &Console,
    on_cost: &mut dyn FnMut(usize, f64),
) -> Result<Fit> {
    let Job { network, steps, grid, .. } = job;
    let plan = steps.plan();
    let samples = Samples::new(&job, console)?;
    let problem = samples.problem(&job, &parameters);
    let executor = match samples.executor(&job, &problem)? {
        Some(executor) => executor,
        None => open(&job, &problem, console).await?,
    };
    let mut trainer = samples.feed(&job, job.trainer(executor, problem, console))?;
    let setup = start.elapsed();
    let begin = Instant::now();
    let (seen, looks) = job.checkpoint.map_or((0, 0), |old| (old.costs.len(), old.looks.len()));
    let events = match job.live.folder {
        Some(folder) => Some(Events::create(folder, steps, job.watch.is_some(), (seen, looks))?),
        None => None,
    };
    job.open_dashboard(console, problem.done)?;
    let mut watch = Watch { console, steps, plateau: job.plateau(), seen, looks, on_cost, events };
    let trained = run(&mut trainer, &job, &mut watch).await;
    // Before any error is printed.
    console.finish(trained.as_ref().err());
    let events = watch.events.take();
    if let (Err(Error::Diverged { .. }), Some((iteration, good))) = (&trained, trainer.last_good()) {
        (job.rescue)(iteration, good)?;
    }
    let (trained, moments) = trained?;
    if trained.stopped == Some(Stopped::Cancelled) {
        let next = "a checkpoint was kept".to_owned();
        let (done, all) = (trainer.done(), plan.iterations);
        return Err(Error::Cancelled { what: "iterations", done, all, next });
    }
    let train = begin.elapsed();
    let score = fit_samples::score(&mut trainer, &job).await?;
    let judged = fit_samples::judged(&mut trainer, &job).await?;
    let test = job.test.zip(judged.as_deref()).map(|(test, a)| Metrics::new(network.loss(), a, test));
    let regions = match grid {
        Some(grid) => Some(regions(&mut trainer, grid, network.loss()).await?),
        None => None,
    };
    let seconds = Seconds { setup: setup.as_secs_f64(), train: train.as_secs_f64() };
    let (lowering, late) = (trainer.lowering(), events.and_then(Events::error));
    Ok(Fit { lowering, trained, score, test, judged, regions, moments, seconds, late })
}

/// The executor, in the lowering that was asked for or the fastest.
async fn open<'b>(job: &Job<'b>, problem: &Problem<'_>, console: &Console) -> Result<Executor<'b>> {
    let Job { backend, lowering, steps, .. } = job;
    check_lowering(*lowering, backend)?;
    if let Some(history) = steps.method.history() {
        let executor = backend.executor(problem, lowering.unwrap_or(Lowering::Layerwise))?;
        let state = job.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.state);
        return executor.with_lbfgs(problem, history, state);
    }
    match (lowering, backend.adapter()) {
        (Some(lowering), Some(_)) => return with_room(backend, problem, *lowering, console),
        (Some(lowering), None) => return backend.executor(problem, *lowering),
        // The CPU has one way only.
        (None, None) => return backend.executor(problem, Lowering::Layerwise),
        (None, Some(_)) => {}
    }
    let mut choices = Choices::load(job.retune);
    let key = lowering_key(backend, problem);
    if let Some(Ok(lowering)) = choices.get(&key).map(str::parse::<Lowering>)
        && !backend.avoided().contains(&lowering)
        && let Ok(executor) = backend.executor(problem, lowering)
    {
        console
            .line(&format!("lowering  {lowering} (measured in an earlier run; --retune measures anew)"))?;
        return Ok(executor);
    }
    let Choice { lowering, why, .. } = fastest_lowering(backend, problem, steps.iterations).await?;
    choices.remember(key, lowering.name());
    console.line(&format!("lowering  {lowering} ({why})"))?;
    with_room(backend, problem, lowering, console)
}

/// In that lowering, or in one that there is room for.
fn with_room<'b>(
    backend: &'b Backend,
    problem: &Problem<'_>,
    lowering: Lowering,
    console: &Console,
) -> Result<Executor<'b>> {
    if let Backend::Gpu(device) = backend
        && let Ok(plan) = MemoryPlan::new(device, problem, lowering)
        && plan.total() > device.summary().memory_bytes / 2
    {
        console.line(&format!("memory    {plan}; the GPU has {}", known_memory(device.summary())))?;
    }
    let executor = backend.executor_with_room(problem, lowering)?;
    if executor.lowering() != lowering.name() {
        let got = executor.lowering();
        console.line(&format!("memory    the GPU has no room for {lowering}; it trains {got}"))?;
    }
    Ok(executor)
}

/// The training itself, stopping for its moments.
async fn run(
    trainer: &mut Trainer<'_>,
    job: &Job<'_>,
    watch: &mut Watch<'_>,
) -> Result<(Trained, Vec<Moment>)> {
    let mut moments = Vec::with_capacity(job.moments.len());
    let first = trainer.done();
    for &iteration in job.moments.iter().filter(|&&iteration| iteration >= first) {
        trainer.advance(iteration, &mut |progress| watch.look(progress)).await?;
        if trainer.done() < iteration {
            break;
        }
        if let Some(grid) = job.grid {
            moments.push(Moment { iteration, regions: regions(trainer, grid, job.network.loss()).await? });
        }
    }
    let trained = trainer.finish(&mut |progress| watch.look(progress)).await?;
    Ok((trained, moments))
}

/// What the network says on a grid.
async fn regions(trainer: &mut Trainer<'_>, grid: Grid, loss: Loss) -> Result<Regions> {
    let outputs = trainer.predict(&grid.points(), grid.n_points()).await?;
    Regions::new(grid, outputs, loss)
}

/// Follows a training: moves the bar, passes each report's cost on once.
struct Watch<'a> {
    console: &'a Console,
    steps: Steps,
    /// What the looks so far have made of the learning rate.
    plateau: Option<Plateau>,
    /// Costs and looks that have been shown.
    seen: usize,
    looks: usize,
    on_cost: &'a mut dyn FnMut(usize, f64),
    events: Option<Events>,
}

impl Watch<'_> {
    fn look(&mut self, progress: &Progress<'_>) {
        self.console.see(progress);
        if let Some(events) = &mut self.events {
            events.see(progress);
        }
        if progress.looks.is_empty() && !self.steps.in_batches() {
            let every = self.steps.report_every;
            let first = self.seen.next_multiple_of(every);
            for iteration in (first..progress.costs.len()).step_by(every) {
                (self.on_cost)(iteration, progress.costs[iteration]);
            }
        }
        for (index, look) in progress.looks.iter().enumerate().skip(self.looks) {
            let all = self.steps.looks();
            // Some twenty lines, however many looks.
            if (index + 1).is_multiple_of(all.div_ceil(20)) || index + 1 == all {
                let _ = self.console.line(&self.steps.describe_look(look));
            }
            if let Some(plateau) = &mut self.plateau
                && plateau.see(look)
            {
                let rate = self.steps.descent.learning_rate * plateau.factor();
                let _ = self.console.line(&format!("  learning rate {rate:e} from here on"));
            }
        }
        self.looks = progress.looks.len();
        self.seen = progress.costs.len();
    }
}

/// `362 of 400 right (90.50 %)`, or nothing for regression.
pub fn describe(score: Option<Score>) -> Option<String> {
    let score = score?;
    let (right, m) = (thousands(score.n_correct), thousands(score.m));
    Some(format!("{right} of {m} right ({:.2} %)", score.accuracy_percent()))
}
