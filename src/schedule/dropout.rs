//! Dropout: which units are left out in an iteration, and for which samples (Srivastava et al. 2014, "inverted": what stays
//! grows, so that nothing changes in a prediction).

use super::hash::{GOLDEN, mix};
use crate::error::{Error, Result};

/// A share of every hidden layer's units that each sample does without, chosen anew in each iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share that is left out, in [0, 1).
    pub rate: f64,
    /// The seed of the choice.
    pub seed: u32,
}

impl Dropout {
    /// Refuses a rate that cannot be meant.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a rate outside of [0, 1).
    pub fn check(self) -> Result<()> {
        if (0.0..1.0).contains(&self.rate) {
            return Ok(());
        }
        Err(Error::invalid("dropout", self.rate, "it lies in [0, 1), such as 0.2"))
    }

    /// The choice in hidden layer `layer`, counted from 0, at iteration `t`.
    pub fn mask(self, layer: usize, t: usize) -> Mask {
        // More than 2^32 layers or iterations would see the first masks again.
        let key = mix(self.seed_key().wrapping_add(t as u32));
        Mask {
            key: mix(key.wrapping_add(layer as u32)),
            threshold: self.threshold(),
            scale: 1.0 / (1.0 - self.rate),
        }
    }

    /// What the masks of all iterations begin with.
    pub(crate) fn seed_key(self) -> u32 {
        mix(self.seed)
    }

    /// Hashes below it leave a unit out.
    pub(crate) fn threshold(self) -> u32 {
        (self.rate * 2f64.powi(32)) as u32
    }
}

/// A dropout's choice in one layer and iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    key: u32,
    threshold: u32,
    /// The factor of what stays.
    pub scale: f64,
}

impl Mask {
    /// Whether a unit stays for the sample at a position of the batch.
    #[inline(always)]
    pub fn keeps(self, unit: u32, position: u32) -> bool {
        mix(self.key ^ mix(unit.wrapping_mul(GOLDEN).wrapping_add(position))) >= self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_stay_as_are_meant_to_and_others_each_time() {
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let dropout = Dropout { rate, seed: 1 };
            let kept = |layer, t| -> Vec<bool> {
                let mask = dropout.mask(layer, t);
                (0..200u32).flat_map(|unit| (0..200).map(move |j| mask.keeps(unit, j))).collect()
            };
            let first = kept(0, 0);
            let share = first.iter().filter(|&&kept| kept).count() as f64 / first.len() as f64;
            assert!((share - (1.0 - rate)).abs() < 0.01, "{rate}: {share}");
            if rate > 0.0 {
                assert_ne!(first, kept(0, 1));
                assert_ne!(first, kept(1, 0));
            }
            // Neighbours do not go together.
            let both = first.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64 / first.len() as f64;
            assert!((both - (1.0 - rate).powi(2)).abs() < 0.01, "{rate}: {both}");
        }
    }

    #[test]
    fn rates_that_cannot_be_meant_are_refused() {
        for rate in [-0.1, 1.0, f64::NAN] {
            assert!(Dropout { rate, seed: 1 }.check().unwrap_err().is_usage());
        }
    }
}
