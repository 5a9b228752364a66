//! What a run leaves on record: the JSON object, run.toml and history.csv.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gpu_nn::data::DataSource;
use gpu_nn::network::Parameters;
use gpu_nn::schedule::RateSchedule;
use gpu_nn::training::{Backend, Look, Metrics, Score, Stopped};
use serde::Serialize;

/// How long things took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Seconds {
    /// From the start of the process to the first iteration.
    pub setup: f64,
    /// From the first iteration to the cost of the last parameters.
    pub train: f64,
}

/// The object that `train --json` prints.
#[derive(Debug, Serialize)]
pub struct TrainReport {
    pub backend: String,
    pub adapter: Option<String>,
    pub driver: Option<String>,
    pub lowering: Option<&'static str>,
    pub data: String,
    pub network: String,
    pub loss: String,
    pub n_parameters: usize,
    pub m: usize,
    pub iterations: usize,
    pub optimizer: String,
    pub learning_rate: f64,
    pub batch_size: usize,
    pub iterations_done: usize,
    /// Iterations after which the network was as it was saved.
    pub iteration: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<LookReport>,
    /// Metrics of the test data by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<BTreeMap<&'static str, f64>>,
    /// The cost of the parameters before that iteration's update.
    pub costs: BTreeMap<usize, f64>,
    pub cost_after_last: f64,
    pub n_correct: Option<usize>,
    pub accuracy_percent: Option<f64>,
    pub seconds: Seconds,
    pub out: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, Vec<Vec<f64>>>>,
}

/// What a look at the training saw.
#[derive(Debug, Serialize)]
pub struct LookReport {
    pub iteration: usize,
    pub cost: f64,
    /// Metrics of the validation data by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<BTreeMap<&'static str, f64>>,
}

impl LookReport {
    pub fn new(look: &Look) -> Self {
        let validation = look.validation.as_ref().map(by_name);
        Self { iteration: look.iteration, cost: look.training_cost, validation }
    }
}

/// Metrics by their names.
pub fn by_name(metrics: &Metrics) -> BTreeMap<&'static str, f64> {
    metrics.values().iter().map(|(metric, value)| (metric.name(), *value)).collect()
}

/// Why a training ended early, in a word.
pub fn stopped_name(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::NoImprovement { .. } => "no_improvement",
        Stopped::OutOfTime => "out_of_time",
        Stopped::Converged => "converged",
        Stopped::Cancelled => "cancelled",
    }
}

/// The looks at a training as CSV: the mean cost since the last one, and the metrics of the validation data.
pub fn looks_csv(looks: &[Look]) -> String {
    let mut text = String::from("iteration,cost");
    let names = looks.iter().find_map(|look| look.validation.as_ref()).map(Metrics::values);
    for (metric, _) in names.unwrap_or_default() {
        let _ = write!(text, ",validation_{metric}");
    }
    for look in looks {
        let _ = write!(text, "\n{},{}", look.iteration, look.training_cost);
        for (_, value) in look.validation.as_ref().map(Metrics::values).unwrap_or_default() {
            let _ = write!(text, ",{value}");
        }
    }
    text + "\n"
}

/// Every `report_every`-th cost.
pub fn reported(costs: &[f64], report_every: usize) -> BTreeMap<usize, f64> {
    costs.iter().copied().enumerate().step_by(report_every).collect()
}

/// Each parameter matrix as a list of rows.
pub fn matrices(parameters: &Parameters) -> BTreeMap<String, Vec<Vec<f64>>> {
    let rows = |view| parameters.view(view).chunks(view.cols).map(<[f64]>::to_vec).collect();
    parameters.arena().views().iter().map(|view| (view.name.clone(), rows(view))).collect()
}

/// The cost of every iteration as CSV.
pub fn history_csv(costs: &[f64], cost_after_last: f64) -> String {
    let mut text = String::from("iteration,cost\n");
    for (iteration, cost) in costs.iter().chain([&cost_after_last]).enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{iteration},{cost}");
    }
    text
}

/// Everything needed to repeat a run, and what came out of it.
#[derive(Debug, Serialize)]
pub struct RunRecord {
    pub gpu_nn: &'static str,
    pub command: String,
    pub settings: Settings,
    pub data: DataSource,
    pub device: DeviceRecord,
    pub result: ResultRecord,
}

/// The command line of this process, to be typed into a POSIX shell again.
pub fn command_line() -> String {
    std::env::args().map(|argument| shell_word(&argument)).collect::<Vec<_>>().join(" ")
}

/// An argument as a shell reads it back: in single quotes unless every character stands for itself.
pub fn shell_word(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

/// The settings, with all defaults filled in.
#[derive(Debug, Serialize)]
pub struct Settings {
    pub network: String,
    pub loss: String,
    pub init: String,
    pub init_seed: u32,
    pub iterations: usize,
    pub optimizer: String,
    pub learning_rate: f64,
    pub l1: f64,
    pub l2: f64,
    pub label_smoothing: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    pub dropout: f64,
    /// Absent without dropout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout_seed: Option<u32>,
    pub batch_size: usize,
    /// Absent where the samples keep their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffle_seed: Option<u32>,
    pub report_every: usize,
    pub rates: RateSchedule,
}

/// Where it was computed.
#[derive(Debug, Serialize)]
pub struct DeviceRecord {
    pub backend: String,
    pub adapter: Option<String>,
    pub driver: Option<String>,
    /// How the schedule was run; absent where nothing was trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowering: Option<&'static str>,
}

impl DeviceRecord {
    pub fn new(backend: &Backend, lowering: Option<&'static str>) -> Self {
        Self {
            backend: backend.name().to_owned(),
            adapter: backend.adapter().map(str::to_owned),
            driver: backend.driver().map(str::to_owned),
            lowering,
        }
    }
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct ResultRecord {
    pub cost_after_last: f64,
    pub n_correct: Option<usize>,
    pub accuracy_percent: Option<f64>,
    pub seconds: Seconds,
}

impl ResultRecord {
    pub fn new(cost_after_last: f64, score: Option<Score>, seconds: Seconds) -> Self {
        Self {
            cost_after_last,
            n_correct: score.map(|score| score.n_correct),
            accuracy_percent: score.map(Score::accuracy_percent),
            seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(shell_word("--learning-rate=1.2"), "--learning-rate=1.2");
        assert_eq!(shell_word("leaky_relu(0.1)"), "'leaky_relu(0.1)'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
