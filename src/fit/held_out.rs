//! The data of a fit in its parts, prepared as fitted on the part that is learnt from.

use std::borrow::Cow;

use super::options::Options;
use crate::data::{Dataset, PartRows, Partition, Preparation, Preprocessing, RawTable, Scale, Targets};
use crate::error::{Error, Result};
use crate::training::sample_weights;

/// What is learnt from, what watches, what scores in the end.
pub(super) struct Parts<'d> {
    pub(super) training: Cow<'d, Dataset>,
    /// How much each sample of the training counts.
    pub(super) weights: Option<Vec<f64>>,
    pub(super) validation: Option<Dataset>,
    pub(super) test: Option<Dataset>,
    /// How they were parted.
    pub(super) partition: Partition,
    pub(super) preprocessing: Preprocessing,
}

impl<'d> Parts<'d> {
    /// Of features that may already be as they should.
    pub(super) fn of_dataset(dataset: &'d Dataset, options: &Options) -> Result<Self> {
        let unscaled = options.scale.is_none_or(|scale| scale == Scale::None);
        let splits = options.validation_share.is_some() || options.test_share.is_some();
        if splits || !unscaled {
            return Self::of_table(&RawTable::from(dataset.clone()), options);
        }
        let preprocessing = Preprocessing::identity(&dataset.feature_names);
        let validation = options.validation.as_ref();
        let validation =
            validation.map(|table| apply(&preprocessing, table, &dataset.targets)).transpose()?;
        let weights = sample_weights(dataset, options.class_weight.as_ref(), options.weights.as_deref())?;
        let (training, partition) = (Cow::Borrowed(dataset), Partition::default());
        Ok(Self { training, weights, validation, test: None, partition, preprocessing })
    }

    /// Of raw columns.
    pub(super) fn of_table(table: &RawTable, options: &Options) -> Result<Self> {
        let Some(targets) = table.targets() else {
            let problem = "read without targets; read it with a kind of target to learn from it";
            return Err(Error::data(table.origin(), problem));
        };
        let partition = options.partition(table.m());
        let PartRows { training: rows, validation, test } = partition.rows(table.rows(), Some(targets))?;
        let scale = options.scale.unwrap_or(table.usual_scale());
        let preprocessing = Preprocessing::fit(table, &rows, &Preparation { impute: options.impute, scale })?;
        let training = preprocessing.apply(table, &rows)?;
        let weights = own_weights(table, options, &rows)?;
        let weights = sample_weights(&training, options.class_weight.as_ref(), weights.as_deref())?;
        let part = |rows: Option<Vec<usize>>| rows.map(|rows| preprocessing.apply(table, &rows)).transpose();
        let validation = match &options.validation {
            Some(table) => Some(apply(&preprocessing, table, targets)?),
            None => part(validation)?,
        };
        let test = part(test)?;
        let training = Cow::Owned(training);
        Ok(Self { training, weights, validation, test, partition, preprocessing })
    }
}

/// The weights of the rows that are learnt from.
fn own_weights(table: &RawTable, options: &Options, rows: &[usize]) -> Result<Option<Vec<f64>>> {
    let Some(weights) = &options.weights else { return Ok(None) };
    if weights.len() != table.m() {
        return Err(Error::Shape {
            what: "weights".into(),
            expected: format!("{}, one for each sample", table.m()),
            found: weights.len().to_string(),
            hint: "give the weights of all samples, those that are held out too".into(),
        });
    }
    Ok(Some(rows.iter().map(|&row| weights[row]).collect()))
}

/// Other data, prepared alike; its classes are those of the training.
fn apply(preprocessing: &Preprocessing, table: &RawTable, targets: &Targets) -> Result<Dataset> {
    let dataset = preprocessing.apply(table, &table.rows())?;
    check_targets(&dataset.name, Some(&dataset.targets), targets)?;
    Ok(dataset)
}

/// Refuses targets of another kind, or classes of other names.
pub(super) fn check_targets(name: &str, targets: Option<&Targets>, trained: &Targets) -> Result<()> {
    let describe = |targets: &Targets| match targets {
        Targets::Classes { names, .. } => format!("the classes {}", names.join(", ")),
        Targets::Values { n_outputs, .. } => format!("{n_outputs} real values a sample"),
    };
    let found = targets.map_or_else(|| "none".to_owned(), describe);
    let expected = describe(trained);
    if found == expected {
        return Ok(());
    }
    let hint = "use data with the targets of the training, read with its class names".into();
    Err(Error::Shape { what: format!("targets of {name}"), expected, found, hint })
}
