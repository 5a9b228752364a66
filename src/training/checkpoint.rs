//! All that a training needs to go on as if it had not been interrupted.

use super::watch::{Best, Look};
use crate::network::Parameters;

/// A training between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Iterations done.
    pub done: usize,
    /// The parameters.
    pub parameters: Parameters,
    /// What the optimiser remembers, (states, parameters).
    pub state: Vec<f64>,
    /// The cost of each iteration.
    pub costs: Vec<f64>,
    /// What was seen on the way.
    pub looks: Vec<Look>,
    /// The best of it.
    pub best: Option<Best>,
}
