//! What predictions are worth: scores of classes and of values, by their usual names and definitions (scikit-learn's).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::curves::{class_scores, roc_curve};
use super::score::{Score, confusion_matrix};
use crate::cpu_reference::residual_cost;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::Loss;

/// A number to judge a network by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// What is trained for: mean cross-entropy (log loss), half the mean squared error, or the mean of the absolute or Huber's.
    #[default]
    Cost,
    /// The mean of -ln of the probability of the right class; the cost of cross-entropy.
    LogLoss,
    /// The share of right answers.
    Accuracy,
    /// The mean over the classes of the share of their samples that are found (recall).
    BalancedAccuracy,
    /// The share of right answers among those for class 1; of more classes, the mean over them. A class that is never the
    /// answer has 0.
    Precision,
    /// The share of class 1 that is found; of more classes, the mean over them.
    Recall,
    /// The mean over the classes of the harmonic mean of precision and recall.
    F1,
    /// The area under the receiver operating characteristic, for 2 classes.
    RocAuc,
    /// 1 - squared errors / squared deviations from the mean.
    R2,
    /// The mean absolute error.
    Mae,
    /// The root of the mean squared error.
    Rmse,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Cost,
        Self::LogLoss,
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::RocAuc,
        Self::R2,
        Self::Mae,
        Self::Rmse,
    ];

    /// The name, as typed and reported.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::LogLoss => "log_loss",
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::RocAuc => "roc_auc",
            Self::R2 => "r2",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
        }
    }

    /// Whether more of it is better.
    pub fn more_is_better(self) -> bool {
        !matches!(self, Self::Cost | Self::LogLoss | Self::Mae | Self::Rmse)
    }

    /// Whether `new` is better than `old`; a NaN is not.
    pub fn improves(self, new: f64, old: f64) -> bool {
        if self.more_is_better() { new > old } else { new < old }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("metric", text, format!("use one of {names}"))
        })
    }
}

/// The metrics of one network on one data set, in the order of [`Metric::ALL`]; those that do not apply are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    values: Vec<(Metric, f64)>,
    /// Right answers, for classes.
    pub score: Option<Score>,
}

impl Metrics {
    /// Compares the network's output a (n_L, m) with the targets of a data set.
    pub fn new(loss: Loss, a: &[f64], dataset: &Dataset) -> Self {
        let mut values = vec![(Metric::Cost, cost(loss, a, dataset))];
        let score = Score::new(loss, a, dataset);
        match confusion_matrix(loss, a, dataset) {
            Some(matrix) => {
                let share = score.map_or(f64::NAN, |score| score.n_correct as f64 / score.m as f64);
                values.extend(log_loss(loss, a, dataset).map(|mean| (Metric::LogLoss, mean)));
                values.extend([
                    (Metric::Accuracy, share),
                    (Metric::BalancedAccuracy, mean_over_classes(&matrix, recall)),
                    (Metric::Precision, of_class_1_or_mean(&matrix, precision)),
                    (Metric::Recall, of_class_1_or_mean(&matrix, recall)),
                    (Metric::F1, mean_over_classes(&matrix, f1)),
                ]);
                values.extend(roc_auc(loss, a, dataset).map(|area| (Metric::RocAuc, area)));
            }
            None => values.extend(regression(a, &dataset.y())),
        }
        Self { values, score }
    }

    /// The value of a metric, if it applies.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.values.iter().find(|(own, _)| *own == metric).map(|(_, value)| *value)
    }

    /// Right answers in percent, for classes.
    pub fn accuracy_percent(&self) -> Option<f64> {
        self.score.map(Score::accuracy_percent)
    }

    /// All that apply, with their values.
    pub fn values(&self) -> &[(Metric, f64)] {
        &self.values
    }
}

/// The smallest probability whose logarithm counts.
const SMALLEST: f64 = f64::EPSILON;

