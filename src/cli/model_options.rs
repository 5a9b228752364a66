//! What commands that use a trained network share: the model, the data it is asked about, `--part` of it, the backend.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gpu_nn::data::Part;

use super::data_options::DataArgs;
use super::options::BackendArgs;

/// A part, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// every sample
    All,
    /// those that were learnt from
    Train,
    /// those that watched the training
    Validation,
    /// those that were held out for the end
    Test,
}

/// A trained network and what it is asked about.
#[derive(Clone, Debug, Args)]
pub struct ModelArgs {
    /// The folder of a run, or a model.safetensors file
    #[arg(value_name = "RUN|MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: DataArgs,
    /// The samples of the training's own data to take: all of them, or what `train` held out or kept
    #[arg(long, value_name = "PART", value_enum, help_heading = "Data")]
    part: Option<Choice>,
    #[command(flatten)]
    pub backend: BackendArgs,
}

impl ModelArgs {
    /// The part asked for, or `usual` of the training's own data and all of any other.
    pub fn part(&self, usual: Part) -> Part {
        match self.part {
            Some(Choice::All) => Part::All,
            Some(Choice::Train) => Part::Training,
            Some(Choice::Validation) => Part::Validation,
            Some(Choice::Test) => Part::Test,
            None if self.data.is_own() => usual,
            None => Part::All,
        }
    }
}

/// A part in the middle of a sentence; nothing where it is all.
pub fn described(part: Part) -> &'static str {
    match part {
        Part::All => "",
        Part::Training => " that were learnt from",
        Part::Validation => " held out for validation",
        Part::Test => " held out for the test",
    }
}
