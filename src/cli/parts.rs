//! The data of a training in its parts: what is learnt from, what watches, what scores in the end; all prepared as fitted on
//! the first.

use std::path::Path;
use std::sync::Arc;

use gpu_nn::data::{
    DataSource, Dataset, FileSource, Preprocessing, RawTable, ReadOptions, Row, StreamedPart, TargetKind,
    Targets, Wanted, hold_out,
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

/// What is held out.
pub(super) enum HeldOut {
    Nothing,
    Share(f64),
    File(FileSource),
}

impl HeldOut {
    pub(super) fn new(text: Option<&str>, what: &'static str) -> Result<Self> {
        let Some(text) = text else { return Ok(Self::Nothing) };
        match text.parse::<f64>() {
            Ok(share) => Ok(Self::Share(share)),
            Err(_) if looks_like_path(text) => Ok(Self::File(FileSource::new(Path::new(text)))),
            Err(_) => {
                let reason = "give a share of the samples such as 0.1, or a file";
                Err(Error::invalid(what, text, reason))
            }
        }
    }
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
        let validation = HeldOut::new(held_out.validation.as_deref(), "validation data")?;
        let test = HeldOut::new(held_out.test.as_deref(), "test data")?;
        let mut table = prepare.read(&weights.to_read(source), output)?;
        let weights = weights.take(&mut table)?;
        let mut rows = table.rows();
        let seed = held_out.split_seed;
        let test_rows = take(&mut rows, table.targets(), &test, seed)?;
        // Another seed: the same would draw alike from what is left.
        let validation_rows = take(&mut rows, table.targets(), &validation, seed.wrapping_add(1))?;
        let preprocessing = Preprocessing::fit(&table, &rows, &prepare.preparation(&table))?;
        let training = preprocessing.apply(&table, &rows)?;
        let part = |held_out: &HeldOut, rows: Option<Vec<usize>>| -> Result<Option<Dataset>> {
            match (held_out, rows) {
                (HeldOut::File(file), _) => read_file(file, source, &preprocessing, &training).map(Some),
                (_, Some(rows)) => preprocessing.apply(&table, &rows).map(Some),
                (_, None) => Ok(None),
            }
        };
        let (validation, test) = (part(&validation, validation_rows)?, part(&test, test_rows)?);
        let weights = weights.map(|weights| rows.iter().map(|&row| weights[row]).collect());
        Ok(Self { training: Arc::new(training), validation, test, preprocessing, streams: None, weights })
    }
}

/// Takes a share of all samples out of the rows, if that is what is asked for.
pub(super) fn take<R: Row>(
    rows: &mut Vec<R>,
    targets: Option<&Targets>,
    held_out: &HeldOut,
    seed: u32,
) -> Result<Option<Vec<R>>> {
    let (HeldOut::Share(share), Some(targets)) = (held_out, targets) else { return Ok(None) };
    hold_out(rows, targets, "share to hold out", *share, seed).map(Some)
}

/// Another file with the columns of the training data.
fn read_file(
    file: &FileSource,
    source: &DataSource,
    preprocessing: &Preprocessing,
    training: &Dataset,
) -> Result<Dataset> {
    let file = like_training(file, source);
    let wanted = preprocessing.wanted();
    let table = file.read(&like_training_options(training, &wanted))?;
    check_columns(&table, preprocessing)?;
    preprocessing.apply(&table, &table.rows())
}

/// A file whose columns mean what they mean in the training file; labels in a file of their own are looked for beside it.
pub(super) fn like_training(file: &FileSource, source: &DataSource) -> FileSource {
    match source {
        DataSource::File(training) => {
            FileSource { path: file.path.clone(), labels_file: None, ..training.clone() }
        }
        DataSource::Generated { .. } => file.clone(),
    }
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
