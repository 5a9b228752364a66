//! The learning rate over time, counted in epochs: how people say it; `schedule` counts in iterations.

use crate::error::{Error, Result};
use crate::schedule::{Decay, RateSchedule};

/// What becomes of the learning rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rates {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by `factor` after every `epochs`.
    Step {
        /// Epochs between two steps, at least 1.
        epochs: usize,
        /// What is left after a step, in (0, 1].
        factor: f64,
    },
    /// It shrinks evenly, to `factor` of it in `epochs`.
    Exponential {
        /// Epochs after which `factor` is left, at least 1.
        epochs: usize,
        /// In (0, 1].
        factor: f64,
    },
    /// Half a cosine, to 0 at the end of the training.
    Cosine,
    /// It is multiplied by `factor` after `patience` looks in which the metric that is watched does not improve.
    Plateau {
        /// In (0, 1).
        factor: f64,
        /// Looks, at least 1: epochs, or a hundredth of the iterations on all samples at once.
        patience: usize,
    },
}

impl Rates {
    /// The same in iterations, for a training of so many.
    pub(super) fn schedule(self, warm_up: usize, an_epoch: usize, iterations: usize) -> Result<RateSchedule> {
        let warm_up = of_epochs("warm_up", warm_up, an_epoch)?;
        let decay = match self {
            Self::Constant => Decay::Constant,
            Self::Step { epochs, factor } => {
                Decay::Step { every: of_epochs("epochs of the schedule", epochs, an_epoch)?, factor }
            }
            Self::Exponential { epochs, factor } => {
                Decay::Exponential { every: of_epochs("epochs of the schedule", epochs, an_epoch)?, factor }
            }
            Self::Plateau { factor, patience } => Decay::Plateau { factor, patience, reductions: 0 },
            Self::Cosine => Decay::Cosine { over: iterations.saturating_sub(warm_up).max(1) },
        };
        Ok(RateSchedule { decay, warm_up })
    }
}

/// The iterations of so many epochs.
pub(super) fn of_epochs(option: &'static str, epochs: usize, an_epoch: usize) -> Result<usize> {
    epochs.checked_mul(an_epoch).ok_or_else(|| Error::invalid(option, epochs, "use fewer"))
}
