//! `--class-weight`: how much the samples of each class count.

use gpu_nn::data::Dataset;
use gpu_nn::{Error, Result};

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeight {
    /// Each class as much as any other.
    Balanced,
    /// By name; the others 1.
    Given(Vec<(String, f64)>),
}

const USAGE: &str = "give balanced, or weights of classes such as yes=3,no=1";

/// Parses `balanced` or `CLASS=WEIGHT,...`.
pub fn class_weight(text: &str) -> std::result::Result<ClassWeight, String> {
    if text == "balanced" {
        return Ok(ClassWeight::Balanced);
    }
    let pair = |pair: &str| {
        // The name may contain the sign; the weight does not.
        let (class, weight) = pair.rsplit_once('=')?;
        let weight =
            weight.trim().parse::<f64>().ok().filter(|weight| *weight >= 0.0 && weight.is_finite())?;
        Some((class.trim().to_owned(), weight))
    };
    let pairs: Option<Vec<_>> = text.split(',').map(pair).collect();
    pairs.map(ClassWeight::Given).ok_or_else(|| USAGE.to_owned())
}

impl ClassWeight {
    /// A weight for each sample, with a mean of 1, so that the learning rate means what it does without.
    pub fn of_samples(&self, dataset: &Dataset) -> Result<Vec<f64>> {
        let Some(labels) = dataset.labels() else {
            let reason = format!("{} has real-valued targets and no classes; leave it out", dataset.name);
            return Err(Error::invalid("class weight", self.text(), reason));
        };
        let names = dataset.class_names();
        let mut counts = vec![0usize; names.len()];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        let weights: Vec<f64> = match self {
            // A class without samples weighs nothing anywhere.
            Self::Balanced => counts.iter().map(|&count| 1.0 / count.max(1) as f64).collect(),
            Self::Given(given) => {
                let mut weights = vec![1.0; names.len()];
                for (class, weight) in given {
                    let Some(at) = names.iter().position(|name| name == class) else {
                        let reason = format!("{} has the classes {}", dataset.name, names.join(", "));
                        return Err(Error::invalid("class of --class-weight", class, reason));
                    };
                    weights[at] = *weight;
                }
                weights
            }
        };
        let total: f64 = counts.iter().zip(&weights).map(|(&count, weight)| count as f64 * weight).sum();
        if total <= 0.0 {
            return Err(Error::invalid("class weight", self.text(), "one of the classes has to count"));
        }
        let scale = dataset.m as f64 / total;
        Ok(labels.iter().map(|&label| scale * weights[label as usize]).collect())
    }

    fn text(&self) -> String {
        match self {
            Self::Balanced => "balanced".into(),
            Self::Given(given) => {
                given.iter().map(|(class, weight)| format!("{class}={weight}")).collect::<Vec<_>>().join(",")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpu_nn::data::Targets;

    #[test]
    fn weights_have_a_mean_of_one() {
        let names = ["a", "b=c"].map(str::to_owned).to_vec();
        let targets = Targets::Classes { labels: vec![0, 0, 0, 1], names };
        let dataset = Dataset::new("test", vec![0.0; 4], vec!["x".into()], targets).unwrap();
        let of = |text: &str| class_weight(text).unwrap().of_samples(&dataset);
        assert_eq!(of("balanced").unwrap(), [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0]);
        assert_eq!(of("b=c=5").unwrap(), [0.5, 0.5, 0.5, 2.5]);
        assert!(of("d=1").unwrap_err().is_usage() && of("a=0,b=c=0").unwrap_err().is_usage());
        for text in ["", "a", "a=x", "a=-1", "a=NaN", "balance"] {
            assert_eq!(class_weight(text).unwrap_err(), USAGE, "{text}");
        }
    }
}
