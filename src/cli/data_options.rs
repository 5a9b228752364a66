//! The options that name data and say how it is prepared, and the tables and data sets they lead to.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gpu_nn::data::{
    DataSource, Dataset, FileSource, Generator, GeneratorOptions, Impute, Preparation, Preprocessing,
    RawTable, ReadOptions, Scale, TargetKind, is_standard_input, refuse_for_file,
};
use gpu_nn::{Error, Result};

use super::options::{Output, seed};

/// Which data.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// flower, noisy_circles, noisy_moons, blobs, gaussian_quantiles, no_structure, spiral, xor, or a file: CSV, TSV, NPY, NPZ, IDX (MNIST), Parquet where built in, each with gzip too; `-` is standard input
    #[arg(long, value_name = "NAME|FILE")]
    pub data: Option<String>,
    /// Samples to generate [default: 400, or the data set's own number]
    #[arg(long, value_name = "N", value_parser = samples, allow_negative_numbers = true)]
    pub m: Option<usize>,
    /// Seed of the generator: NumPy's legacy RandomState, so the course's own points [default: 1; blobs 5]
    #[arg(long, value_name = "SEED", value_parser = seed, allow_negative_numbers = true)]
    pub data_seed: Option<u32>,
    /// Standard deviation of the noise [default: the data set's own]
    #[arg(long, value_name = "SD", value_parser = number, allow_negative_numbers = true)]
    pub noise: Option<f64>,
    #[command(flatten)]
    pub columns: ColumnArgs,
}

/// Which columns of a file mean what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data")]
pub struct ColumnArgs {
    /// The file's target column, by header name or number from 1 [default: the last]; in an NPZ file the labels' array
    /// [default: y]
    #[arg(long, value_name = "COLUMN", allow_negative_numbers = true)]
    pub label: Option<String>,
    /// The file of the labels, for IDX images [default: the one beside them] and NPY arrays (IDX or NPY)
    #[arg(long, value_name = "FILE")]
    pub labels_file: Option<PathBuf>,
    /// The file's feature columns, by header names or numbers from 1, separated by commas [default: all but the
    /// target]; in an NPZ file the features' arrays [default: x]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub features: Vec<String>,
    /// Columns to leave out, by header names or numbers from 1, separated by commas
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub drop: Vec<String>,
    /// Columns to take as text even where they look like numbers (postcodes): one feature a category
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub categorical: Vec<String>,
}

impl DataArgs {
    /// A file or a generated data set, with every setting of a generator left alone.
    pub fn of_file(file: String, columns: ColumnArgs) -> Self {
        Self { data: Some(file), m: None, data_seed: None, noise: None, columns }
    }

    /// Whether nothing but a model's own data is asked for.
    pub fn is_own(&self) -> bool {
        self.data.is_none() && self.m.is_none() && self.data_seed.is_none() && self.noise.is_none()
    }

    /// The data asked for; without `--data` that of `default`, but for the settings that were given.
    pub fn source(&self, default: Option<&DataSource>) -> Result<DataSource> {
        match (&self.data, default) {
            (None, None) => self.generated(Generator::Flower, GeneratorOptions::default()),
            (None, Some(DataSource::Generated { name, m, seed, noise })) => {
                let run = GeneratorOptions { m: *m, seed: *seed, noise: *noise };
                self.generated(name.parse()?, run)
            }
            (None, Some(DataSource::File(file))) if is_standard_input(&file.path) => {
                let reason =
                    "the model was trained on standard input, which is gone; name a file with --data";
                Err(Error::invalid("data set", "-", reason))
            }
            (None, Some(DataSource::File(file))) => self.file(file.clone()),
            (Some(name), _) => match name.parse() {
                Ok(generator) => self.generated(generator, GeneratorOptions::default()),
                Err(_) if looks_like_path(name) => self.file(FileSource::new(name)),
                Err(error) => Err(error),
            },
        }
    }

    /// A generated data set with every default filled in, so that a record of it says all.
    fn generated(&self, generator: Generator, run: GeneratorOptions) -> Result<DataSource> {
        self.refuse_for_generated(generator)?;
        Ok(DataSource::Generated {
            name: generator.to_string(),
            m: self.m.or(run.m).or(Some(generator.default_m())),
            seed: self.data_seed.or(run.seed).or(Some(generator.default_seed())),
            noise: self.noise.or(run.noise).or(generator.default_noise()),
        })
    }

    fn file(&self, mut file: FileSource) -> Result<DataSource> {
        refuse_for_file("number of samples", self.m)?;
        refuse_for_file("data seed", self.data_seed)?;
        refuse_for_file("noise", self.noise)?;
        if self.columns.label.is_some() {
            file.label.clone_from(&self.columns.label);
        }
        if self.columns.labels_file.is_some() {
            file.labels_file.clone_from(&self.columns.labels_file);
        }
        let kept = [&mut file.selection.features, &mut file.selection.drop, &mut file.categorical];
        for (kept, given) in
            kept.into_iter().zip([&self.columns.features, &self.columns.drop, &self.columns.categorical])
        {
            if !given.is_empty() {
                kept.clone_from(given);
            }
        }
        Ok(DataSource::File(file))
    }

