//! A trained network meets data: read and prepared as its training data was.

use super::Model;
use crate::data::{DataSource, Dataset, Features, RawTable, ReadOptions, TargetKind};
use crate::error::{Error, Result};

impl Model {
    /// Reads labelled data and prepares it as the training data was; x is (n_0, m).
    ///
    /// # Errors
    /// Those of [`DataSource::read`] and [`Preprocessing::apply`](crate::data::Preprocessing::apply);
    /// [`Error::Shape`] for other features or classes.
    pub fn dataset(&self, source: &DataSource) -> Result<Dataset> {
        let (target, classes) = match self.network.loss() {
            loss if loss.predicts_values() => (TargetKind::Values, None),
            _ => (TargetKind::Classes, Some(self.class_names.as_slice())),
        };
        let wanted = self.preprocessing.wanted();
        let table = source.read(&ReadOptions { target: Some(target), classes, wanted: Some(&wanted) })?;
        self.check_columns(&table)?;
        let dataset = self.preprocessing.apply(&table, &table.rows())?;
        self.check_classes(&dataset)?;
        Ok(dataset)
    }

    /// Reads data that need not have a target and prepares it as the training data was; x is (n_0, m).
    ///
    /// # Errors
    /// As [`dataset`](Self::dataset), without those for targets.
    pub fn features(&self, source: &DataSource) -> Result<Features> {
        let wanted = self.preprocessing.wanted();
        let table = source.read(&ReadOptions { target: None, classes: None, wanted: Some(&wanted) })?;
        self.check_columns(&table)?;
        self.preprocessing.features(&table, &table.rows())
    }

    fn check_columns(&self, table: &RawTable) -> Result<()> {
        let (expected, found) = (self.preprocessing.columns.len(), table.columns().len());
        if found == expected {
            return Ok(());
        }
        let names: Vec<&str> = self.preprocessing.columns.iter().map(|column| column.name.as_str()).collect();
        Err(Error::Shape {
            what: format!("features of {}", table.name()),
            expected: format!("{expected} ({})", names.join(", ")),
            found: found.to_string(),
            hint: "use data with the features that the model was trained on".into(),
        })
    }

    fn check_classes(&self, dataset: &Dataset) -> Result<()> {
        let found = dataset.class_names().len();
        if self.class_names.is_empty() || found == self.class_names.len() {
            return Ok(());
        }
        Err(Error::Shape {
            what: format!("classes of {}", dataset.name),
            expected: format!("{} ({})", self.class_names.len(), self.class_names.join(", ")),
            found: found.to_string(),
            hint: "use data with the classes that the model was trained on".into(),
        })
    }
}