/// The mean loss, from outputs; those of 0 and 1 count as the nearest numbers to them.
fn cost(loss: Loss, a: &[f64], dataset: &Dataset) -> f64 {
    let (y, m) = (dataset.y(), dataset.m);
    let ln = |p: f64| p.max(SMALLEST).ln();
    let total: f64 = match loss {
        Loss::BinaryCrossEntropy => {
            a.iter().zip(&y).map(|(&a, &y)| -(y * ln(a) + (1.0 - y) * ln(1.0 - a))).sum()
        }
        Loss::SoftmaxCrossEntropy => y.iter().enumerate().map(|(j, &y)| -ln(a[y as usize * m + j])).sum(),
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {
            a.iter().zip(&y).map(|(a, y)| residual_cost(loss, a - y)).sum()
        }
    };
    total / m as f64
}

/// The mean of -ln of the probability of the right class; probabilities of 0 and 1 count as the nearest numbers to them.
fn log_loss(loss: Loss, a: &[f64], dataset: &Dataset) -> Option<f64> {
    let (labels, m) = (dataset.labels()?, dataset.m);
    let right = |(j, &label): (usize, &u32)| match loss.output_name() {
        "sigmoid" if label == 1 => Some(a[j]),
        "sigmoid" => Some(1.0 - a[j]),
        "softmax" => Some(a[label as usize * m + j]),
        _ => None,
    };
    let logarithms = labels.iter().enumerate().map(|sample| Some(-right(sample)?.max(SMALLEST).ln()));
    Some(logarithms.sum::<Option<f64>>()? / m as f64)
}

/// Counts of one class: found, all of it, all that were taken for it.
struct Counts {
    found: f64,
    truth: f64,
    predicted: f64,
}

fn recall(counts: &Counts) -> f64 {
    counts.found / counts.truth
}

fn f1(counts: &Counts) -> f64 {
    2.0 * counts.found / (counts.truth + counts.predicted)
}

fn precision(counts: &Counts) -> f64 {
    if counts.predicted > 0.0 { counts.found / counts.predicted } else { 0.0 }
}

impl Counts {
    fn new(matrix: &[Vec<usize>], class: usize) -> Self {
        Self {
            found: matrix[class][class] as f64,
            truth: matrix[class].iter().sum::<usize>() as f64,
            predicted: matrix.iter().map(|row| row[class]).sum::<usize>() as f64,
        }
    }
}

/// Of class 1 where there are two classes, 0 if the data has none of it; else the mean over the classes.
fn of_class_1_or_mean(matrix: &[Vec<usize>], of: impl Fn(&Counts) -> f64) -> f64 {
    if matrix.len() == 2 {
        let counts = Counts::new(matrix, 1);
        return if counts.truth > 0.0 { of(&counts) } else { 0.0 };
    }
    mean_over_classes(matrix, of)
}

/// The mean over the classes that the data has.
fn mean_over_classes(matrix: &[Vec<usize>], of: impl Fn(&Counts) -> f64) -> f64 {
    let counts = (0..matrix.len()).map(|class| Counts::new(matrix, class));
    let present: Vec<Counts> = counts.filter(|counts| counts.truth > 0.0).collect();
    present.iter().map(of).sum::<f64>() / present.len() as f64
}

/// The area under the receiver operating characteristic of class 1 of two.
fn roc_auc(loss: Loss, a: &[f64], dataset: &Dataset) -> Option<f64> {
    if dataset.n_classes() != Some(2) {
        return None;
    }
    let [only] = &class_scores(loss, a, dataset)?[..] else { return None };
    Some(roc_curve(&only.scores, &only.positive)?.area)
}

