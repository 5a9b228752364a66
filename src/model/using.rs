//! A trained network meets data: read and prepared as its training data was.

use super::Model;
use crate::data::{DataSource, Dataset, Features, HeldOut, Part, RawTable, ReadOptions, TargetKind};
use crate::error::{Error, Result};

impl Model {
    /// Reads labelled data and prepares it as the training data was; x is (n_0, m).
    ///
    /// # Errors
    /// Those of [`DataSource::read`] and [`Preprocessing::apply`](crate::data::Preprocessing::apply);
    /// [`Error::Shape`] for other features or classes.
    pub fn dataset(&self, source: &DataSource) -> Result<Dataset> {
        let table = self.table(source)?;
        self.prepared(&table, &table.rows())
    }

    /// Labelled data of the columns of the training.
    fn table(&self, source: &DataSource) -> Result<RawTable> {
        let (target, classes) = match self.network.loss() {
            loss if loss.predicts_values() => (TargetKind::Values, None),
            _ => (TargetKind::Classes, Some(self.class_names.as_slice())),
        };
        let wanted = self.preprocessing.wanted();
        let table = source.read(&ReadOptions { target: Some(target), classes, wanted: Some(&wanted) })?;
        self.check_columns(&table)?;
        Ok(table)
    }

    fn prepared(&self, table: &RawTable, rows: &[usize]) -> Result<Dataset> {
        let dataset = self.preprocessing.apply(table, rows)?;
        self.check_classes(&dataset)?;
        Ok(dataset)
    }

    /// The part that says most of what the model is worth: what scored it, else what watched it, else all.
    pub fn judging_part(&self) -> Part {
        match (&self.partition.test, &self.partition.validation) {
            (Some(_), _) => Part::Test,
            (None, Some(_)) => Part::Validation,
            (None, None) => Part::All,
        }
    }

    /// Reads a part of labelled data and prepares it as the training data was; x is (n_0, m). A file that was held out is read in
    /// the place of `source`.
    ///
    /// # Errors
    /// As [`dataset`](Self::dataset); [`Error::InvalidArgument`] for a part that was not held out; [`Error::Shape`] for a share of
    /// data of another size.
    pub fn part(&self, source: &DataSource, part: Part) -> Result<Dataset> {
        let whole = match part {
            Part::All => true,
            Part::Training => !self.partition.has_shares(),
            Part::Validation | Part::Test => match self.partition.held_out(part) {
                Some(HeldOut::File(file)) => return self.dataset(&DataSource::File(file.clone())),
                Some(HeldOut::Share(_)) => false,
                None => {
                    let reason = "the model was trained without such a part; leave --part out";
                    return Err(Error::invalid("part of the data", part, reason));
                }
            },
        };
        if whole {
            return self.dataset(source);
        }
        let table = self.table(source)?;
        let parts = self.partition.rows(table.rows(), table.targets())?;
        let rows = match part {
            Part::Validation => parts.validation,
            Part::Test => parts.test,
            Part::All | Part::Training => Some(parts.training),
        };
        self.prepared(&table, &rows.unwrap_or_default())
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
