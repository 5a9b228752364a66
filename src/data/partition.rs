//! What of the data a training does not learn from: drawn by shares of the rows or taken from other files, and remembered with
//! the model, so that the same samples are found again.

use serde::{Deserialize, Serialize};

use super::dataset::Targets;
use super::source::FileSource;
use super::split::{Row, hold_out};
use crate::error::{Error, Result};

/// What is held out of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOut {
    /// A share of all samples, of every class the same; it lies between 0 and 1.
    Share(f64),
    /// All samples of another file.
    File(FileSource),
}

/// A part of the data of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All samples of the data, whatever they were for.
    #[default]
    All,
    /// Those that were learnt from.
    Training,
    /// Those that watched.
    Validation,
    /// Those that scored the trained network.
    Test,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Training => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// How data is parted. By default all of it is learnt from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// What watches the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<HeldOut>,
    /// What scores the trained network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<HeldOut>,
    /// Seed of the rows that shares are made of.
    pub seed: u32,
    /// How many samples the data has in all, where that is known: shares of other data are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<usize>,
}

/// The rows of a table in parts, each ascending; `None` for a part that is no share of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRows<R = usize> {
    /// To learn from.
    pub training: Vec<R>,
    /// To watch.
    pub validation: Option<Vec<R>>,
    /// To score.
    pub test: Option<Vec<R>>,
}

impl Partition {
    /// Whether nothing is held out.
    pub fn is_whole(&self) -> bool {
        self.validation.is_none() && self.test.is_none()
    }

    /// Whether rows of the training's own data are held out.
    pub fn has_shares(&self) -> bool {
        [&self.validation, &self.test].into_iter().any(|part| matches!(part, Some(HeldOut::Share(_))))
    }

    /// What is held out as that part, if anything.
    pub fn held_out(&self, part: Part) -> Option<&HeldOut> {
        match part {
            Part::All | Part::Training => None,
            Part::Validation => self.validation.as_ref(),
            Part::Test => self.test.as_ref(),
        }
    }

    /// Parts the rows of a table, which are all of them and have these targets: the test's first, then the validation's.
    ///
    /// # Errors
    /// Those of [`hold_out`]; [`Error::Data`] for shares of a table without targets; [`Error::Shape`] for shares of another
    /// number of rows than they were drawn from.
    pub fn rows<R: Row>(&self, rows: Vec<R>, targets: Option<&Targets>) -> Result<PartRows<R>> {
        let mut training = rows;
        if let Some(m) = self.m.filter(|&m| self.has_shares() && m != training.len()) {
            return Err(Error::Shape {
                what: "rows to find the parts in".into(),
                expected: format!("{m}, as in the training"),
                found: training.len().to_string(),
                hint: "use the data that the model was trained on, or --part all".into(),
            });
        }
        let mut take = |part: &Option<HeldOut>, what: &'static str, seed: u32| match part {
            Some(HeldOut::Share(share)) => {
                let targets = targets.ok_or_else(|| {
                    Error::data("split", "the rows have no targets to be parted by; read them with theirs")
                })?;
                hold_out(&mut training, targets, what, *share, seed).map(Some)
            }
            _ => Ok(None),
        };
        let test = take(&self.test, "test share", self.seed)?;
        // Another seed: the same would draw alike from what is left.
        let validation = take(&self.validation, "validation share", self.seed.wrapping_add(1))?;
        Ok(PartRows { training, validation, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_all_rows_are_in_one() {
        let targets = Targets::Values { values: vec![0.0; 50], n_outputs: 1 };
        let partition = Partition {
            validation: Some(HeldOut::Share(0.2)),
            test: Some(HeldOut::Share(0.1)),
            seed: 3,
            m: Some(50),
        };
        let parts = partition.rows((0..50usize).collect(), Some(&targets)).unwrap();
        let (validation, test) = (parts.validation.unwrap(), parts.test.unwrap());
        assert_eq!((parts.training.len(), validation.len(), test.len()), (35, 10, 5));
        let mut all = [&parts.training[..], &validation, &test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        // As few bytes a row draw the same.
        let narrow = partition.rows((0..50u32).collect(), Some(&targets)).unwrap();
        assert_eq!(narrow.test.unwrap().iter().map(|&row| row as usize).collect::<Vec<_>>(), test);
    }

    #[test]
    fn shares_need_targets_and_files_take_no_rows() {
        let file = HeldOut::File(FileSource::new("more.csv"));
        let files = Partition { validation: Some(file), m: Some(4), ..Partition::default() };
        let parts = files.rows(vec![0usize, 1, 2], None).unwrap();
        assert_eq!(parts, PartRows { training: vec![0, 1, 2], validation: None, test: None });
        let shares = Partition { test: Some(HeldOut::Share(0.5)), ..Partition::default() };
        assert!(shares.rows(vec![0usize, 1], None).unwrap_err().to_string().contains("no targets"));
        let targets = Targets::Values { values: vec![0.0; 2], n_outputs: 1 };
        let other = Partition { m: Some(3), ..shares };
        assert!(matches!(other.rows(vec![0usize, 1], Some(&targets)), Err(Error::Shape { .. })));
    }
}
