//! The data set every other part works on: a matrix of features and a target for each sample.

use crate::error::{Error, Result};

/// What is to be learnt for each sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// A class for each sample.
    Classes {
        /// Class index of each sample, `0..names.len()`; (m).
        labels: Vec<u32>,
        /// The classes' names, by index.
        names: Vec<String>,
    },
    /// Real values for each sample (regression).
    Values {
        /// (n_y, m), row-major.
        values: Vec<f64>,
        /// Values a sample, n_y.
        n_outputs: usize,
    },
}

impl Targets {
    /// Number of samples, m.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Values { values, n_outputs } => values.len() / (*n_outputs).max(1),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets of some samples, in the order of `rows`, which must be samples.
    pub fn of_rows(&self, rows: &[usize]) -> Self {
        self.picked(rows.iter().copied())
    }

    /// The targets of some samples, in the order of their numbers.
    pub fn picked(&self, rows: impl Iterator<Item = usize> + Clone) -> Self {
        match self {
            Self::Classes { labels, names } => {
                Self::Classes { labels: rows.map(|row| labels[row]).collect(), names: names.clone() }
            }
            Self::Values { values, n_outputs } => {
                let outputs = values.chunks(self.len().max(1));
                let values = outputs.flat_map(|output| rows.clone().map(|row| output[row])).collect();
                Self::Values { values, n_outputs: *n_outputs }
            }
        }
    }
}

/// Features and targets, in the course's layout: features x samples, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Where it came from, for titles and messages (`flower`, `iris.csv`).
    pub name: String,
    /// (n_x, m), row-major: feature i of sample j is `x[i * m + j]`.
    pub x: Vec<f64>,
    /// Number of features, n_x.
    pub n_features: usize,
    /// Number of samples, m.
    pub m: usize,
    /// One name a feature.
    pub feature_names: Vec<String>,
    /// What is to be learnt.
    pub targets: Targets,
    /// How each feature was made of what was measured, so that pictures can show that.
    pub units: Vec<Unit>,
}

/// A feature x stands for the measured value `shift + scale * x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// The measured value of 0.
    pub shift: f64,
    /// How much of the measured value 1 is.
    pub scale: f64,
}

impl Unit {
    /// The feature is what was measured.
    pub const SAME: Self = Self { shift: 0.0, scale: 1.0 };

    /// What was measured.
    pub fn measured(self, x: f64) -> f64 {
        self.shift + self.scale * x
    }
}

impl Dataset {
    /// Puts a data set together and checks it: shapes fit, at least one sample and feature, all values finite,
    /// every label has a name.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Data`], naming the feature and sample at fault.
    pub fn new(
        name: impl Into<String>,
        x: Vec<f64>,
        feature_names: Vec<String>,
        targets: Targets,
    ) -> Result<Self> {
        let name = name.into();
        let n_features = feature_names.len();
        let m = targets.len();
        if m == 0 || n_features == 0 {
            return Err(Error::data(
                name,
                format!("{m} samples of {n_features} features; at least one of each is needed"),
            ));
        }
        if x.len() != n_features * m {
            return Err(Error::Shape {
                what: format!("features of {name}"),
                expected: format!("{n_features} x {m} values"),
                found: format!("{} values", x.len()),
                hint: "give one row a feature and one column a sample".into(),
            });
        }
        let units = vec![Unit::SAME; n_features];
        let dataset = Self { name, x, n_features, m, feature_names, targets, units };
        dataset.check_values()?;
        Ok(dataset)
    }

    fn check_values(&self) -> Result<()> {
        if let Some(at) = self.x.iter().position(|v| !v.is_finite()) {
            return Err(Error::data(
                &self.name,
                format!(
                    "feature `{}` of sample {} is {}; remove or replace values that are not finite",
                    self.feature_names[at / self.m],
                    at % self.m,
                    self.x[at]
                ),
            ));
        }
        match &self.targets {
            Targets::Classes { labels, names } => {
                if let Some(label) = labels.iter().find(|l| **l as usize >= names.len()) {
                    return Err(Error::data(
                        &self.name,
                        format!("label {label} has no name among the {} classes", names.len()),
                    ));
                }
            }
            Targets::Values { values, n_outputs } => {
                if *n_outputs == 0 || values.len() != n_outputs * self.m {
                    return Err(Error::Shape {
                        what: format!("targets of {}", self.name),
                        expected: format!("{n_outputs} x {} values, at least one row", self.m),
                        found: format!("{} values", values.len()),
                        hint: "give one row an output and one column a sample".into(),
                    });
                }
                if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                    return Err(Error::data(
                        &self.name,
                        format!("the target of sample {} is {}", at % self.m, values[at]),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The number of classes, or `None` for regression.
    pub fn n_classes(&self) -> Option<usize> {
        match &self.targets {
            Targets::Classes { names, .. } => Some(names.len()),
            Targets::Values { .. } => None,
        }
    }

    /// The names of the classes, by index; empty for regression.
    pub fn class_names(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { names, .. } => names,
            Targets::Values { .. } => &[],
        }
    }

    /// The class index of every sample, or `None` for regression; (m).
    pub fn labels(&self) -> Option<&[u32]> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels),
            Targets::Values { .. } => None,
        }
    }

    /// The targets as numbers for the loss: class indices (1, m), or values (n_y, m).
    pub fn y(&self) -> Vec<f64> {
        match &self.targets {
            Targets::Classes { labels, .. } => labels.iter().map(|&l| f64::from(l)).collect(),
            Targets::Values { values, .. } => values.clone(),
        }
    }
}
