//! What a fitted network can be asked about: anything that has the columns it was fitted on.

use crate::data::{Dataset, Features, Preprocessing, RawTable, Targets};
use crate::error::{Error, Result};

/// Samples in the columns of the training data, before any preprocessing.
pub trait Samples {
    /// The features of the network, prepared as those of the training were; x is (n_0, m).
    ///
    /// # Errors
    /// [`Error::Shape`] for other columns than those fitted; [`Error::Data`] for values that cannot be prepared.
    fn features(&self, preprocessing: &Preprocessing) -> Result<Features>;

    /// What is known to be right for them, if anything is.
    fn targets(&self) -> Option<&Targets> {
        None
    }

    /// What messages call them.
    fn name(&self) -> &str {
        "samples"
    }
}

impl Samples for RawTable {
    fn features(&self, preprocessing: &Preprocessing) -> Result<Features> {
        preprocessing.features(self, &self.rows())
    }

    fn targets(&self) -> Option<&Targets> {
        RawTable::targets(self)
    }

    fn name(&self) -> &str {
        RawTable::name(self)
    }
}

impl Samples for Dataset {
    fn features(&self, preprocessing: &Preprocessing) -> Result<Features> {
        if preprocessing.is_identity() && preprocessing.n_features() == self.n_features {
            return Ok(Features { x: self.x.clone(), n_features: self.n_features, m: self.m });
        }
        let table = RawTable::from(self.clone());
        preprocessing.features(&table, &table.rows())
    }

    fn targets(&self) -> Option<&Targets> {
        Some(&self.targets)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Numbers, a row a feature: x (n_x, m), feature i of sample j is `x[i * m + j]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix<'a> {
    /// (n_x, m), row-major.
    pub x: &'a [f64],
    /// Number of samples, m.
    pub m: usize,
}

impl Samples for Matrix<'_> {
    fn features(&self, preprocessing: &Preprocessing) -> Result<Features> {
        let columns = preprocessing.columns.len();
        if self.m == 0 || self.x.len() != columns * self.m {
            return Err(Error::Shape {
                what: "samples to predict".into(),
                expected: format!("{columns} x {} values, at least one sample", self.m),
                found: format!("{} values", self.x.len()),
                hint: "give one row a feature and one column a sample".into(),
            });
        }
        let names: Vec<String> = preprocessing.columns.iter().map(|column| column.name.clone()).collect();
        // Whatever the targets are, nobody asks for them.
        let targets = Targets::Values { values: vec![0.0; self.m], n_outputs: 1 };
        Dataset::new("samples", self.x.to_vec(), names, targets)?.features(preprocessing)
    }
}

#[cfg(feature = "ndarray")]
impl Samples for ndarray::ArrayView2<'_, f64> {
    /// (m, n_x), a row a sample: the convention of arrays.
    fn features(&self, preprocessing: &Preprocessing) -> Result<Features> {
        let (m, columns) = self.dim();
        if columns != preprocessing.columns.len() {
            return Err(Error::Shape {
                what: "columns of the array".into(),
                expected: preprocessing.columns.len().to_string(),
                found: columns.to_string(),
                hint: "give one row a sample and one column a feature".into(),
            });
        }
        let x: Vec<f64> = self.t().iter().copied().collect();
        Matrix { x: &x, m }.features(preprocessing)
    }
}

#[cfg(feature = "ndarray")]
impl Samples for ndarray::Array2<f64> {
    /// As the view of it.
    fn features(&self, preprocessing: &Preprocessing) -> Result<Features> {
        self.view().features(preprocessing)
    }
}
