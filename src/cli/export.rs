//! `gpu-nn export`: a trained network in the format of another program.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use gpu_nn::export::{OPSET, to_c, to_npz, to_onnx};
use gpu_nn::model::{Durability, Model, replace};
use gpu_nn::{Error, Result};

use super::console;

/// Write a trained network for other programs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "onnx: input `features` (batch, features) in single precision; outputs `label` (class names) and \
    `probabilities` (batch, classes), or `values` for regression. Scaling and missing \
    numbers (NaN) are inside; a column of texts goes in as one of 0 and 1 a category. Opset 13.\n\
    c: FILE.c and FILE.h, C99 without dependencies, every number exact; the same features.\n\
    npz: W1, b1, W2, ... for numpy.load, with activations, output and names; `gpu-nn import` reads it back."
)]
pub struct Args {
    /// The folder of a run, or a model.safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// The format [default: by the ending of FILE]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The file to write; for C both FILE.c and FILE.h
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A format to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Open Neural Network Exchange: onnxruntime and most inference engines
    Onnx,
    /// C99, a source and a header
    C,
    /// NumPy's archive of arrays
    Npz,
}

pub fn run(args: Args) -> Result<()> {
    let format = args.format.map_or_else(|| by_ending(&args.out), Ok)?;
    let model = Model::load(&args.model)?;
    let about = match format {
        Format::Onnx => {
            replace(&args.out, &to_onnx(&model)?, Durability::Process)?;
            let outputs = match model.network.loss() {
                loss if loss.predicts_values() => "values",
                _ => "label, probabilities",
            };
            format!("ONNX opset {OPSET}, input features, output {outputs}")
        }
        Format::C => {
            let (source, header) = (args.out.with_extension("c"), args.out.with_extension("h"));
            let stem = args.out.file_stem().unwrap_or_default().to_string_lossy();
            let c = to_c(&model, &stem)?;
            replace(&source, c.source.as_bytes(), Durability::Process)?;
            replace(&header, c.header.as_bytes(), Durability::Process)?;
            format!("C99 with {}, function {}_predict", header.display(), c.name)
        }
        Format::Npz => {
            replace(&args.out, &to_npz(&model)?, Durability::Process)?;
            "NumPy archive".to_owned()
        }
    };
    let out = if format == Format::C { args.out.with_extension("c") } else { args.out };
    console::print(&format!("{}: {about}\n", out.display()))
}

fn by_ending(out: &Path) -> Result<Format> {
    let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Format::from_str(ending, true).map_err(|_| {
        Error::invalid("output file", out.display(), "end it in .onnx, .c or .npz, or choose with --format")
    })
}
