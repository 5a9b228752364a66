//! The data of a training in its parts: what is learnt from, what watches, what scores in the end; all prepared as fitted on
//! the first.

use std::path::Path;
use std::sync::Arc;

use gpu_nn::data::{
    DataSource, Dataset, FileSource, HeldOut, PartRows, Partition, Preprocessing, RawTable, ReadOptions,
    StreamedPart, TargetKind, Targets, Wanted,
};
use gpu_nn::{Error, Result};

use super::data_options::{PrepareArgs, looks_like_path};
use super::options::Output;
use super::training_options::ValidationArgs;
use super::weights::WeightArgs;

/// The parts, and what made features of their columns.
pub struct Parts {
    pub training: Arc<Dataset>,
    pub validation: Option<Dataset>,
    pub test: Option<Dataset>,
    /// How they were parted.
    pub partition: Partition,
    pub preprocessing: Preprocessing,
    /// Their features, where the data sets have none because they stay in their files.
    pub streams: Option<Streams>,
    /// How much each sample of the training counts by its own weight.
    pub weights: Option<Vec<f64>>,
}

/// The features of the parts in their files.
pub struct Streams {
    pub training: Arc<StreamedPart>,
    pub validation: Option<Arc<StreamedPart>>,
    pub test: Option<Arc<StreamedPart>>,
}

/// What is held out, as it is asked for: of data that is as remembered.
pub(super) fn partition(held_out: &ValidationArgs, source: &DataSource) -> Result<Partition> {
    let part = |text: &Option<String>, what: &'static str| {
        let Some(text) = text else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(share) => Ok(Some(HeldOut::Share(share))),
            Err(_) if looks_like_path(text) => {
                Ok(Some(HeldOut::File(FileSource::new(Path::new(text)).like(source))))
            }
            Err(_) => {
                let reason = "give a share of the samples such as 0.1, or a file";
                Err(Error::invalid(what, text, reason))
            }
        }
    };
    let validation = part(&held_out.validation, "validation data")?;
    let test = part(&held_out.test, "test data")?;
    Ok(Partition { validation, test, seed: held_out.split_seed, m: None })
}

impl Parts {
    /// Reads the data, holds out what is to be held out, and prepares all of it.
    pub fn new(
        source: &DataSource,
        prepare: &PrepareArgs,
        output: Output,
        held_out: &ValidationArgs,
        weights: &WeightArgs,
    ) -> Result<Self> {
        let mut partition = partition(held_out, source)?;
        let mut table = prepare.read(&weights.to_read(source), output)?;
        let weights = weights.take(&mut table)?;
        partition.m = Some(table.m());
        let PartRows { training: rows, validation, test } = partition.rows(table.rows(), table.targets())?;
        let preprocessing = Preprocessing::fit(&table, &rows, &prepare.preparation(&table))?;
        let training = preprocessing.apply(&table, &rows)?;
        let part = |held_out: &Option<HeldOut>, rows: Option<Vec<usize>>| -> Result<Option<Dataset>> {
            match (held_out, rows) {
                (Some(HeldOut::File(file)), _) => read_file(file, &preprocessing, &training).map(Some),
                (_, Some(rows)) => preprocessing.apply(&table, &rows).map(Some),
                (_, None) => Ok(None),
            }
        };
        let (validation, test) = (part(&partition.validation, validation)?, part(&partition.test, test)?);
        let weights = weights.map(|weights| rows.iter().map(|&row| weights[row]).collect());
        let training = Arc::new(training);
        Ok(Self { training, validation, test, partition, preprocessing, streams: None, weights })
    }
}

/// Another file with the columns of the training data.
fn read_file(file: &FileSource, preprocessing: &Preprocessing, training: &Dataset) -> Result<Dataset> {
    let wanted = preprocessing.wanted();
    let table = file.read(&like_training_options(training, &wanted))?;
    check_columns(&table, preprocessing)?;
    preprocessing.apply(&table, &table.rows())
}

/// The training data's columns and classes.
pub(super) fn like_training_options<'a>(training: &'a Dataset, wanted: &'a [Wanted]) -> ReadOptions<'a> {
    let (target, classes) = match &training.targets {
        Targets::Classes { names, .. } => (TargetKind::Classes, Some(&names[..])),
        Targets::Values { .. } => (TargetKind::Values, None),
    };
    ReadOptions { target: Some(target), classes, wanted: Some(wanted) }
}

/// Refuses a file of other columns than those of the training data.
pub(super) fn check_columns(table: &RawTable, preprocessing: &Preprocessing) -> Result<()> {
    if table.columns().len() == preprocessing.columns.len() {
        return Ok(());
    }
    Err(Error::Shape {
        what: format!("features of {}", table.name()),
        expected: preprocessing.columns.len().to_string(),
        found: table.columns().len().to_string(),
        hint: "use a file with the columns of the training data".into(),
    })
}
