//! What a training is watched by: scores on data it does not learn from, the best parameters so far, and when to stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use web_time::Instant;

use super::executor::Executor;
use super::metrics::{Metric, Metrics};
use super::streamed::outputs;
use crate::data::{Dataset, SampleSource};
use crate::error::{Error, Result};
use crate::network::{Loss, Network, Parameters};

/// How to watch.
#[derive(Clone, Copy, Debug)]
pub struct WatchPlan<'a> {
    /// Data that is not learnt from, and the network's loss.
    pub validation: Option<(&'a Dataset, Loss)>,
    /// Iterations from one look to the next: an epoch, or where that is a single iteration, those of a report.
    pub every: usize,
    /// The metric that is to improve.
    pub metric: Metric,
    /// Looks without an improvement until the training stops; the best parameters are then taken back.
    pub patience: Option<usize>,
    /// The training stops at the first look after so long.
    pub max_time: Option<Duration>,
}

/// Refuses a metric that cannot be watched: the network and the validation data do not have it.
///
/// # Errors
/// [`Error::InvalidArgument`] naming those that they have.
pub fn check_metric(metric: Metric, network: &Network, validation: Option<&Dataset>) -> Result<()> {
    let Some(dataset) = validation else {
        if metric == Metric::Cost {
            return Ok(());
        }
        let reason = "it needs data to be watched on; hold some out, as --validation 0.1 does";
        return Err(Error::invalid("metric", metric, reason));
    };
    let nothing = vec![0.5; network.n_outputs() * dataset.m];
    let metrics = Metrics::new(network.loss(), &nothing, dataset);
    if metrics.get(metric).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = metrics.values().iter().map(|(metric, _)| metric.name()).collect();
    Err(Error::invalid("metric", metric, format!("this data and network have {}", names.join(", "))))
}

/// What a look saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Iterations done.
    pub iteration: usize,
    /// The mean of the costs since the last look.
    pub training_cost: f64,
    /// The scores on the validation data, if there is any.
    pub validation: Option<Metrics>,
    /// Whether it was the best so far.
    pub best: bool,
}

impl Look {
    /// What a metric is on the validation data, or the training cost where there is none.
    pub fn value(&self, metric: Metric) -> f64 {
        match &self.validation {
            Some(metrics) => metrics.get(metric).unwrap_or(f64::NAN),
            None => self.training_cost,
        }
    }
}

/// Why a training ended before its last iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The metric has not improved for as many looks as there was patience for.
    NoImprovement {
        /// The iteration of the best look.
        best: usize,
    },
    /// The time was up.
    OutOfTime,
    /// No further step would change anything.
    Converged,
    /// Somebody cancelled it, see [`super::CancelToken`].
    Cancelled,
}

/// A training under watch.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    plan: WatchPlan<'a>,
    begin: Instant,
    looks: Vec<Look>,
    best: Option<Best>,
    /// The parameters of the last look, all of whose costs were numbers.
    last_good: Option<(usize, Parameters)>,
}

/// The best look so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Its number.
    pub look: usize,
    /// The metric's value.
    pub value: f64,
    /// The parameters then, where they may be wanted back.
    pub parameters: Option<Parameters>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(plan: WatchPlan<'a>) -> Self {
        Self { plan, begin: Instant::now(), looks: Vec::new(), best: None, last_good: None }
    }

    /// Goes on with what was seen before.
    pub(super) fn take_up(&mut self, looks: Vec<Look>, best: Option<Best>) {
        self.looks = looks;
        self.best = best;
    }

    /// Goes on with the first of its looks, of which this was the best.
    pub(super) fn go_back(&mut self, looks: usize, best: Option<Best>) {
        self.looks.truncate(looks);
        self.best = best;
    }

    pub(super) fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// The iteration of the look after `done`.
    pub(super) fn next(&self, done: usize) -> usize {
        (done / self.plan.every + 1).saturating_mul(self.plan.every)
    }

    /// The iteration of the look before `done`, also where a checkpoint was kept between two of them.
    pub(super) fn last(&self, done: usize) -> usize {
        let last = self.looks.last().map_or(0, |look| look.iteration);
        last.max(done / self.plan.every * self.plan.every)
    }

    pub(super) fn looks(&self) -> &[Look] {
        &self.looks
    }

    pub(super) fn last_good(&mut self) -> Option<(usize, Parameters)> {
        self.last_good.take()
    }

    /// Looks after `done` iterations, whose costs since the last look these are; says whether to stop. `held_out` has the
    /// features of the validation data where the data set has none.
    pub(super) async fn look(
        &mut self,
        executor: &mut Executor<'_>,
        held_out: Option<&dyn SampleSource>,
        done: usize,
        costs: &[f64],
    ) -> Result<Option<Stopped>> {
        let plan = self.plan;
        let training_cost = costs.iter().sum::<f64>() / costs.len().max(1) as f64;
        let validation = match plan.validation {
            None => None,
            Some((dataset, loss)) => {
                let a = match held_out {
                    Some(source) => outputs(executor, source, dataset.m).await?,
                    None => executor.predict(&dataset.x, dataset.m).await?,
                };
                Some(Metrics::new(loss, &a, dataset))
            }
        };
        let parameters = executor.parameters().await?;
        let mut look = Look { iteration: done, training_cost, validation, best: false };
        let value = look.value(plan.metric);
        let best = self.best.as_ref().is_none_or(|best| plan.metric.improves(value, best.value));
        if best {
            // They are only wanted back where the training may go past them.
            let kept = plan.patience.map(|_| parameters.clone());
            self.best = Some(Best { look: self.looks.len(), value, parameters: kept });
        }
        self.last_good = Some((done, parameters));
        look.best = best;
        self.looks.push(look);
        Ok(self.stop())
    }

    fn stop(&self) -> Option<Stopped> {
        let best = self.best.as_ref()?.look;
        let without = self.looks.len() - 1 - best;
        if self.plan.patience.is_some_and(|patience| without >= patience) {
            return Some(Stopped::NoImprovement { best: self.looks[best].iteration });
        }
        let late = self.plan.max_time.is_some_and(|most| self.begin.elapsed() >= most);
        late.then_some(Stopped::OutOfTime)
    }

    /// The parameters of the best look and its iteration, where there was patience and a later look was not as good.
    pub(super) fn take_back(&mut self) -> Option<(usize, Parameters)> {
        let Best { look, parameters, .. } = self.best.take()?;
        (look + 1 < self.looks.len()).then_some((self.looks[look].iteration, parameters?))
    }
}
