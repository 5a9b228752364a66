//! A trained network meets data: read and prepared as its training data was.

use super::Model;
use crate::data::{
    DataSource, Dataset, Features, HeldOut, Part, RawTable, ReadOptions, Row, TargetKind, Targets, Wanted,
};
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
        let wanted = self.preprocessing.wanted();
        let table = source.read(&self.labelled(&wanted))?;
        self.check_columns(&table)?;
        Ok(table)
    }

    /// How labelled data is read.
    pub(super) fn labelled<'a>(&'a self, wanted: &'a [Wanted]) -> ReadOptions<'a> {
        let (target, classes) = match self.network.loss() {
            loss if loss.predicts_values() => (TargetKind::Values, None),
            _ => (TargetKind::Classes, Some(self.class_names.as_slice())),
        };
        ReadOptions { target: Some(target), classes, wanted: Some(wanted) }
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

    /// The data that a part is in: a file that was held out, or `source`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a part that was not held out.
    pub fn source_of(&self, part: Part, source: DataSource) -> Result<DataSource> {
        match (part, self.partition.held_out(part)) {
            (Part::All | Part::Training, _) | (_, Some(HeldOut::Share(_))) => Ok(source),
            (_, Some(HeldOut::File(file))) => Ok(DataSource::File(file.clone())),
            (_, None) => {
                let reason = "the model was trained without such a part; leave --part out";
                Err(Error::invalid("part of the data", part, reason))
            }
        }
    }

    /// The rows of a part among those of the data that it is in; `None` is all of them.
    ///
    /// # Errors
    /// Those of [`Partition::rows`](crate::data::Partition::rows).
    pub(super) fn rows_of<R: Row>(
        &self,
        part: Part,
        all: impl FnOnce() -> Vec<R>,
        targets: Option<&Targets>,
    ) -> Result<Option<Vec<R>>> {
        let shares = match part {
            Part::All => false,
            Part::Training => self.partition.has_shares(),
            part => matches!(self.partition.held_out(part), Some(HeldOut::Share(_))),
        };
        if !shares {
            return Ok(None);
        }
        let parts = self.partition.rows(all(), targets)?;
        Ok(match part {
            Part::Validation => parts.validation,
            Part::Test => parts.test,
            Part::All | Part::Training => Some(parts.training),
        })
    }

    /// Reads a part of labelled data and prepares it as the training data was; x is (n_0, m). A file that was held out is read in
    /// the place of `source`.
    ///
    /// # Errors
    /// As [`dataset`](Self::dataset); [`Error::InvalidArgument`] for a part that was not held out; [`Error::Shape`] for a share of
    /// data of another size.
    pub fn part(&self, source: &DataSource, part: Part) -> Result<Dataset> {
        let table = self.table(&self.source_of(part, source.clone())?)?;
        let rows = self.rows_of(part, || table.rows(), table.targets())?;
        self.prepared(&table, &rows.unwrap_or_else(|| table.rows()))
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

    pub(super) fn check_columns(&self, table: &RawTable) -> Result<()> {
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

    pub(super) fn check_classes(&self, dataset: &Dataset) -> Result<()> {
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
