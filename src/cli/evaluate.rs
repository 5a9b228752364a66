//! `gpu-nn evaluate`: accuracy, confusion matrix and cost of a trained network on labelled data.

use std::path::PathBuf;

use gpu_nn::Result;
use gpu_nn::data::Dataset;
use gpu_nn::model::Model;
use gpu_nn::training::{Backend, Metric, Metrics, confusion_matrix};
use serde_json::json;

use super::console::{self, thousands};
use super::data_options::DataArgs;
use super::fit::describe;
use super::options::BackendArgs;
use super::record::{DeviceRecord, by_name};

/// Accuracy, confusion matrix and cost of a trained network, on its training data or on other labelled data.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of a run, or a model.safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print one JSON object
    #[arg(long, help_heading = "Results")]
    json: bool,
}

/// What a model is worth on a data set.
struct Evaluation {
    cost: f64,
    metrics: Metrics,
    confusion: Option<Vec<Vec<usize>>>,
}

pub async fn run(args: Args) -> Result<()> {
    let model = Model::load(&args.model)?;
    let source = args.data.source(model.data.as_ref())?;
    let dataset = model.dataset(&source)?;
    let (backend, why) = args.backend.open().await?;
    let evaluation = evaluate(&backend, &model, &dataset).await?;
    if args.json {
        return console::print_json(&json!({
            "device": DeviceRecord::new(&backend, None),
            "data": dataset.name,
            "m": dataset.m,
            "cost": evaluation.cost,
            "n_correct": evaluation.metrics.score.map(|score| score.n_correct),
            "accuracy_percent": evaluation.metrics.score.map(|score| score.accuracy_percent()),
            "metrics": by_name(&evaluation.metrics),
            "classes": model.class_names,
            "confusion_matrix": evaluation.confusion,
        }));
    }
    console::print(&text(&model, &dataset, &why, &evaluation))
}

async fn evaluate(backend: &Backend, model: &Model, dataset: &Dataset) -> Result<Evaluation> {
    let cost = backend.cost(&model.network, &model.parameters, dataset).await?;
    let a = backend.predict(&model.network, &model.parameters, &dataset.x, dataset.m).await?;
    let loss = model.network.loss();
    Ok(Evaluation {
        cost,
        metrics: Metrics::new(loss, &a, dataset),
        confusion: confusion_matrix(loss, &a, dataset),
    })
}

fn text(model: &Model, dataset: &Dataset, why: &str, evaluation: &Evaluation) -> String {
    let mut text = format!(
        "network   {}\ndata      {}: {} samples\nbackend   {why}\ncost      {:.6}\n",
        model.network,
        dataset.name,
        thousands(dataset.m),
        evaluation.cost
    );
    if let Some(accuracy) = describe(evaluation.metrics.score) {
        text += &format!("accuracy  {accuracy}\n");
    }
    for (metric, value) in evaluation.metrics.values() {
        if !matches!(metric, Metric::Cost | Metric::Accuracy) {
            text += &format!("{:<17} {value:.4}\n", metric.name());
        }
    }
    if let Some(matrix) = &evaluation.confusion {
        text += &confusion_table(&model.class_names, matrix);
    }
    text
}

/// Truth down, prediction across, in columns wide enough for names and counts.
fn confusion_table(classes: &[String], matrix: &[Vec<usize>]) -> String {
    const CORNER: &str = "truth \\ predicted";
    let counts = matrix.iter().flatten().map(|&count| thousands(count).len());
    let width = classes.iter().map(|name| name.chars().count()).chain(counts).max().unwrap_or(0) + 2;
    let names = classes.iter().map(|name| name.chars().count()).chain([CORNER.len()]).max().unwrap_or(0);
    let mut text = format!("\n{CORNER:<names$}");
    for name in classes {
        text += &format!("{name:>width$}");
    }
    for (name, row) in classes.iter().zip(matrix) {
        text += &format!("\n{name:<names$}");
        for &count in row {
            text += &format!("{:>width$}", thousands(count));
        }
    }
    text + "\n"
}
