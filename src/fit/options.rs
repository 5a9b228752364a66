//! What a fit is to do, with all defaults; the builder fills it in, the run reads it.

use std::time::Duration;

use super::rates::{Rates, of_epochs};
use crate::data::{Dataset, HeldOut, Impute, Partition, RawTable, Scale};
use crate::error::{Error, Result};
use crate::network::{Activation, Initializer, Layer, Loss, Network, parse_hidden};
use crate::schedule::{Batches, Clip, Descent, Dropout, Lowering, Optimizer};
use crate::training::{BackendChoice, ClassWeight, Lbfgs, Method, Metric, WatchPlan};

/// Iterations on all samples at once, if nothing else is said: the course's.
const ITERATIONS: usize = 10_000;

/// Epochs of a training in batches, if nothing else is said.
const EPOCHS: usize = 20;

/// Looks at a training on all samples at once.
const LOOKS: usize = 100;

/// The hidden layers as they were given.
#[derive(Clone, Debug)]
pub(super) enum Hidden {
    Text(String),
    Layers(Vec<Layer>),
}

/// How long to train.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Usual,
    Iterations(usize),
    Epochs(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) hidden: Hidden,
    pub(super) activation: Activation,
    pub(super) loss: Option<Loss>,
    pub(super) init: Initializer,
    pub(super) init_seed: u32,
    pub(super) optimizer: Method,
    pub(super) learning_rate: Option<f64>,
    pub(super) rates: Rates,
    pub(super) warm_up: usize,
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) clip: Option<Clip>,
    pub(super) label_smoothing: f64,
    pub(super) dropout: Dropout,
    pub(super) batch_size: Option<usize>,
    pub(super) shuffle: Option<u32>,
    pub(super) length: Length,
    pub(super) class_weight: Option<ClassWeight>,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) validation: Option<RawTable>,
    pub(super) validation_share: Option<f64>,
    pub(super) test_share: Option<f64>,
    pub(super) split_seed: u32,
    pub(super) metric: Metric,
    pub(super) patience: Option<usize>,
    pub(super) max_time: Option<Duration>,
    pub(super) scale: Option<Scale>,
    pub(super) impute: Impute,
    pub(super) backend: BackendChoice,
    pub(super) adapter: Option<String>,
    pub(super) lowering: Option<Lowering>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hidden: Hidden::Text("4".into()),
            activation: Activation::Tanh,
            loss: None,
            init: Initializer::COURSE,
            init_seed: 2,
            optimizer: Method::Rule(Optimizer::Sgd),
            learning_rate: None,
            rates: Rates::Constant,
            warm_up: 0,
            l1: 0.0,
            l2: 0.0,
            clip: None,
            label_smoothing: 0.0,
            dropout: Dropout { rate: 0.0, seed: 1 },
            batch_size: None,
            shuffle: Some(1),
            length: Length::Usual,
            class_weight: None,
            weights: None,
            validation: None,
            validation_share: None,
            test_share: None,
            split_seed: 1,
            metric: Metric::Cost,
            patience: None,
            max_time: None,
            scale: None,
            impute: Impute::Refuse,
            backend: BackendChoice::Auto,
            adapter: None,
            lowering: None,
        }
    }
}

/// The steps of a training, with all defaults filled in.
pub(super) struct Steps {
    pub(super) iterations: usize,
    pub(super) batches: Batches,
    pub(super) descent: Descent,
    pub(super) dropout: Option<Dropout>,
    /// Iterations from one look to the next.
    pub(super) look_every: usize,
}

impl Options {
    /// The network for a data set.
    pub(super) fn network(&self, dataset: &Dataset) -> Result<Network> {
        let hidden = match &self.hidden {
            Hidden::Text(text) => parse_hidden(text, self.activation)?,
            Hidden::Layers(layers) => layers.clone(),
        };
        let (classes, values) = (dataset.n_classes(), dataset.y().len() / dataset.m);
        let loss = self.loss.unwrap_or(match classes {
            None => Loss::SquaredError,
            Some(0..=2) => Loss::BinaryCrossEntropy,
            Some(_) => Loss::SoftmaxCrossEntropy,
        });
        let n_outputs = match (loss, classes) {
            (Loss::BinaryCrossEntropy, Some(0..=2)) => 1,
            (Loss::SoftmaxCrossEntropy, Some(classes)) => classes,
            (Loss::BinaryCrossEntropy | Loss::SoftmaxCrossEntropy, _) => {
                let has = classes.map_or("real-valued targets".into(), |n| format!("{n} classes"));
                let reason =
                    format!("{} has {has}; leave the loss out to get the one that fits", dataset.name);
                return Err(Error::invalid("loss", loss.output_name(), reason));
            }
            _ => values,
        };
        Network::new(dataset.n_features, hidden, n_outputs, loss)
    }

    /// The steps on `m` samples.
    pub(super) fn steps(&self, m: usize) -> Result<Steps> {
        let at_least_one = |option, value: usize| match value {
            0 => Err(Error::invalid(option, value, "it is at least 1")),
            _ => Ok(value),
        };
        let size = self.batch_size.map_or(Ok(m), |size| at_least_one("batch size", size))?.min(m);
        let batches = Batches { m, size, shuffle: self.shuffle };
        let an_epoch = batches.count();
        let iterations = match self.length {
            Length::Iterations(iterations) => at_least_one("iterations", iterations)?,
            Length::Epochs(epochs) => of_epochs("epochs", at_least_one("epochs", epochs)?, an_epoch)?,
            Length::Usual if an_epoch == 1 => ITERATIONS,
            Length::Usual => of_epochs("epochs", EPOCHS, an_epoch)?,
        };
        if let Some(patience) = self.patience {
            at_least_one("patience", patience)?;
        }
        let descent = Descent {
            learning_rate: self.learning_rate.unwrap_or(self.optimizer.usual_learning_rate()),
            rates: self.rates.schedule(self.warm_up, an_epoch, iterations)?,
            l1: self.l1,
            l2: self.l2,
            clip: self.clip,
            optimizer: self.optimizer.rule(),
        };
        descent.check()?;
        self.dropout.check()?;
        let dropout = Some(self.dropout).filter(|dropout| dropout.rate > 0.0);
        if let Some(history) = self.optimizer.history() {
            Lbfgs::check(batches, &descent, dropout, history)?;
        }
        let look_every = if an_epoch > 1 { an_epoch } else { iterations.div_ceil(LOOKS) };
        Ok(Steps { iterations, batches, descent, dropout, look_every })
    }

    /// How the m samples are parted.
    pub(super) fn partition(&self, m: usize) -> Partition {
        let share = |share: Option<f64>| share.map(HeldOut::Share);
        Partition {
            validation: share(self.validation_share),
            test: share(self.test_share),
            seed: self.split_seed,
            m: Some(m),
        }
    }

    /// How it is watched.
    pub(super) fn watch<'a>(&self, steps: &Steps, validation: Option<(&'a Dataset, Loss)>) -> WatchPlan<'a> {
        let Self { metric, patience, max_time, .. } = *self;
        WatchPlan { validation, every: steps.look_every, metric, patience, max_time }
    }
}
