//! What to train: network, first parameters, data and step size, in the form that every executor takes; and how samples
//! are cut into batches.

use std::ops::Range;

use super::build::check_data;
use crate::error::{Error, Result};
use crate::network::{Network, Parameters};

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
    /// Samples.
    pub m: usize,
    /// Samples an iteration trains on; `m` for all of them.
    pub batch_size: usize,
    /// The step size of gradient descent.
    pub learning_rate: f64,
}

impl<'a> Problem<'a> {
    /// Training on all m samples at once: x (n_0, m), y (target_rows, m).
    pub fn full_batch(
        network: &'a Network,
        parameters: &'a Parameters,
        x: &'a [f64],
        y: &'a [f64],
        m: usize,
        learning_rate: f64,
    ) -> Self {
        Self { network, parameters, x, y, m, batch_size: m, learning_rate }
    }

    /// Refuses a problem whose parts do not fit each other.
    ///
    /// # Errors
    /// [`Error::Shape`] for x, y or parameters that are not the network's; [`Error::InvalidArgument`] for no samples or
    /// a batch size that is not between 1 and m.
    pub fn check(&self) -> Result<()> {
        check_data(self.network, self.x.len(), self.y.len(), self.m)?;
        self.parameters.check_for(self.network)?;
        if self.batch_size == 0 || self.batch_size > self.m {
            let what = format!("it must be between 1 and the number of samples, {}", self.m);
            return Err(Error::invalid("batch size", self.batch_size, what));
        }
        Ok(())
    }

    /// The batches of its samples.
    pub fn batches(&self) -> Batches {
        Batches { m: self.m, size: self.batch_size }
    }
}

/// Consecutive samples, so many at a time; the last batch takes what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Samples in all, at least 1.
    pub m: usize,
    /// Samples of a batch, between 1 and `m`.
    pub size: usize,
}

impl Batches {
    /// Batches of an epoch.
    pub fn count(self) -> usize {
        self.m.div_ceil(self.size)
    }

    /// The samples of iteration `t`, counted from 0: batch t mod count.
    pub fn samples(self, t: usize) -> Range<usize> {
        let start = t % self.count() * self.size;
        start..self.m.min(start + self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_take_every_sample_once_an_epoch() {
        for (m, size) in [(1, 1), (7, 3), (10, 5), (400, 400), (10_000, 128)] {
            let batches = Batches { m, size };
            let epoch: Vec<usize> = (0..batches.count()).flat_map(|t| batches.samples(t)).collect();
            assert_eq!(epoch, (0..m).collect::<Vec<_>>());
            assert_eq!(batches.samples(batches.count()), 0..size);
        }
    }
}
