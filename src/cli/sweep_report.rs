//! What a sweep tells: the ranking on the terminal, sweep.csv, and the object of `--json`.

use std::fmt::{Display, Write as _};

use gpu_nn::data::Dataset;
use gpu_nn::training::{Backend, Trained};
use gpu_nn::{Error, Result};
use serde_json::{Value, json};

use super::console::Console;
use super::fit::describe;
use super::record::{DeviceRecord, reported};
use super::run_folder::RunFolder;
use super::steps::Steps;
use super::sweep::{Args, Entry, Row};

/// Rows printed at most; the file has them all.
const MAX_ROWS: usize = 20;

/// The rows, the best first.
pub fn ranking(rows: &[Row]) -> Vec<&Row> {
    let mut ranking: Vec<&Row> = rows.iter().collect();
    ranking.sort_by_key(|row| row.rank);
    ranking
}

pub fn print_table(args: &Args, rows: &[Row], console: &Console) -> Result<()> {
    let ranking = ranking(rows);
    let widths = |name: &str| if name == "init" { 12 } else { 7 };
    let mut head = String::from(" ");
    for (name, _) in args.traits(&ranking[0].entry) {
        // Writing to a String cannot fail.
        let _ = write!(head, " {name:>width$}", width = widths(name));
    }
    console.line(&format!("{head}  cost      accuracy"))?;
    for row in ranking.iter().take(MAX_ROWS) {
        let mut line = String::from(" ");
        for (name, value) in args.traits(&row.entry) {
            let _ = write!(line, " {value:>width$}", width = widths(name));
        }
        let result = match &row.outcome {
            Ok(trained) => {
                let accuracy = describe(row.score).unwrap_or_else(|| "-".into());
                format!("{:.6}  {accuracy}", trained.cost_after_last)
            }
            Err(Error::Diverged { iteration, .. }) => format!("diverged at iteration {iteration}"),
            Err(error) => error.to_string(),
        };
        console.line(&format!("{line}  {result}"))?;
    }
    match ranking.len().checked_sub(MAX_ROWS) {
        Some(more) if more > 0 => console.line(&format!("  ... and {more} more in sweep.csv")),
        _ => Ok(()),
    }
}

pub fn csv(rows: &[Row]) -> String {
    let mut text = String::from(
        "hidden,network,learning_rate,init,init_seed,rank,cost_after_last,n_correct,accuracy_percent,diverged_at\n",
    );
    for Row { entry, outcome, score, rank } in rows {
        let n_correct = field(score.map(|score| score.n_correct));
        let accuracy = field(score.map(|score| score.accuracy_percent()));
        let cost = field(outcome.as_ref().ok().map(|trained| trained.cost_after_last));
        let diverged = field(diverged_at(outcome));
        let Entry { hidden, network, learning_rate, init, seed, .. } = entry;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{hidden},{network},{learning_rate},{init},{seed},{rank},{cost},{n_correct},{accuracy},{diverged}"
        );
    }
    text
}

/// A value, or an empty field.
fn field(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn diverged_at(outcome: &Result<Trained>) -> Option<usize> {
    match outcome {
        Err(Error::Diverged { iteration, .. }) => Some(*iteration),
        _ => None,
    }
}

pub fn report(
    steps: &Steps,
    dataset: &Dataset,
    backend: &Backend,
    rows: &[Row],
    folder: &RunFolder,
) -> Value {
    let runs = rows.iter().map(|Row { entry, outcome, score, rank }| {
        let trained = outcome.as_ref().ok();
        json!({
            "hidden": entry.hidden,
            "network": entry.network.to_string(),
            "learning_rate": entry.learning_rate,
            "init": entry.init.to_string(),
            "init_seed": entry.seed,
            "rank": rank,
            "costs": trained.map(|trained| reported(&trained.costs, steps.report_every)),
            "cost_after_last": trained.map(|trained| trained.cost_after_last),
            "diverged_at": diverged_at(outcome),
            "n_correct": score.map(|score| score.n_correct),
            "accuracy_percent": score.map(|score| score.accuracy_percent()),
        })
    });
    json!({
        "device": DeviceRecord::new(backend, None),
        "data": dataset.name,
        "m": dataset.m,
        "iterations": steps.iterations,
        "optimizer": steps.descent.optimizer.to_string(),
        "batch_size": steps.batches.size,
        "runs": runs.collect::<Vec<_>>(),
        "out": folder.path().display().to_string(),
    })
}
