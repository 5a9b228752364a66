//! The training of a fit: opens a backend, watches, calls back, scores.

use std::ops::ControlFlow;

use super::fitted::{Fit, History};
use super::held_out::Parts;
use super::options::{Options, Steps};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::initialize;
use crate::schedule::{Lowering, Problem};
use crate::training::{
    Backend, BackendChoice, CancelToken, Executor, Look, Metrics, Plan, Plateau, Progress, Recovered,
    Trained, Trainer, check_metric, fastest_backend, fastest_lowering,
};

type OnProgress<'a> = Box<dyn FnMut(&Progress<'_>) -> ControlFlow<()> + 'a>;
type OnRecovery<'a> = Box<dyn FnMut(&Recovered) + 'a>;
type OnLook<'a> = Box<dyn FnMut(&Look) -> ControlFlow<()> + 'a>;

/// Who wants to know, and who may end it.
#[derive(Default)]
pub(super) struct Callbacks<'a> {
    pub(super) on_progress: Option<OnProgress<'a>>,
    pub(super) on_look: Option<OnLook<'a>>,
    pub(super) on_recovery: Option<OnRecovery<'a>>,
    pub(super) cancel: CancelToken,
    /// Looks that were shown.
    shown: usize,
}

impl Callbacks<'_> {
    /// Passes on what is new; whoever breaks off ends the training.
    fn see(&mut self, progress: &Progress<'_>, stop: &CancelToken) {
        let mut flow = self.on_progress.as_mut().map_or(ControlFlow::Continue(()), |call| call(progress));
        // A training that goes on after its device was lost sees some looks again.
        for look in progress.looks.iter().skip(self.shown) {
            if let Some(call) = &mut self.on_look
                && call(look).is_break()
            {
                flow = ControlFlow::Break(());
            }
        }
        self.shown = self.shown.max(progress.looks.len());
        if flow.is_break() {
            stop.cancel();
        }
    }
}

/// Trains a network on the parts of the data.
pub(super) async fn train(parts: Parts<'_>, options: &Options, mut callbacks: Callbacks<'_>) -> Result<Fit> {
    let dataset: &Dataset = &parts.training;
    let network = options.network(dataset)?;
    let steps = options.steps(dataset.m)?;
    check_metric(options.metric, &network, parts.validation.as_ref())?;
    let parameters = initialize(&network, options.init, options.init_seed);
    let y = dataset.y();
    let problem = Problem {
        weights: parts.weights.as_deref(),
        batch_size: steps.batches.size,
        shuffle: steps.batches.shuffle,
        descent: steps.descent,
        dropout: steps.dropout,
        label_smoothing: options.label_smoothing,
        ..Problem::full_batch(&network, &parameters, &dataset.x, &y, dataset.m, 0.0)
    };
    problem.check()?;
    let backend = open(options, &problem, steps.iterations).await?;
    let executor = executor(&backend, options, &problem, steps.iterations).await?;
    let plan = Plan {
        iterations: steps.iterations,
        report_every: steps.look_every,
        learning_rate: steps.descent.learning_rate,
    };
    let stop = callbacks.cancel.clone();
    let mut trainer = Trainer::new(executor, plan).cancelled_by(stop.clone());
    if is_watched(options, &steps, &parts, &callbacks) {
        let validation = parts.validation.as_ref().map(|dataset| (dataset, network.loss()));
        let plateau = Plateau::of(steps.descent.rates, options.metric);
        trainer = trainer.watched(options.watch(&steps, validation)).falling(plateau);
    }
    // A device that is lost is opened again; the training goes on to the same bits.
    let mut on_recovery = callbacks.on_recovery.take();
    trainer = trainer.surviving(&backend, problem, move |it| {
        if let Some(call) = &mut on_recovery {
            call(it);
        }
    });
    let trained = trainer.finish(&mut |progress| callbacks.see(progress, &stop)).await?;
    let test = match &parts.test {
        Some(test) => Some(Metrics::new(network.loss(), &trainer.predict(&test.x, test.m).await?, test)),
        None => None,
    };
    let lowering = trainer.lowering();
    drop(trainer);
    let Trained { parameters: best, costs, cost_after_last, iteration, looks, stopped } = trained;
    let n_classes = network.n_classes();
    let model = Model {
        single_precision: backend.single_precision(),
        preprocessing: parts.preprocessing.clone(),
        class_names: dataset.class_names()[..n_classes].to_vec(),
        data: None,
        partition: parts.partition.clone(),
        parameters: best,
        network,
    };
    let history = History { costs, looks, cost: cost_after_last, iteration, stopped, test, lowering };
    Ok(Fit::new(model, backend, Some(history)))
}

/// Whether there is something to see between the first and the last iteration.
fn is_watched(options: &Options, steps: &Steps, parts: &Parts<'_>, callbacks: &Callbacks<'_>) -> bool {
    let stops = options.patience.is_some() || options.max_time.is_some();
    let waits = Plateau::of(steps.descent.rates, options.metric).is_some();
    let seen = parts.validation.is_some() || callbacks.on_look.is_some();
    stops || waits || seen || steps.batches.count() > 1
}

async fn open(options: &Options, problem: &Problem<'_>, iterations: usize) -> Result<Backend> {
    let found = match (options.backend, &options.adapter, options.lowering) {
        (BackendChoice::Auto, None, None) => fastest_backend(problem, iterations).await?,
        // A lowering is a GPU's.
        (BackendChoice::Auto, None, Some(_)) => Backend::open(BackendChoice::Gpu, None).await?,
        (choice, adapter, _) => Backend::open(choice, adapter.as_deref()).await?,
    };
    Ok(found.0)
}

async fn executor<'b>(
    backend: &'b Backend,
    options: &Options,
    problem: &Problem<'_>,
    iterations: usize,
) -> Result<Executor<'b>> {
    if let Some(history) = options.optimizer.history() {
        let executor = backend.executor(problem, options.lowering.unwrap_or(Lowering::Layerwise))?;
        return executor.with_lbfgs(problem, history, &[]);
    }
    let lowering = match (options.lowering, backend.adapter()) {
        (Some(lowering), None) => {
            let why = format!("the {} backend has none; leave it out", backend.name());
            return Err(Error::invalid("lowering", lowering, why));
        }
        (Some(lowering), Some(_)) => lowering,
        (None, Some(_)) => fastest_lowering(backend, problem, iterations).await?.lowering,
        (None, None) => Lowering::Layerwise,
    };
    backend.executor(problem, lowering)
}
