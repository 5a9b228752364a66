//! `gpu-nn predict`: a trained network's answer for every sample, as CSV.

use std::fmt::Write as _;
use std::path::PathBuf;

use gpu_nn::Result;
use gpu_nn::data::{Dataset, Features, Part};
use gpu_nn::model::{Durability, Model, replace};
use gpu_nn::network::Loss;

use super::console;
use super::model_options::ModelArgs;

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
    let model = Model::load(&args.asked.model)?;
    let source = args.asked.data.source(model.data.as_ref())?;
    let (x, m) = match args.asked.part(Part::All) {
        // Answers need no targets, and where there are none the data has none.
        Part::All => {
            let Features { x, m, .. } = model.features(&source)?;
            (x, m)
        }
        part => {
            let Dataset { x, m, .. } = model.part(&source, part)?;
            (x, m)
        }
    };
    let (backend, _) = args.asked.backend.open().await?;
    let a = backend.predict(&model.network, &model.parameters, &x, m).await?;
    let text = table(&model, &a, m);
    match args.out {
        Some(path) => replace(&path, text.as_bytes(), Durability::Process),
        None => console::print(&text),
    }
}

/// One line a sample; a (n_L, m).
fn table(model: &Model, a: &[f64], m: usize) -> String {
    let network = &model.network;
    let classes = &model.class_names;
    let mut text = match network.loss() {
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
    };
    for j in 0..m {
        let column = || a.iter().skip(j).step_by(m).copied();
        let values: Vec<_> = column().map(|value| value.to_string()).collect();
        let class = network.loss().class_of(column()).map(|class| quoted(&classes[class as usize]));
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
