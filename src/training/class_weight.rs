//! How much each sample counts: by its class, by a weight of its own, or by both.

use std::fmt;
use std::str::FromStr;

use crate::data::Dataset;
use crate::error::{Error, Result};

/// How much the samples of each class count.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeight {
    /// Each class as much as any other.
    Balanced,
    /// By name; the others 1.
    Given(Vec<(String, f64)>),
}

const USAGE: &str = "give balanced, or weights of classes such as yes=3,no=1";

/// `balanced`, or `CLASS=WEIGHT,...`.
impl FromStr for ClassWeight {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "balanced" {
            return Ok(Self::Balanced);
        }
        let pair = |pair: &str| {
            // The name may contain the sign; the weight does not.
            let (class, weight) = pair.rsplit_once('=')?;
            let weight =
                weight.trim().parse::<f64>().ok().filter(|weight| *weight >= 0.0 && weight.is_finite())?;
            Some((class.trim().to_owned(), weight))
        };
        let pairs: Option<Vec<_>> = text.split(',').map(pair).collect();
        pairs.map(Self::Given).ok_or_else(|| Error::invalid("class weight", text, USAGE))
    }
}

impl fmt::Display for ClassWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::Given(given) => {
                let pairs = given.iter().map(|(class, weight)| format!("{class}={weight}"));
                f.write_str(&pairs.collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl ClassWeight {
    /// A weight for each sample, with a mean of 1, so that the learning rate means what it does without; (m).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for data without classes, a class that it does not have, or weights that are all zero.
    pub fn of_samples(&self, dataset: &Dataset) -> Result<Vec<f64>> {
        let Some(labels) = dataset.labels() else {
            let reason = format!("{} has real-valued targets and no classes; leave it out", dataset.name);
            return Err(Error::invalid("class weight", self, reason));
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
                        return Err(Error::invalid("class to be weighted", class, reason));
                    };
                    weights[at] = *weight;
                }
                weights
            }
        };
        let total: f64 = counts.iter().zip(&weights).map(|(&count, weight)| count as f64 * weight).sum();
        if total <= 0.0 {
            return Err(Error::invalid("class weight", self, "one of the classes has to count"));
        }
        let scale = dataset.m as f64 / total;
        Ok(labels.iter().map(|&label| scale * weights[label as usize]).collect())
    }
}

/// The weights of the samples by their classes and their own, with a mean of 1; alike without both, (m).
///
/// # Errors
/// Those of [`ClassWeight::of_samples`]; [`Error::Shape`] for another number of weights than samples; [`Error::Data`] for one
/// that is negative or no number, or when all of them are zero.
pub fn sample_weights(
    dataset: &Dataset,
    of_classes: Option<&ClassWeight>,
    own: Option<&[f64]>,
) -> Result<Option<Vec<f64>>> {
    let of_classes = of_classes.map(|wanted| wanted.of_samples(dataset)).transpose()?;
    let Some(own) = own else { return Ok(of_classes) };
    if own.len() != dataset.m {
        return Err(Error::Shape {
            what: format!("weights of the samples of {}", dataset.name),
            expected: dataset.m.to_string(),
            found: own.len().to_string(),
            hint: "give one for each sample".into(),
        });
    }
    let name = || format!("weights of the samples of {}", dataset.name);
    if let Some(at) = own.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite())) {
        let problem = format!("that of sample {at} is {}; a weight is a number from 0 on", own[at]);
        return Err(Error::data(name(), problem));
    }
    let mut weights = own.to_vec();
    if let Some(of_classes) = of_classes {
        weights.iter_mut().zip(of_classes).for_each(|(weight, of_class)| *weight *= of_class);
    }
    // The largest first: weights near the largest number would have no finite sum.
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if !(largest > 0.0 && largest.is_finite()) {
        return Err(Error::data(name(), "none of the samples counts; give one of them a weight above 0"));
    }
    weights.iter_mut().for_each(|weight| *weight /= largest);
    let mean = weights.iter().sum::<f64>() / dataset.m as f64;
    weights.iter_mut().for_each(|weight| *weight /= mean);
    Ok(Some(weights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    fn dataset() -> Dataset {
        let names = ["a", "b=c"].map(str::to_owned).to_vec();
        let targets = Targets::Classes { labels: vec![0, 0, 0, 1], names };
        Dataset::new("test", vec![0.0; 4], vec!["x".into()], targets).unwrap()
    }

    #[test]
    fn weights_have_a_mean_of_one() {
        let dataset = dataset();
        let of = |text: &str| text.parse::<ClassWeight>().unwrap().of_samples(&dataset);
        assert_eq!(of("balanced").unwrap(), [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0]);
        assert_eq!(of("b=c=5").unwrap(), [0.5, 0.5, 0.5, 2.5]);
        assert!(of("d=1").unwrap_err().is_usage() && of("a=0,b=c=0").unwrap_err().is_usage());
        for text in ["", "a", "a=x", "a=-1", "a=NaN", "balance"] {
            let error = text.parse::<ClassWeight>().unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(USAGE), "{error}");
        }
        let given = "a=2,b=c=0.5".parse::<ClassWeight>().unwrap();
        assert_eq!(given.to_string().parse::<ClassWeight>().unwrap(), given);
    }

    #[test]
    fn weights_of_samples_and_of_their_classes_are_multiplied() {
        let dataset = dataset();
        let of = |own: &[f64]| sample_weights(&dataset, None, Some(own));
        assert_eq!(of(&[1.0, 2.0, 3.0, 2.0]).unwrap().unwrap(), [0.5, 1.0, 1.5, 1.0]);
        assert_eq!(of(&[f64::MAX; 4]).unwrap().unwrap(), [1.0; 4]);
        let both = sample_weights(&dataset, Some(&ClassWeight::Balanced), Some(&[1.0, 0.0, 2.0, 1.0]));
        assert_eq!(both.unwrap().unwrap(), [2.0 / 3.0, 0.0, 4.0 / 3.0, 2.0]);
        assert_eq!(sample_weights(&dataset, None, None).unwrap(), None);
        for (own, named) in [
            (&[1.0, 2.0, -3.0, 1.0][..], "sample 2 is -3"),
            (&[f64::NAN, 1.0, 1.0, 1.0], "sample 0 is NaN"),
            (&[f64::INFINITY, 1.0, 1.0, 1.0], "sample 0 is inf"),
            (&[0.0; 4], "none of the samples counts"),
            (&[1.0; 3], "expected 4, found 3"),
        ] {
            let error = of(own).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
