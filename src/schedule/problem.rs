//! What to train: network, first parameters, data and descent, in the form that every executor takes.

use super::batches::Batches;
use std::borrow::Cow;

use super::build::{Variant, check_data, training_step_with};
use super::descent::Descent;
use super::dropout::Dropout;
use super::op::Schedule;
use crate::error::{Error, Result};
use crate::network::{Loss, Network, Parameters};

/// A training to be run by an executor.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its first parameters.
    pub parameters: &'a Parameters,
    /// Features, (n_0, m).
    pub x: &'a [f64],
    /// Targets, (target_rows, m).
    pub y: &'a [f64],
    /// How much each sample counts, (m); alike without. The mean of them should be 1: costs and gradients are divided by the
    /// number of samples.
    pub weights: Option<&'a [f64]>,
    /// Samples.
    pub m: usize,
    /// Samples an iteration trains on; `m` for all of them.
    pub batch_size: usize,
    /// The seed of the order of the samples in each epoch; their own without.
    pub shuffle: Option<u32>,
    /// How the parameters change.
    pub descent: Descent,
    /// Which hidden units are left out, if any.
    pub dropout: Option<Dropout>,
    /// e: a label's own class counts 1 - e + e / K, each of the others e / K, with K classes (as PyTorch's label_smoothing);
    /// in [0, 1), and 0 for values.
    pub label_smoothing: f64,
    /// Iterations that were done before: a training that is taken up again goes on with their number.
    pub done: usize,
    /// What the optimiser remembers from them, (states, parameters); empty before the first.
    pub state: &'a [f64],
}

impl<'a> Problem<'a> {
    /// Gradient descent on all m samples at once: x (n_0, m), y (target_rows, m).
    pub fn full_batch(
        network: &'a Network,
        parameters: &'a Parameters,
        x: &'a [f64],
        y: &'a [f64],
        m: usize,
        learning_rate: f64,
    ) -> Self {
        Self {
            network,
            parameters,
            x,
            y,
            weights: None,
            m,
            batch_size: m,
            shuffle: None,
            descent: Descent::sgd(learning_rate),
            dropout: None,
            label_smoothing: 0.0,
            done: 0,
            state: &[],
        }
    }

    /// Refuses a problem whose parts do not fit each other.
    ///
    /// # Errors
    /// [`Error::Shape`] for x, y or parameters that are not the network's; [`Error::InvalidArgument`] for no samples, a batch
    /// size that is not between 1 and m, or numbers of the descent that cannot be meant.
    pub fn check(&self) -> Result<()> {
        check_data(self.network, self.x.len(), self.y.len(), self.m)?;
        self.parameters.check_for(self.network)?;
        check_weights(self.weights, self.m)?;
        if self.batch_size == 0 || self.batch_size > self.m {
            let what = format!("it must be between 1 and the number of samples, {}", self.m);
            return Err(Error::invalid("batch size", self.batch_size, what));
        }
        let states = self.descent.optimizer.n_states() * self.parameters.values().len();
        let begins = self.done == 0 && self.state.is_empty();
        if !begins && self.state.len() != states {
            return Err(Error::Shape {
                what: format!("state of {}", self.descent.optimizer.name()),
                expected: states.to_string(),
                found: self.state.len().to_string(),
                hint: "give the state of the same optimiser and network, or none".into(),
            });
        }
        self.dropout.map_or(Ok(()), Dropout::check)?;
        check_smoothing(self.label_smoothing, self.network.loss())?;
        self.descent.check()
    }

    /// What the optimiser remembers before the first iteration, (states, parameters).
    pub fn first_state(&self) -> Vec<f64> {
        match self.state {
            [] => vec![0.0; self.descent.optimizer.n_states() * self.parameters.values().len()],
            state => state.to_vec(),
        }
    }

    /// How it differs from a plain training.
    pub fn variant(&self) -> Variant {
        let smoothing = match self.network.loss() {
            Loss::SoftmaxCrossEntropy => self.label_smoothing,
            // Those of a sigmoid are smoothed themselves.
            _ => 0.0,
        };
        Variant { dropout: self.dropout, weighted: self.weights.is_some(), smoothing }
    }

    /// The targets as the executors take them: those of a sigmoid smoothed, y (1 - e) + e / 2, and with the weights of the
    /// samples as their last row, if there are any.
    pub fn targets(&self) -> Cow<'a, [f64]> {
        let e = self.label_smoothing;
        let smoothed = e > 0.0 && self.network.loss() == Loss::BinaryCrossEntropy;
        let y = match smoothed {
            true => Cow::Owned(self.y.iter().map(|y| y * (1.0 - e) + e / 2.0).collect()),
            false => Cow::Borrowed(self.y),
        };
        match self.weights {
            None => y,
            Some(weights) => Cow::Owned([&y, weights].concat()),
        }
    }

    /// The training step on so many samples.
    pub fn schedule(&self, samples: usize) -> Schedule {
        training_step_with(self.network, samples, &self.descent, self.variant())
    }

    /// The batches of its samples.
    pub fn batches(&self) -> Batches {
        Batches { m: self.m, size: self.batch_size, shuffle: self.shuffle }
    }
}

fn check_smoothing(smoothing: f64, loss: Loss) -> Result<()> {
    if !(0.0..1.0).contains(&smoothing) {
        return Err(Error::invalid("label smoothing", smoothing, "it lies in [0, 1), such as 0.1"));
    }
    if smoothing > 0.0 && loss.predicts_values() {
        let reason = "the network predicts values, which have no classes to share between; leave it out";
        return Err(Error::invalid("label smoothing", smoothing, reason));
    }
    Ok(())
}

fn check_weights(weights: Option<&[f64]>, m: usize) -> Result<()> {
    let Some(weights) = weights else { return Ok(()) };
    if weights.len() != m {
        return Err(Error::Shape {
            what: "weights of the samples".into(),
            expected: m.to_string(),
            found: weights.len().to_string(),
            hint: "give one for each sample, or none".into(),
        });
    }
    match weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
        Some(bad) => Err(Error::invalid("weight of a sample", bad, "it is a number from 0 on")),
        None => Ok(()),
    }
}
