//! `gpu-nn predict`: a trained network's answer for every sample, as CSV.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use gpu_nn::data::{Features, Part};
use gpu_nn::model::{Durability, Model, Replacement};
use gpu_nn::network::Loss;
use gpu_nn::{Error, Result};

use super::console::{self, Reading};
use super::interrupt::Interrupt;
use super::model_options::{ModelArgs, Samples};

/// Print a trained network's answer for every sample as CSV: the class and its probabilities, or the value.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    asked: ModelArgs,
    /// Write the answers to a file, not to standard output
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    out: Option<PathBuf>,
}

pub async fn run(args: Args) -> Result<()> {
    console::unless_gone(answer(args).await)
}

async fn answer(args: Args) -> Result<()> {
    let model = Model::load(&args.asked.model)?;
    // Standard output is for answers where they go there.
    let lines = args.out.is_some();
    let samples = args.asked.unlabelled(&model, args.asked.part(Part::All), lines)?;
    let (backend, _) = args.asked.backend.open().await?;
    let (network, parameters) = (&model.network, &model.parameters);
    // An unfinished file is taken away again.
    let interrupt = args.out.is_some().then(Interrupt::listen).transpose()?;
    let check = |done, all| match &interrupt {
        Some(interrupt) if interrupt.token().is_cancelled() => Err(interrupted(done, all)),
        _ => Ok(()),
    };
    let mut sink = Sink::new(args.out.as_deref())?;
    sink.write(&header(&model))?;
    match samples {
        Samples::Whole(Features { x, m, .. }) => {
            let a = backend.predict(network, parameters, &x, m).await?;
            check(0, m)?;
            sink.write(&table(&model, &a, m))?;
        }
        Samples::Streamed(samples) => {
            let (m, reading) = (samples.m(), Reading::new(lines, "rows answered"));
            let mut take = |block: Range<usize>, a: &[f64]| {
                sink.write(&table(&model, a, block.len()))?;
                reading.rows(block.end as u64, m as u64);
                check(block.end, m)
            };
            let done = backend.predict_streamed(network, parameters, &*samples, m, &mut take).await;
            reading.finish();
            done?;
        }
    }
    sink.finish()
}

fn interrupted(done: usize, all: usize) -> Error {
    let next = "no file was written; start again".to_owned();
    Error::Cancelled { what: "answers", done, all, next }
}

/// Where answers go.
enum Sink {
    Output,
    File(Replacement),
}

impl Sink {
    fn new(out: Option<&Path>) -> Result<Self> {
        out.map_or(Ok(Self::Output), |path| Replacement::begin(path).map(Self::File))
    }

    fn write(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Output => console::try_print(text),
            Self::File(file) => file.write(text.as_bytes()),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Output => Ok(()),
            Self::File(file) => file.finish(Durability::Process),
        }
    }
}

/// The names of the columns.
fn header(model: &Model) -> String {
    let network = &model.network;
    let classes = &model.class_names;
    match network.loss() {
        loss if loss.predicts_values() && network.n_outputs() == 1 => "value\n".to_owned(),
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {
            let names: Vec<_> = (1..=network.n_outputs()).map(|i| format!("value_{i}")).collect();
            names.join(",") + "\n"
        }
        Loss::BinaryCrossEntropy => format!("class,{}\n", quoted(&format!("probability of {}", classes[1]))),
        Loss::SoftmaxCrossEntropy => {
            let names: Vec<_> =
                classes.iter().map(|name| quoted(&format!("probability of {name}"))).collect();
            format!("class,{}\n", names.join(","))
        }
    }
}

/// One line a sample; a (n_L, m).
fn table(model: &Model, a: &[f64], m: usize) -> String {
    let (loss, classes) = (model.network.loss(), &model.class_names);
    let mut text = String::new();
    for j in 0..m {
        let column = || a.iter().skip(j).step_by(m).copied();
        let values: Vec<_> = column().map(|value| value.to_string()).collect();
        let class = loss.class_of(column()).map(|class| quoted(&classes[class as usize]));
        // Writing to a String cannot fail.
        let _ = match class {
            Some(class) => writeln!(text, "{class},{}", values.join(",")),
            None => writeln!(text, "{}", values.join(",")),
        };
    }
    text
}

/// A CSV field, in quotes where it needs them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.into()
    }
}
