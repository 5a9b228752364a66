//! What commands that use a trained network share: the model, the data it is asked about, `--part` of it, the backend.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use gpu_nn::Result;
use gpu_nn::data::{DataSource, Dataset, Features, Part, StreamedPart};
use gpu_nn::model::Model;

use super::data_options::DataArgs;
use super::options::BackendArgs;
use super::stream_options::{StreamArgs, check_backend};

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
    stream: StreamArgs,
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Samples and where they are.
pub enum Samples {
    /// All in memory, x (n_0, m).
    Whole(Features),
    /// In their file.
    Streamed(Arc<StreamedPart>),
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

    /// The data that a part is in.
    fn source_of(&self, model: &Model, part: Part) -> Result<DataSource> {
        model.source_of(part, self.data.source(model.data.as_ref())?)
    }

    /// A part of labelled data, and its features where they stay in their file; the user reads `lines` or none.
    pub fn labelled(
        &self,
        model: &Model,
        part: Part,
        lines: bool,
    ) -> Result<(Dataset, Option<Arc<StreamedPart>>)> {
        let source = self.source_of(model, part)?;
        let Some(file) = self.stream.file(&source, lines)? else {
            return Ok((model.part(&source, part)?, None));
        };
        check_backend(self.backend.backend)?;
        let (samples, dataset) = self.stream.looked_through(
            lines,
            |folder, on_progress| model.streamed_part(file, part, folder, on_progress),
            |(samples, _)| samples.table().table(),
        )?;
        Ok((dataset, Some(Arc::new(samples))))
    }

    /// A part of data, with labels only where they say which samples belong to the part.
    pub fn unlabelled(&self, model: &Model, part: Part, lines: bool) -> Result<Samples> {
        if part != Part::All {
            return Ok(match self.labelled(model, part, lines)? {
                (Dataset { x, n_features, m, .. }, None) => Samples::Whole(Features { x, n_features, m }),
                (_, Some(samples)) => Samples::Streamed(samples),
            });
        }
        let source = self.source_of(model, part)?;
        let Some(file) = self.stream.file(&source, lines)? else {
            return model.features(&source).map(Samples::Whole);
        };
        check_backend(self.backend.backend)?;
        let samples = self.stream.looked_through(
            lines,
            |folder, on_progress| model.streamed_features(file, folder, on_progress),
            |samples| samples.table().table(),
        )?;
        Ok(Samples::Streamed(Arc::new(samples)))
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
