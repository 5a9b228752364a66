//! How a training takes its steps: by a rule for each, or by L-BFGS, which searches for them.

use std::fmt;
use std::str::FromStr;

use super::lbfgs::LBFGS_HISTORY;
use crate::error::{Error, Result};
use crate::schedule::Optimizer;

/// How parameters become better ones; as text the optimiser's, or `lbfgs`, `lbfgs:history=20`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// A step a batch.
    Rule(Optimizer),
    /// Steps on all samples at once, in directions made of the last ones: [`Lbfgs`](super::Lbfgs).
    Lbfgs {
        /// How many steps it remembers, 1 to 1,000.
        history: usize,
    },
}

impl Method {
    /// L-BFGS with the usual memory.
    pub const LBFGS: Self = Self::Lbfgs { history: LBFGS_HISTORY };

    /// What executors are given: their own steps are not asked for with L-BFGS.
    pub fn rule(self) -> Optimizer {
        match self {
            Self::Rule(optimizer) => optimizer,
            Self::Lbfgs { .. } => Optimizer::Sgd,
        }
    }

    /// The step size, or the first that a line search tries, if nothing else is said.
    pub fn usual_learning_rate(self) -> f64 {
        match self {
            Self::Rule(optimizer) => optimizer.usual_learning_rate(),
            Self::Lbfgs { .. } => 1.0,
        }
    }

    /// The steps that L-BFGS remembers, if it is that.
    pub fn history(self) -> Option<usize> {
        match self {
            Self::Rule(_) => None,
            Self::Lbfgs { history } => Some(history),
        }
    }

    /// The name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule(optimizer) => optimizer.name(),
            Self::Lbfgs { .. } => "lbfgs",
        }
    }
}

impl From<Optimizer> for Method {
    fn from(optimizer: Optimizer) -> Self {
        Self::Rule(optimizer)
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, settings) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        match (name.trim(), settings) {
            ("lbfgs", None) => Ok(Self::LBFGS),
            ("lbfgs", Some(settings)) => {
                let history = settings.trim().strip_prefix("history=").and_then(|n| n.trim().parse().ok());
                let reason = "lbfgs has history, given as in history=10";
                let unknown = || Error::invalid("constant of the optimiser", settings.trim(), reason);
                Ok(Self::Lbfgs { history: history.ok_or_else(unknown)? })
            }
            (name, _) if !Optimizer::ALL.map(Optimizer::name).contains(&name) => {
                let names = Optimizer::ALL.map(Optimizer::name).join(", ");
                Err(Error::invalid("optimiser", name, format!("use one of {names}, lbfgs")))
            }
            _ => text.parse().map(Self::Rule),
        }
    }
}

/// With all constants, so that a record of it says all.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(optimizer) => write!(f, "{optimizer}"),
            Self::Lbfgs { history } => write!(f, "lbfgs:history={history}"),
        }
    }
}
