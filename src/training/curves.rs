//! How good the probabilities of a network are at every threshold, and how far they can be taken at their word.

use crate::data::Dataset;
use crate::network::Loss;

/// A receiver operating characteristic.
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// From (0, 0) to (1, 1), a point a threshold, the highest first: the share of the others that is taken for positive,
    /// and the share of the positive that is found.
    pub points: Vec<(f64, f64)>,
    /// The area under it: the probability that a positive sample has a higher score than another one, ties counting half.
    pub area: f64,
}

/// The curve of scores, the higher the more positive; `None` unless there are positive samples and others.
pub fn roc_curve(scores: &[f64], positive: &[bool]) -> Option<RocCurve> {
    let all = positive.iter().filter(|&&is| is).count() as f64;
    let others = scores.len() as f64 - all;
    if all == 0.0 || others == 0.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
    let (mut found, mut wrong, mut wins) = (0.0, 0.0, 0.0);
    let mut points = vec![(0.0, 0.0)];
    for group in order.chunk_by(|&i, &j| scores[i] == scores[j]) {
        let ones = group.iter().filter(|&&i| positive[i]).count() as f64;
        let zeros = group.len() as f64 - ones;
        wins += zeros * (found + ones / 2.0);
        (found, wrong) = (found + ones, wrong + zeros);
        points.push((wrong / others, found / all));
    }
    Some(RocCurve { points, area: wins / (all * others) })
}

/// The scores of one class against all others.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// The class's index.
    pub class: usize,
    /// Its probability for each sample, (m).
    pub scores: Vec<f64>,
    /// Whether the sample is of the class, (m).
    pub positive: Vec<bool>,
}

/// The scores of class 1 where a sigmoid or two outputs tell two classes apart, of each class where there are more; a (n_L, m).
/// `None` for a network of values, or data without classes.
pub fn class_scores(loss: Loss, a: &[f64], dataset: &Dataset) -> Option<Vec<ClassScores>> {
    let (labels, m) = (dataset.labels()?, dataset.m);
    // Regression has no classes.
    loss.class_of(a.iter().step_by(m).copied())?;
    let scores = |class: usize, row: usize| ClassScores {
        class,
        scores: a[row * m..(row + 1) * m].to_vec(),
        positive: labels.iter().map(|&label| label as usize == class).collect(),
    };
    match a.len() / m {
        1 => Some(vec![scores(1, 0)]),
        2 => Some(vec![scores(1, 1)]),
        classes => Some((0..classes).map(|class| scores(class, class)).collect()),
    }
}

/// Samples whose probabilities lie close together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Their number.
    pub count: usize,
    /// The mean of their probabilities.
    pub predicted: f64,
    /// The share of them that came true.
    pub observed: f64,
}

/// Probabilities in `n` bins of equal width from 0 to 1; the means of an empty bin are 0.
pub fn calibration(probabilities: &[f64], came_true: &[bool], n: usize) -> Vec<CalibrationBin> {
    let mut bins = vec![(0usize, 0.0, 0usize); n];
    for (&probability, &is_true) in probabilities.iter().zip(came_true) {
        // A NaN is in the first bin.
        let bin = &mut bins[((probability * n as f64) as usize).min(n - 1)];
        *bin = (bin.0 + 1, bin.1 + probability, bin.2 + usize::from(is_true));
    }
    let mean = |(count, sum, ones): (usize, f64, usize)| {
        let all = count.max(1) as f64;
        CalibrationBin { count, predicted: sum / all, observed: ones as f64 / all }
    };
    bins.into_iter().map(mean).collect()
}

/// The mean over the samples of the distance between what their bin predicts and what came true.
pub fn calibration_error(bins: &[CalibrationBin]) -> f64 {
    let m: usize = bins.iter().map(|bin| bin.count).sum();
    let off = bins.iter().map(|bin| bin.count as f64 * (bin.predicted - bin.observed).abs());
    off.sum::<f64>() / m.max(1) as f64
}

