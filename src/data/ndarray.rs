//! Data sets from arrays of the crate ndarray, and views of them: rows are samples there, columns are samples here.

use ndarray::{Array2, ArrayView2};

use super::{Dataset, Targets};
use crate::error::{Error, Result};

impl Dataset {
    /// A data set of rows of features, x (m, n_x); the features are named `x1`, `x2`, ...
    ///
    /// # Errors
    /// Those of [`Dataset::new`].
    pub fn from_array(name: impl Into<String>, x: ArrayView2<'_, f64>, targets: Targets) -> Result<Self> {
        let name = name.into();
        if x.nrows() != targets.len() {
            return Err(Error::Shape {
                what: format!("rows of {name}"),
                expected: format!("{}, one for each target", targets.len()),
                found: x.nrows().to_string(),
                hint: "give one row a sample and one column a feature".into(),
            });
        }
        let names = (1..=x.ncols()).map(|feature| format!("x{feature}")).collect();
        Self::new(name, x.t().iter().copied().collect(), names, targets)
    }

    /// The features, a row a sample: (m, n_x). Nothing is copied.
    pub fn array(&self) -> ArrayView2<'_, f64> {
        let view = ArrayView2::from_shape((self.n_features, self.m), &self.x);
        view.expect("a data set has as many values as features and samples").reversed_axes()
    }
}

impl Targets {
    /// A class for each sample, by index from 0; the classes are named by their numbers.
    pub fn classes(labels: impl IntoIterator<Item = u32>) -> Self {
        let labels: Vec<u32> = labels.into_iter().collect();
        let n = labels.iter().max().map_or(0, |&last| last as usize + 1);
        Self::Classes { labels, names: (0..n).map(|class| class.to_string()).collect() }
    }

    /// Real values, y (m, n_y), a row a sample.
    pub fn values(y: ArrayView2<'_, f64>) -> Self {
        Self::Values { n_outputs: y.ncols(), values: y.t().iter().copied().collect() }
    }

    /// The targets as numbers, (m, n_y): class indices or values.
    pub fn to_array(&self) -> Array2<f64> {
        match self {
            Self::Classes { labels, .. } => {
                Array2::from_shape_fn((labels.len(), 1), |(sample, _)| f64::from(labels[sample]))
            }
            Self::Values { values, n_outputs } => {
                let m = self.len();
                Array2::from_shape_fn((m, *n_outputs), |(sample, output)| values[output * m + sample])
            }
        }
    }
}
