//! The learning rate over time, as a factor of its first value by iteration.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What becomes of the learning rate, counted in iterations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateSchedule {
    /// The way down.
    pub decay: Decay,
    /// It grows in equal steps over this many iterations first: t + 1 of `warm_up` + 1 parts of it at iteration t.
    pub warm_up: usize,
}

/// Ways down; t is the iteration, counted from 0 and from the end of the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// 1
    #[default]
    Constant,
    /// factor^floor(t / every)
    Step {
        /// Iterations between two steps, at least 1.
        every: usize,
        /// What is left after a step, in (0, 1].
        factor: f64,
    },
    /// factor^(t / every)
    Exponential {
        /// Iterations after which `factor` is left, at least 1.
        every: usize,
        /// In (0, 1].
        factor: f64,
    },
    /// (1 + cos(pi t / over)) / 2, and 0 from `over` on (Loshchilov & Hutter 2017, one period).
    Cosine {
        /// Iterations until nothing is left, at least 1.
        over: usize,
    },
    /// factor^reductions: a training under watch adds a reduction after `patience` looks in which its metric does not improve.
    Plateau {
        /// In (0, 1).
        factor: f64,
        /// Looks, at least 1.
        patience: usize,
        /// Those so far, 0 before the first iteration.
        reductions: u32,
    },
    /// A way up: from^(1 - t / over), and 1 from `over` on; the range test's (Smith 2017).
    Rise {
        /// Iterations until all of it is there, at least 1.
        over: usize,
        /// The factor at first, in (0, 1].
        from: f64,
    },
}

impl RateSchedule {
    /// The factor of iteration `t`, counted from 0.
    pub fn factor(&self, t: usize) -> f64 {
        if t < self.warm_up {
            return (t + 1) as f64 / (self.warm_up + 1) as f64;
        }
        let t = t - self.warm_up;
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Step { every, factor } => factor.powf((t / every) as f64),
            Decay::Exponential { every, factor } => factor.powf(t as f64 / every as f64),
            Decay::Cosine { over } => (1.0 + (PI * t.min(over) as f64 / over as f64).cos()) / 2.0,
            Decay::Plateau { factor, reductions, .. } => factor.powf(f64::from(reductions)),
            Decay::Rise { over, from } => from.powf(1.0 - t.min(over) as f64 / over as f64),
        }
    }

    /// Refuses numbers that cannot be meant.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the number.
    pub fn check(&self) -> Result<()> {
        let (every, factor) = match self.decay {
            Decay::Constant => (1, 1.0),
            Decay::Step { every, factor } | Decay::Exponential { every, factor } => (every, factor),
            Decay::Cosine { over } => (over, 1.0),
            Decay::Rise { over, from } => (over, from),
            Decay::Plateau { factor, .. } if factor >= 1.0 => {
                let reason = "on a plateau it has to fall; it lies in (0, 1), such as 0.1";
                return Err(Error::invalid("factor of the learning rate", factor, reason));
            }
            Decay::Plateau { factor, patience, .. } => (patience, factor),
        };
        if every == 0 {
            return Err(Error::invalid(
                "learning-rate schedule",
                every,
                "it takes at least 1 iteration or look",
            ));
        }
        if !(factor > 0.0 && factor <= 1.0) {
            return Err(Error::invalid(
                "factor of the learning rate",
                factor,
                "it lies in (0, 1], such as 0.5",
            ));
        }
        Ok(())
    }
}