/// What a network's probabilities claim, and whether it came true: of class 1 where there are two classes, of the answer where
/// there are more; a (n_L, m). `None` as [`class_scores`].
pub fn claims(loss: Loss, a: &[f64], dataset: &Dataset) -> Option<(Vec<f64>, Vec<bool>)> {
    let mut scores = class_scores(loss, a, dataset)?;
    if scores.len() == 1 {
        let only = scores.swap_remove(0);
        return Some((only.scores, only.positive));
    }
    let (labels, m) = (dataset.labels()?, dataset.m);
    let answer = |j: usize| loss.class_of(a.iter().skip(j).step_by(m).copied()).map(|class| class as usize);
    let answers: Vec<usize> = (0..m).map(answer).collect::<Option<_>>()?;
    let confidences = answers.iter().enumerate().map(|(j, class)| a[class * m + j]).collect();
    Some((
        confidences,
        answers.iter().zip(labels).map(|(&answer, &label)| answer == label as usize).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    /// Values of scikit-learn 1.9: roc_curve(drop_intermediate=False), roc_auc_score.
    #[test]
    fn a_curve_has_a_point_a_threshold_and_scikit_learns_area() {
        let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9];
        let positive = [false, false, true, true, true, false];
        let curve = roc_curve(&scores, &positive).unwrap();
        let third = 1.0 / 3.0;
        let points = [
            (0.0, 0.0),
            (third, 0.0),
            (third, third),
            (2.0 * third, 2.0 * third),
            (2.0 * third, 1.0),
            (1.0, 1.0),
        ];
        assert_eq!((curve.points, curve.area), (points.to_vec(), 0.5));
        assert_eq!(roc_curve(&scores, &[true; 6]), None);
        assert_eq!(roc_curve(&[0.5; 3], &[true, false, false]).unwrap().area, 0.5);
    }

    /// Values of scikit-learn 1.9: calibration_curve(n_bins=5).
    #[test]
    fn bins_hold_what_was_predicted_and_what_came_true() {
        let probabilities = [0.05, 0.15, 0.35, 0.45, 0.55, 0.85, 0.95, 1.0];
        let true_ones = [false, false, true, false, true, true, true, true];
        let bins = calibration(&probabilities, &true_ones, 5);
        let counts: Vec<usize> = bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [2, 1, 2, 0, 3]);
        let observed: Vec<f64> = bins.iter().map(|bin| bin.observed).collect();
        assert_eq!(observed, [0.0, 1.0, 0.5, 0.0, 1.0]);
        assert!((bins[4].predicted - 2.8 / 3.0).abs() < 1e-15 && (bins[2].predicted - 0.5).abs() < 1e-15);
        let off = (2.0 * 0.1 + 0.65 + 0.2) / 8.0;
        assert!((calibration_error(&bins) - off).abs() < 1e-12);
        assert_eq!(calibration(&[f64::NAN], &[true], 2)[0].count, 1);
    }

    #[test]
    fn more_classes_are_judged_one_against_the_rest_and_by_their_answers() {
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let targets = Targets::Classes { labels: vec![0, 1, 2], names };
        let dataset = Dataset::new("test", vec![0.0; 3], vec!["x".into()], targets).unwrap();
        let a = [0.7, 0.2, 0.1, 0.2, 0.3, 0.8, 0.1, 0.5, 0.1];
        let scores = class_scores(Loss::SoftmaxCrossEntropy, &a, &dataset).unwrap();
        assert_eq!(scores.len(), 3);
        assert_eq!(
            (scores[1].scores.as_slice(), &scores[1].positive[..]),
            (&a[3..6], &[false, true, false][..])
        );
        let (confidence, right) = claims(Loss::SoftmaxCrossEntropy, &a, &dataset).unwrap();
        assert_eq!((confidence, right), (vec![0.7, 0.5, 0.8], vec![true, false, false]));
        assert_eq!(class_scores(Loss::SquaredError, &a, &dataset), None);
    }
}