/// R2, mean absolute and root mean squared error over all outputs.
fn regression(a: &[f64], y: &[f64]) -> [(Metric, f64); 3] {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(y).map(|(&a, &y)| f(a, y)).sum::<f64>();
    let squares = sum(&|a, y| (a - y) * (a - y));
    let deviations = sum(&|_, y| (y - mean) * (y - mean));
    [
        (Metric::R2, 1.0 - squares / deviations),
        (Metric::Mae, sum(&|a, y| (a - y).abs()) / n),
        (Metric::Rmse, (squares / n).sqrt()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    fn classes(labels: &[u32], n: usize) -> Dataset {
        let names = (0..n).map(|class| class.to_string()).collect();
        let targets = Targets::Classes { labels: labels.to_vec(), names };
        Dataset::new("test", vec![0.0; labels.len()], vec!["x".into()], targets).unwrap()
    }

    #[track_caller]
    fn assert_metrics(metrics: &Metrics, want: &[(Metric, f64)]) {
        let got = metrics.values();
        assert_eq!(got.len(), want.len(), "{got:?}");
        for ((metric, got), (name, want)) in got.iter().zip(want) {
            assert!(metric == name && (got - want).abs() < 1e-12, "{metric}: {got}, not {want}");
        }
    }

    /// Values of scikit-learn 1.9: log_loss, accuracy_score, balanced_accuracy_score, precision_score, recall_score, f1_score(average="macro"), roc_auc_score.
    #[test]
    fn two_classes_as_scikit_learn_scores_them() {
        let a = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9];
        let metrics = Metrics::new(Loss::BinaryCrossEntropy, &a, &classes(&[0, 0, 1, 1, 1, 0], 2));
        assert_metrics(
            &metrics,
            &[
                (Metric::Cost, 0.8513379400174843),
                (Metric::LogLoss, 0.8513379400174843),
                (Metric::Accuracy, 0.5),
                (Metric::BalancedAccuracy, 0.5),
                (Metric::Precision, 0.5),
                (Metric::Recall, 1.0 / 3.0),
                (Metric::F1, 0.48571428571428565),
                (Metric::RocAuc, 0.5),
            ],
        );
    }

    #[test]
    fn values_as_scikit_learn_scores_them() {
        let targets = Targets::Values { values: vec![3.0, -0.5, 2.0, 7.0], n_outputs: 1 };
        let dataset = Dataset::new("test", vec![0.0; 4], vec!["x".into()], targets).unwrap();
        let metrics = Metrics::new(Loss::SquaredError, &[2.5, 0.0, 2.0, 8.0], &dataset);
        assert_metrics(
            &metrics,
            &[
                (Metric::Cost, 0.1875),
                (Metric::R2, 0.9486081370449679),
                (Metric::Mae, 0.5),
                (Metric::Rmse, 0.6123724356957945),
            ],
        );
        assert_eq!(metrics.score, None);
    }

    #[test]
    fn a_class_that_is_not_there_does_not_count() {
        let a = [0.9, 0.1, 0.05, 0.05, 0.8, 0.9, 0.05, 0.1, 0.05];
        let metrics = Metrics::new(Loss::SoftmaxCrossEntropy, &a, &classes(&[0, 1, 1], 3));
        assert_eq!(metrics.get(Metric::Accuracy), Some(1.0));
        assert_eq!(metrics.get(Metric::BalancedAccuracy), Some(1.0));
        assert_eq!(metrics.get(Metric::RocAuc), None);
        assert_eq!(metrics.score, Some(Score { n_correct: 3, m: 3 }));
    }

    /// Values of scikit-learn 1.9: log_loss, precision_score and recall_score with average="macro".
    #[test]
    fn three_classes_as_scikit_learn_scores_them() {
        let rows = [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8], [0.2, 0.5, 0.3], [0.1, 0.8, 0.1]];
        let rows = [&rows[..], &[[0.6, 0.3, 0.1], [0.05, 0.05, 0.9]]].concat();
        let a: Vec<f64> = (0..3).flat_map(|class| rows.iter().map(move |row| row[class])).collect();
        let metrics = Metrics::new(Loss::SoftmaxCrossEntropy, &a, &classes(&[0, 1, 2, 2, 1, 0, 2], 3));
        for (metric, want) in [
            (Metric::LogLoss, 0.5467276849489774),
            (Metric::Precision, 0.7222222222222222),
            (Metric::Recall, 0.7222222222222222),
            (Metric::F1, 0.7222222222222222),
        ] {
            let got = metrics.get(metric).unwrap();
            assert!((got - want).abs() < 1e-12, "{metric}: {got}");
        }
    }

    #[test]
    fn a_class_that_is_never_the_answer_has_no_precision() {
        let metrics = Metrics::new(Loss::BinaryCrossEntropy, &[0.1, 0.2], &classes(&[0, 1], 2));
        assert_eq!((metrics.get(Metric::Precision), metrics.get(Metric::Recall)), (Some(0.0), Some(0.0)));
        assert_eq!("log_loss".parse::<Metric>().unwrap(), Metric::LogLoss);
        assert!(!Metric::LogLoss.more_is_better() && Metric::Precision.more_is_better());
    }
}
