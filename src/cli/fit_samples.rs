//! What a training takes its samples from: memory, or windows of them handed over one after the other.

use std::sync::Arc;

use gpu_nn::Result;
use gpu_nn::data::SampleSource;
use gpu_nn::network::Parameters;
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::{Executor, Feed, FeedTargets, Score, StandIn, Trainer, WINDOW_BYTES, stand_in};

use super::console::Console;
use super::fit::Job;
use super::options::check_lowering;

/// The samples of a training.
pub enum Samples {
    /// All at once; the targets.
    Whole(Vec<f64>),
    /// So many at a time.
    Windows(Box<StandIn>, Arc<dyn SampleSource>),
}

impl Samples {
    /// Those of a job: in windows where they are streamed, or where the device does not hold all.
    pub fn new(job: &Job<'_>, console: &Console) -> Result<Self> {
        let (dataset, network) = (job.dataset, job.network);
        let source: Arc<dyn SampleSource> = match job.streams {
            Some(streams) => streams.training.clone(),
            None => {
                let layerwise = job.lowering.is_none_or(|lowering| lowering == Lowering::Layerwise);
                let fits = job.backend.binds(dataset.x.len());
                if fits || !layerwise || !job.steps.in_batches() {
                    return Ok(Self::Whole(dataset.y()));
                }
                console.line("samples   more than the adapter binds: they are handed over some at a time")?;
                dataset.clone()
            }
        };
        let stand_in = stand_in(dataset.n_features, network.target_rows(), job.steps.batches, WINDOW_BYTES);
        Ok(Self::Windows(Box::new(stand_in), source))
    }

    /// The training itself, from those parameters or from where its checkpoint was.
    pub fn problem<'a>(&'a self, job: &Job<'a>, parameters: &'a Parameters) -> Problem<'a> {
        let (steps, weights) = (&job.steps, job.weights);
        let mut problem = match self {
            Self::Whole(y) => steps.problem(job.network, parameters, job.dataset, y, weights),
            Self::Windows(window, _) => {
                steps.window_problem(job.network, parameters, window, weights.is_some())
            }
        };
        if let Some(checkpoint) = job.checkpoint {
            problem.parameters = &checkpoint.parameters;
            // That of L-BFGS is its own affair.
            problem.state = if steps.method.history().is_some() { &[] } else { &checkpoint.state };
            problem.done = checkpoint.done;
        }
        problem
    }

    /// Its executor, if it comes in windows.
    pub fn executor<'b>(&self, job: &Job<'b>, problem: &Problem<'_>) -> Result<Option<Executor<'b>>> {
        match self {
            Self::Whole(_) => Ok(None),
            Self::Windows(..) => {
                check_lowering(job.lowering, job.backend)?;
                job.backend.window_executor(problem, job.dataset.m).map(Some)
            }
        }
    }

    /// The same trainer, with its samples.
    pub fn feed<'b>(&self, job: &Job<'_>, trainer: Trainer<'b>) -> Result<Trainer<'b>> {
        let Self::Windows(_, source) = self else { return Ok(trainer) };
        let targets = FeedTargets::new(&job.dataset.targets, job.weights)?;
        let held_out = job.streams.and_then(|streams| streams.validation.clone());
        let held_out = held_out.map(|part| part as Arc<dyn SampleSource>);
        Ok(trainer
            .fed(Feed::new(source.clone(), targets, job.steps.batches, WINDOW_BYTES).watching(held_out)))
    }
}

/// How many training samples the trained network gets right.
pub async fn score(trainer: &mut Trainer<'_>, job: &Job<'_>) -> Result<Option<Score>> {
    let (loss, dataset) = (job.network.loss(), job.dataset);
    match job.streams {
        Some(streams) => trainer.score_streamed(&*streams.training, dataset, loss).await,
        None => Ok(Score::new(loss, &trainer.predict(&dataset.x, dataset.m).await?, dataset)),
    }
}

/// The outputs of the trained network for the test data, or else for the validation data, if there is either.
pub async fn judged(trainer: &mut Trainer<'_>, job: &Job<'_>) -> Result<Option<Vec<f64>>> {
    let streams = job.streams;
    let validation = job.watch.and_then(|watch| watch.validation);
    let (dataset, part) = match (job.test, validation) {
        (Some(test), _) => (test, streams.and_then(|streams| streams.test.as_ref())),
        (None, Some((validation, _))) => {
            (validation, streams.and_then(|streams| streams.validation.as_ref()))
        }
        (None, None) => return Ok(None),
    };
    match part {
        Some(part) => trainer.predict_streamed(&**part, dataset.m).await.map(Some),
        None => trainer.predict(&dataset.x, dataset.m).await.map(Some),
    }
}