    /// Refuses settings of a file's columns for data that is generated.
    fn refuse_for_generated(&self, generator: Generator) -> Result<()> {
        let first = |columns: &[String]| columns.first().cloned();
        let given = [
            ("label column", "--label", self.columns.label.clone()),
            (
                "labels file",
                "--labels-file",
                self.columns.labels_file.as_ref().map(|path| path.display().to_string()),
            ),
            ("feature column", "--features", first(&self.columns.features)),
            ("column to drop", "--drop", first(&self.columns.drop)),
            ("column of categories", "--categorical", first(&self.columns.categorical)),
        ];
        for (what, option, value) in given {
            if let Some(value) = value {
                let reason =
                    format!("{generator} is generated and has no columns to name; leave {option} out");
                return Err(Error::invalid(what, value, reason));
            }
        }
        Ok(())
    }
}

/// Whether `--data` would take it.
pub fn is_data(text: &str) -> bool {
    text == "-" || text.parse::<Generator>().is_ok() || (!text.starts_with('-') && looks_like_path(text))
}

/// A file that is there, or a name no generator has: with a folder or an extension.
pub fn looks_like_path(text: &str) -> bool {
    is_standard_input(Path::new(text))
        || Path::new(text).exists()
        || text.contains(['/', '\\'])
        || Path::new(text).extension().is_some()
}

/// What is to be learnt from a file's target column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// regression where the targets are numbers that are not all whole, else classification
    #[default]
    Auto,
    /// each different target is a class
    Classification,
    /// the targets are real numbers
    Regression,
}

/// What becomes of the data before a network sees it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct PrepareArgs {
    /// What is to be learnt from a file's target column
    #[arg(long, value_enum, default_value = "auto")]
    pub task: Task,
    /// What missing numbers of a file (empty cells, NA, NaN, ?) are replaced by: the column's mean or median; missing
    /// texts by the commonest [default: a missing value is an error]
    #[arg(long, value_name = "mean|median")]
    pub impute: Option<Impute>,
    /// How numbers are brought to a common size: standardise ((x - mean) / deviation), minmax ((x - min) / (max -
    /// min)), pixels (x / 255), none. Fitted on the training data, kept in the model, applied by predict and evaluate
    /// [default: standardise for files, pixels for those of bytes, none for generated data]
    #[arg(long, value_name = "HOW")]
    pub scale: Option<Scale>,
}

impl PrepareArgs {
    /// Reads the data of a training; its targets suit the task and the output.
    pub fn read(&self, source: &DataSource, output: Output) -> Result<RawTable> {
        let target = Some(self.target(source, output)?);
        source.read(&ReadOptions { target, ..ReadOptions::default() })
    }

    /// What the targets are that suit the task and the output.
    pub fn target(&self, source: &DataSource, output: Output) -> Result<TargetKind> {
        let target = match (self.task, output) {
            (Task::Regression, Output::Sigmoid | Output::Softmax) => {
                return Err(Error::invalid("task", "regression", "its output is --output identity"));
            }
            (Task::Classification, Output::Identity) => {
                return Err(Error::invalid(
                    "task",
                    "classification",
                    "its output is --output sigmoid or softmax",
                ));
            }
            (Task::Regression, _) | (_, Output::Identity) => TargetKind::Values,
            (Task::Classification, _) | (_, Output::Sigmoid | Output::Softmax) => TargetKind::Classes,
            (Task::Auto, Output::Auto) => TargetKind::Auto,
        };
        if let (DataSource::Generated { name, .. }, Task::Regression) = (source, self.task) {
            let reason = format!("{name} is generated and has classes; leave --task out");
            return Err(Error::invalid("task", "regression", reason));
        }
        Ok(target)
    }

    /// How features are made of a table's columns.
    pub fn preparation(&self, table: &RawTable) -> Preparation {
        let scale = self.scale.unwrap_or(table.usual_scale());
        Preparation { impute: self.impute.unwrap_or_default(), scale }
    }

    /// The data set of a training on all rows, and what made it.
    pub fn dataset(&self, source: &DataSource, output: Output) -> Result<(Dataset, Preprocessing)> {
        let table = self.read(source, output)?;
        let rows = table.rows();
        let preprocessing = Preprocessing::fit(&table, &rows, &self.preparation(&table))?;
        Ok((preprocessing.apply(&table, &rows)?, preprocessing))
    }
}

/// Parses a number.
fn number(text: &str) -> std::result::Result<f64, String> {
    text.parse().map_err(|_| "give a number such as 0.2".into())
}

/// Parses a number of samples; which numbers a data set takes is its own affair.
fn samples(text: &str) -> std::result::Result<usize, String> {
    text.parse().map_err(|_| "give a whole number such as 400".into())
}
