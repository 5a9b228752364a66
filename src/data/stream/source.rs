//! Samples that somebody hands over by their numbers: what a training takes its batches from where it does not hold all.

use crate::data::Dataset;
use crate::error::{Error, Result};

/// Samples, picked by their numbers.
pub trait SampleSource: Send + Sync {
    /// Number of features, n_x.
    fn n_features(&self) -> usize;

    /// Puts the features of some samples one after the other, rounded to f32: x (samples, n_x).
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Data`] with the row and the column for a cell that cannot be used, or a value beyond f32.
    fn features(&self, samples: &[usize], x: &mut [f32]) -> Result<()>;
}

/// The error of a value that f32 cannot hold.
pub(super) fn beyond_single(origin: &str, what: &str, value: f64) -> Error {
    let next =
        "which single precision cannot hold; rescale it, or use --backend cpu-reference without --stream";
    Error::data(origin, format!("{what} is {value}, {next}"))
}

/// A data set in memory, of which a device takes some at a time.
impl SampleSource for Dataset {
    fn n_features(&self) -> usize {
        self.n_features
    }

    fn features(&self, samples: &[usize], x: &mut [f32]) -> Result<()> {
        for (i, row) in self.x.chunks_exact(self.m).enumerate() {
            for (to, &sample) in x[i..].iter_mut().step_by(self.n_features).zip(samples) {
                *to = row[sample] as f32;
                if !to.is_finite() {
                    let what = format!("feature `{}` of sample {sample}", self.feature_names[i]);
                    return Err(beyond_single(&self.name, &what, row[sample]));
                }
            }
        }
        Ok(())
    }
}
