//! A data set by description: a generator with its settings or a file, so that a saved model can name its data.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CsvOptions, Dataset, Generator, GeneratorOptions, Label, TargetKind, generate, read_csv};
use crate::error::{Error, Result};

/// Where a data set comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// Made by a generator.
    Generated {
        /// Its name.
        name: String,
        /// Samples, or the generator's own number.
        m: Option<usize>,
        /// Seed, or the generator's own.
        seed: Option<u32>,
        /// Noise, or the generator's own.
        noise: Option<f64>,
    },
    /// Read from a CSV file.
    File {
        /// The file.
        path: PathBuf,
        /// The target column: a name or a number from 1; the last if none.
        label: Option<String>,
    },
}

impl DataSource {
    /// Loads the data; `target` says how to read a file's target column, `classes` which classes a trained model
    /// knows, `features` which features it needs.
    ///
    /// # Errors
    /// Those of [`generate`] and [`read_csv`].
    pub fn load(
        &self,
        target: TargetKind,
        classes: Option<&[String]>,
        features: Option<&[String]>,
    ) -> Result<Dataset> {
        match self {
            Self::Generated { name, m, seed, noise } => {
                let options = GeneratorOptions { m: *m, seed: *seed, noise: *noise };
                generate(Generator::from_str(name)?, &options)
            }
            Self::File { path, label } => {
                let options = CsvOptions {
                    label: Label::from_option(label.as_deref()),
                    target,
                    classes: classes.map(<[String]>::to_vec),
                    features: features.map(<[String]>::to_vec),
                };
                read_csv(path, &options)
            }
        }
    }

    /// A short name for titles and folders: the generator's name or the file's stem.
    pub fn short_name(&self) -> String {
        match self {
            Self::Generated { name, .. } => name.clone(),
            Self::File { path, .. } => {
                path.file_stem().map_or_else(|| "data".into(), |stem| stem.to_string_lossy().into_owned())
            }
        }
    }
}

/// Refuses what a file cannot take: only generators have a size, a seed and noise.
///
/// # Errors
/// [`Error::InvalidArgument`] naming the setting.
pub fn refuse_for_file(what: &'static str, value: Option<impl ToString>) -> Result<()> {
    match value {
        Some(value) => Err(Error::invalid(what, value, "it applies to generated data sets, not to a file")),
        None => Ok(()),
    }
}
