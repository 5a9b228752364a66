//! How good predictions are: counts of right answers and confusion matrices.

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::network::Loss;

/// Right answers among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Samples whose class was predicted right.
    pub n_correct: usize,
    /// Samples.
    pub m: usize,
}

impl Score {
    /// Compares the network's output a (n_L, m) with the data set's classes; `None` for regression, also on a
    /// data set that has classes.
    pub fn new(loss: Loss, a: &[f64], dataset: &Dataset) -> Option<Self> {
        let predicted: Vec<u32> = classes(loss, a, dataset.m).collect::<Option<_>>()?;
        let n_correct = predicted.iter().zip(dataset.labels()?).filter(|(p, y)| p == y).count();
        Some(Self { n_correct, m: dataset.m })
    }

    /// Right answers in percent.
    pub fn accuracy_percent(self) -> f64 {
        100.0 * self.n_correct as f64 / self.m as f64
    }
}

/// The predicted class of every sample; a (n_L, m).
fn classes(loss: Loss, a: &[f64], m: usize) -> impl Iterator<Item = Option<u32>> {
    (0..m).map(move |j| loss.class_of(a.iter().skip(j).step_by(m).copied()))
}

/// `matrix[truth][predicted]`, counts; `None` for regression.
pub fn confusion_matrix(loss: Loss, a: &[f64], dataset: &Dataset) -> Option<Vec<Vec<usize>>> {
    let labels = dataset.labels()?;
    let n = dataset.n_classes()?;
    let mut matrix = vec![vec![0; n]; n];
    for (predicted, &truth) in classes(loss, a, dataset.m).zip(labels) {
        matrix[truth as usize][predicted? as usize] += 1;
    }
    Some(matrix)
}
