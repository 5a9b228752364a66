//! `gpu-nn evaluate`: accuracy, confusion matrix and cost of a trained network on labelled data.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gpu_nn::data::{Dataset, StreamedPart};
use gpu_nn::model::{Durability, Model, replace};
use gpu_nn::network::Network;
use gpu_nn::training::{Backend, Metric, Metrics, confusion_matrix};
use gpu_nn::{Error, Result};
use serde_json::json;

use super::console::{self, Reading, thousands};
use super::fit::describe;
use super::judged;
use super::model_options::{ModelArgs, described};
use super::record::{DeviceRecord, by_name};

/// Accuracy, confusion matrix and cost of a trained network on labelled data: what its training held out for the test, else for
/// validation, else all of its data; or other data.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    asked: ModelArgs,
    /// Print one JSON object
    #[arg(long, help_heading = "Results")]
    json: bool,
    /// Draw roc.png (a curve a class), calibration.png (probabilities beside what came true) and confusion.png into a folder
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    plots: Option<PathBuf>,
}

/// What a model is worth on a data set.
struct Evaluation {
    /// The network's output, (n_L, m).
    output: Vec<f64>,
    cost: f64,
    metrics: Metrics,
    confusion: Option<Vec<Vec<usize>>>,
}

pub async fn run(args: Args) -> Result<()> {
    let model = Model::load(&args.asked.model)?;
    if args.plots.is_some() {
        judged::check_drawable(&model.network)?;
    }
    let part = args.asked.part(model.judging_part());
    let (dataset, samples) = args.asked.labelled(&model, part, !args.json)?;
    let (backend, why) = args.asked.backend.open().await?;
    let evaluation = match samples {
        None => evaluate(&backend, &model, &dataset).await?,
        Some(samples) => evaluate_streamed(&backend, &model, &dataset, samples, !args.json).await?,
    };
    if let Some(folder) = &args.plots {
        draw(&model, &dataset, &evaluation, folder)?;
    }
    if args.json {
        return console::print_json(&json!({
            "device": DeviceRecord::new(&backend, None),
            "data": dataset.name,
            "part": part.to_string(),
            "m": dataset.m,
            "cost": evaluation.cost,
            "n_correct": evaluation.metrics.score.map(|score| score.n_correct),
            "accuracy_percent": evaluation.metrics.score.map(|score| score.accuracy_percent()),
            "metrics": by_name(&evaluation.metrics),
            "classes": model.class_names,
            "confusion_matrix": evaluation.confusion,
        }));
    }
    let samples = format!("{} samples{}", thousands(dataset.m), described(part));
    console::print(&text(&model, &dataset.name, &samples, &why, &evaluation, args.plots.as_deref()))
}

async fn evaluate(backend: &Backend, model: &Model, dataset: &Dataset) -> Result<Evaluation> {
    let cost = backend.cost(&model.network, &model.parameters, dataset).await?;
    let a = backend.predict(&model.network, &model.parameters, &dataset.x, dataset.m).await?;
    Ok(Evaluation::new(&model.network, cost, a, dataset))
}

/// The same of samples in their file; the outputs are in memory, as the targets are.
async fn evaluate_streamed(
    backend: &Backend,
    model: &Model,
    dataset: &Dataset,
    samples: Arc<StreamedPart>,
    lines: bool,
) -> Result<Evaluation> {
    let Model { network, parameters, .. } = model;
    let (m, reading) = (dataset.m, Reading::new(lines, "rows judged"));
    let mut on_samples = |done| reading.rows(done as u64, m as u64);
    let output = backend.outputs_streamed(network, parameters, &*samples, m, &mut on_samples).await;
    reading.finish();
    let output = output?;
    let cost = backend.cost_streamed(network, parameters, samples, dataset).await?;
    Ok(Evaluation::new(network, cost, output, dataset))
}

impl Evaluation {
    fn new(network: &Network, cost: f64, output: Vec<f64>, dataset: &Dataset) -> Self {
        let loss = network.loss();
        let metrics = Metrics::new(loss, &output, dataset);
        let confusion = confusion_matrix(loss, &output, dataset);
        Self { output, cost, metrics, confusion }
    }
}

/// The pictures, in the place of earlier ones.
fn draw(model: &Model, dataset: &Dataset, evaluation: &Evaluation, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.into(), source })?;
    for (name, bytes) in judged::draw(&model.network, &evaluation.output, dataset, "evaluated")? {
        replace(&folder.join(name), &bytes, Durability::Process)?;
    }
    Ok(())
}

fn text(
    model: &Model,
    data: &str,
    samples: &str,
    why: &str,
    evaluation: &Evaluation,
    plots: Option<&Path>,
) -> String {
    let mut text = format!(
        "network   {}\ndata      {data}: {samples}\nbackend   {why}\ncost      {:.6}\n",
        model.network, evaluation.cost
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
    if let Some(folder) = plots {
        text += &format!("\npictures  {}\n", folder.display());
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
