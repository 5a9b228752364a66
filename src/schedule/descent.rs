//! How parameters follow their gradients: the optimiser, its step size over time, and the penalties on large weights.
//! Plain data and the numbers of one step; executors apply them.

use serde::{Deserialize, Serialize};

use super::rate::RateSchedule;
use crate::error::{Error, Result};

/// A rule that turns the gradient g of a parameter theta into its step; r is the learning rate of the iteration.
///
/// States s begin at zero. All formulas are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// theta -= r g
    Sgd,
    /// s = momentum s + g; theta -= r s (Polyak 1964).
    Momentum {
        /// How much of the last step goes on, in [0, 1).
        momentum: f64,
    },
    /// s = momentum s + g; theta -= r (g + momentum s) (Sutskever et al. 2013).
    Nesterov {
        /// How much of the last step goes on, in [0, 1).
        momentum: f64,
    },
    /// s = decay s + (1 - decay) g^2; theta -= r g / (sqrt(s) + epsilon) (Tieleman & Hinton 2012).
    RmsProp {
        /// How long squares are remembered, in [0, 1).
        decay: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// s_1 = beta_1 s_1 + (1 - beta_1) g; s_2 = beta_2 s_2 + (1 - beta_2) g^2; with both divided by 1 - beta^t after t
    /// steps: theta -= r s_1 / (sqrt(s_2) + epsilon) (Kingma & Ba 2015).
    Adam {
        /// How long gradients are remembered, in [0, 1).
        beta_1: f64,
        /// How long squares are remembered, in [0, 1).
        beta_2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// theta -= r weight_decay theta for weights, then as Adam (Loshchilov & Hutter 2019).
    AdamW {
        /// As Adam's.
        beta_1: f64,
        /// As Adam's.
        beta_2: f64,
        /// As Adam's.
        epsilon: f64,
        /// The part of a weight that a learning rate of 1 would take away.
        weight_decay: f64,
    },
}

impl Optimizer {
    const MOMENTUM: f64 = 0.9;
    const EPSILON: f64 = 1e-8;

    /// Adam with the constants of its paper.
    pub const ADAM: Self = Self::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: Self::EPSILON };

    /// All of them, with their usual constants.
    pub const ALL: [Self; 6] = [
        Self::Sgd,
        Self::Momentum { momentum: Self::MOMENTUM },
        Self::Nesterov { momentum: Self::MOMENTUM },
        Self::RmsProp { decay: 0.99, epsilon: Self::EPSILON },
        Self::ADAM,
        Self::AdamW { beta_1: 0.9, beta_2: 0.999, epsilon: Self::EPSILON, weight_decay: 0.01 },
    ];

    /// The name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum { .. } => "momentum",
            Self::Nesterov { .. } => "nesterov",
            Self::RmsProp { .. } => "rmsprop",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
        }
    }

    /// Numbers that it remembers of each parameter.
    pub fn n_states(self) -> usize {
        match self {
            Self::Sgd => 0,
            Self::Momentum { .. } | Self::Nesterov { .. } | Self::RmsProp { .. } => 1,
            Self::Adam { .. } | Self::AdamW { .. } => 2,
        }
    }

    /// The learning rate that most networks learn well with; the course's for gradient descent.
    pub fn usual_learning_rate(self) -> f64 {
        match self {
            Self::Sgd => 1.2,
            Self::Momentum { .. } | Self::Nesterov { .. } => 0.1,
            Self::RmsProp { .. } | Self::Adam { .. } | Self::AdamW { .. } => 0.001,
        }
    }

    pub(super) fn check(self) -> Result<()> {
        let forgets = |what, value: f64| {
            let inside = (0.0..1.0).contains(&value);
            inside.then_some(()).ok_or_else(|| Error::invalid(what, value, "it lies in [0, 1), such as 0.9"))
        };
        let positive = |what, value: f64| {
            let ok = value > 0.0 && value.is_finite();
            ok.then_some(())
                .ok_or_else(|| Error::invalid(what, value, "it is a positive number, such as 1e-8"))
        };
        match self {
            Self::Sgd => Ok(()),
            Self::Momentum { momentum } | Self::Nesterov { momentum } => forgets("momentum", momentum),
            Self::RmsProp { decay, epsilon } => {
                forgets("decay of rmsprop", decay)?;
                positive("epsilon", epsilon)
            }
            Self::Adam { beta_1, beta_2, epsilon } | Self::AdamW { beta_1, beta_2, epsilon, .. } => {
                forgets("beta_1", beta_1)?;
                forgets("beta_2", beta_2)?;
                positive("epsilon", epsilon)?;
                match self {
                    Self::AdamW { weight_decay, .. } => not_negative("weight decay", weight_decay),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// How gradients, those of penalties included, are kept from being too large; both are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// g times min(1, most / (|g| + 1e-6)), |g| = sqrt(sum g^2) over all parameters.
    Norm(f64),
    /// Each g within [-most, most].
    Value(f64),
}

impl Clip {
    fn check(self) -> Result<()> {
        let (what, most) = match self {
            Self::Norm(most) => ("norm to clip at", most),
            Self::Value(most) => ("value to clip at", most),
        };
        let ok = most > 0.0 && most.is_finite();
        ok.then_some(()).ok_or_else(|| Error::invalid(what, most, "it is a positive number, such as 1.0"))
    }
}

/// How parameters change from one iteration to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descent {
    /// The rule.
    pub optimizer: Optimizer,
    /// The step size, r.
    pub learning_rate: f64,
    /// What becomes of it over time.
    pub rates: RateSchedule,
    /// l1 sum |w| is added to what is minimised, for weights and not for biases; the costs that are reported are without.
    pub l1: f64,
    /// l2 / 2 sum w^2 is added likewise.
    pub l2: f64,
    /// What keeps gradients small, if anything.
    pub clip: Option<Clip>,
}

/// What an iteration's number changes in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSize {
    /// The factor of the learning rate, by the schedule.
    pub rate: f64,
    /// 1 / (1 - beta_1^t) of Adam after t steps, 1 for others.
    pub first: f64,
    /// 1 / sqrt(1 - beta_2^t) of Adam, 1 for others.
    pub second: f64,
}

impl Descent {
    /// Gradient descent with a constant step size.
    pub fn sgd(learning_rate: f64) -> Self {
        Self {
            optimizer: Optimizer::Sgd,
            learning_rate,
            rates: RateSchedule::default(),
            l1: 0.0,
            l2: 0.0,
            clip: None,
        }
    }

    /// Whether it is gradient descent with a constant step size, which kernels do on the way.
    pub fn is_plain(&self) -> bool {
        *self == Self::sgd(self.learning_rate)
    }

    /// Whether weights are pulled towards zero.
    pub fn has_penalty(&self) -> bool {
        let decays = matches!(self.optimizer, Optimizer::AdamW { weight_decay, .. } if weight_decay > 0.0);
        self.l1 > 0.0 || self.l2 > 0.0 || decays
    }

    /// What each gradient is kept within by itself, if by anything.
    pub fn most_each(&self) -> Option<f64> {
        match self.clip {
            Some(Clip::Value(most)) => Some(most),
            _ => None,
        }
    }

    /// The numbers of iteration `t`, counted from 0.
    pub fn step_size(&self, t: usize) -> StepSize {
        let rate = self.rates.factor(t);
        let steps = (t + 1) as f64;
        match self.optimizer {
            Optimizer::Adam { beta_1, beta_2, .. } | Optimizer::AdamW { beta_1, beta_2, .. } => StepSize {
                rate,
                first: 1.0 / (1.0 - beta_1.powf(steps)),
                second: 1.0 / (1.0 - beta_2.powf(steps)).sqrt(),
            },
            _ => StepSize { rate, first: 1.0, second: 1.0 },
        }
    }

    /// Refuses numbers that cannot be meant. A learning rate of zero is allowed: nothing is learnt.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the number.
    pub fn check(&self) -> Result<()> {
        not_negative("learning rate", self.learning_rate)?;
        not_negative("l1", self.l1)?;
        not_negative("l2", self.l2)?;
        self.optimizer.check()?;
        self.clip.map_or(Ok(()), Clip::check)?;
        self.rates.check()
    }
}

fn not_negative(what: &'static str, value: f64) -> Result<()> {
    let ok = value >= 0.0 && value.is_finite();
    ok.then_some(()).ok_or_else(|| Error::invalid(what, value, "it is a number from 0 on"))
}
