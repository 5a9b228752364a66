//! What is learnt from a column, in passes over its rows: the one accumulation of means, deviations, ranges, medians and
//! counts, whether the rows lie in memory or are read anew for each pass. What becomes of it is `fitting`'s.

use super::fitting::{Impute, Preparation, Scale};
use super::preprocessing::Step;

/// Why a column cannot be learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A value is missing in this row, and nothing stands in for it.
    Missing(usize),
    /// No value is there at all.
    NoValues,
    /// Its numbers cannot be scaled.
    TooLarge,
}

/// A column of numbers while it is learnt from: fed with the same rows, in the same order, in every pass.
pub(super) struct NumberFit {
    preparation: Preparation,
    pass: Pass,
    /// The sum of the pass under way.
    sum: f64,
    /// Of the values that are there: their number, the least and the greatest.
    present: u64,
    least: f64,
    greatest: f64,
    /// The first row without a value, and the number of them.
    missing: Option<usize>,
    n_missing: u64,
    /// The mean of the values that are there, and later of those with their stand-ins.
    mean: f64,
    fill: Option<f64>,
    select: Option<Box<Select>>,
    deviation: f64,
}

/// What a pass adds up. A sum's rounding is taken back by a second pass over what is left of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Values that are there.
    Sum,
    Correct,
    /// A digit of the median.
    Select,
    /// Values with their stand-ins.
    FilledSum,
    FilledCorrect,
    /// Squares of what is left of each value.
    Squares,
    Done,
}

impl NumberFit {
    pub(super) fn new(preparation: Preparation) -> Self {
        Self {
            preparation,
            pass: Pass::Sum,
            sum: 0.0,
            present: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            missing: None,
            n_missing: 0,
            mean: 0.0,
            fill: None,
            select: None,
            deviation: 0.0,
        }
    }

    /// Whether no other pass is needed.
    pub(super) fn is_done(&self) -> bool {
        self.pass == Pass::Done
    }

    /// Takes the cell of a row.
    pub(super) fn push(&mut self, row: usize, cell: Option<f64>) {
        match (self.pass, cell) {
            (Pass::Sum, Some(value)) => {
                self.present += 1;
                self.sum += value;
                self.least = self.least.min(value);
                self.greatest = self.greatest.max(value);
            }
            (Pass::Sum, None) => {
                self.missing.get_or_insert(row);
                self.n_missing += 1;
            }
            (Pass::Correct, Some(value)) => self.sum += value - self.mean,
            (Pass::Select, Some(value)) => {
                if let Some(select) = &mut self.select {
                    select.push(value);
                }
            }
            (Pass::Correct | Pass::Select, None) | (Pass::Done, _) => {}
            (Pass::FilledSum, cell) => self.sum += cell.or(self.fill).unwrap_or(0.0),
            (Pass::FilledCorrect, cell) => self.sum += cell.or(self.fill).unwrap_or(0.0) - self.mean,
            (Pass::Squares, cell) => {
                self.sum += (cell.or(self.fill).unwrap_or(0.0) - self.mean).powi(2);
            }
        }
    }

    /// Ends a pass: all rows have been pushed.
    ///
    /// # Errors
    /// What keeps the column from being learnt from.
    pub(super) fn end_pass(&mut self) -> Result<(), Unfit> {
        let sum = std::mem::take(&mut self.sum);
        let (present, all) = (self.present as f64, (self.present + self.n_missing) as f64);
        match self.pass {
            Pass::Sum => {
                if let (Impute::Refuse, Some(row)) = (self.preparation.impute, self.missing) {
                    return Err(Unfit::Missing(row));
                }
                if self.present == 0 {
                    return Err(Unfit::NoValues);
                }
                self.mean = sum / present;
            }
            Pass::Correct => self.mean += sum / present,
            Pass::Select => {}
            Pass::FilledSum => self.mean = sum / all,
            Pass::FilledCorrect => self.mean += sum / all,
            Pass::Squares => self.deviation = (sum / all).sqrt(),
            Pass::Done => {}
        }
        self.pass = self.next();
        Ok(())
    }

    /// The pass after this one, and the stand-in as soon as it is known.
    fn next(&mut self) -> Pass {
        let Preparation { impute, scale } = self.preparation;
        let standardise = scale == Scale::Standardise;
        let after_fill = match (standardise, self.n_missing) {
            (false, _) => Pass::Done,
            (true, 0) => Pass::Squares,
            (true, _) => Pass::FilledSum,
        };
        match self.pass {
            // The mean without stand-ins serves as the stand-in, or as the mean where nothing is missing.
            Pass::Sum if impute == Impute::Mean || (standardise && self.n_missing == 0) => Pass::Correct,
            Pass::Sum | Pass::Correct if impute == Impute::Median && self.fill.is_none() => {
                self.select = Some(Box::new(Select::new(self.present)));
                Pass::Select
            }
            Pass::Select => match self.select.as_mut().map(|select| select.end_pass()) {
                Some(None) => Pass::Select,
                median => {
                    self.fill = median.flatten();
                    self.select = None;
                    after_fill
                }
            },
            Pass::Sum => after_fill,
            Pass::Correct => {
                self.fill = (impute == Impute::Mean).then_some(self.mean);
                after_fill
            }
            Pass::FilledSum => Pass::FilledCorrect,
            Pass::FilledCorrect => Pass::Squares,
            Pass::Squares | Pass::Done => Pass::Done,
        }
    }

    /// What becomes of the column's cells.
    ///
    /// # Errors
    /// [`Unfit::TooLarge`].
    pub(super) fn finish(self) -> Result<Step, Unfit> {
        let fill = self.fill;
        let (shift, scale) = match self.preparation.scale {
            Scale::None => (0.0, 1.0),
            Scale::Pixels => (0.0, 255.0),
            Scale::Standardise => {
                // The deviation of a constant column is what rounding left of 0.
                let constant = self.deviation <= 16.0 * f64::EPSILON * self.mean.abs();
                (self.mean, if constant { 1.0 } else { self.deviation })
            }
            Scale::MinMax => {
                let stand_in = fill.filter(|_| self.n_missing > 0);
                let (low, high) = (stand_in.unwrap_or(self.least), stand_in.unwrap_or(self.greatest));
                let least = self.least.min(low);
                let width = self.greatest.max(high) - least;
                (least, if width > 0.0 { width } else { 1.0 })
            }
        };
        if !(shift.is_finite() && scale.is_finite()) {
            return Err(Unfit::TooLarge);
        }
        Ok(Step::Number { fill, shift, scale })
    }
}

/// Bits that a pass of a selection settles.
const DIGIT: u32 = 8;
const DIGITS: usize = 1 << DIGIT;

/// The middle of some values without a copy of them: the bits of the one or two values there, a digit a pass.
struct Select {
    /// Of the two values in the middle, which may be one: how many lie below among those that begin like it, the bits
    /// found, and how many have each next digit.
    middle: [(u64, u64); 2],
    counts: [Vec<u32>; 2],
    /// Bits still unknown.
    unknown: u32,
}

impl Select {
    /// The middle of so many values, at least one.
    fn new(n: u64) -> Self {
        let counts = [vec![0; DIGITS], vec![0; DIGITS]];
        Self { middle: [((n - 1) / 2, 0), (n / 2, 0)], counts, unknown: u64::BITS }
    }

    fn push(&mut self, value: f64) {
        let key = key(value);
        for ((_, found), counts) in self.middle.iter().zip(&mut self.counts) {
            if key.checked_shr(self.unknown).unwrap_or(0) == *found {
                counts[(key >> (self.unknown - DIGIT)) as usize % DIGITS] += 1;
            }
        }
    }

    /// Settles a digit; the middle value, or the mean of the two, after the last.
    fn end_pass(&mut self) -> Option<f64> {
        for ((rank, found), counts) in self.middle.iter_mut().zip(&mut self.counts) {
            let mut digit = 0;
            while digit + 1 < DIGITS && *rank >= u64::from(counts[digit]) {
                *rank -= u64::from(counts[digit]);
                digit += 1;
            }
            *found = (*found << DIGIT) | digit as u64;
            counts.fill(0);
        }
        self.unknown -= DIGIT;
        let [(_, low), (_, high)] = self.middle;
        (self.unknown == 0).then(|| match low == high {
            true => value(low),
            false => f64::midpoint(value(low), value(high)),
        })
    }
}

/// A number that orders as the value does (`f64::total_cmp`).
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The value of a key.
fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// A column of texts while it is learnt from, in one pass.
pub(super) struct TextFit {
    preparation: Preparation,
    counts: Vec<usize>,
    missing: Option<usize>,
}

impl TextFit {
    /// Of a column of so many different texts.
    pub(super) fn new(preparation: Preparation, n_texts: usize) -> Self {
        Self { preparation, counts: vec![0; n_texts], missing: None }
    }

    /// Takes the code of a row; a missing text's is that of none.
    pub(super) fn push(&mut self, row: usize, code: Option<usize>) {
        match code.and_then(|code| self.counts.get_mut(code)) {
            Some(count) => *count += 1,
            None => {
                self.missing.get_or_insert(row);
            }
        }
    }

    /// What becomes of the column's cells, whose texts these are.
    ///
    /// # Errors
    /// What keeps the column from being learnt from.
    pub(super) fn finish(self, texts: &[String]) -> Result<Step, Unfit> {
        let refuse = self.preparation.impute == Impute::Refuse;
        if let (true, Some(row)) = (refuse, self.missing) {
            return Err(Unfit::Missing(row));
        }
        let mut sorted: Vec<(&String, usize)> = texts.iter().zip(self.counts).collect();
        sorted.sort_unstable();
        // The first of the commonest, for a choice that does not hang on the order of the rows.
        let commonest = sorted.iter().rev().max_by_key(|(_, count)| *count);
        let commonest = commonest.filter(|(_, count)| *count > 0).ok_or(Unfit::NoValues)?;
        let fill = (!refuse).then(|| commonest.0.clone());
        Ok(Step::Category { fill, names: sorted.iter().map(|(text, _)| (*text).clone()).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(cells: &[Option<f64>], impute: Impute, scale: Scale) -> Result<Step, Unfit> {
        let mut fit = NumberFit::new(Preparation { impute, scale });
        while !fit.is_done() {
            cells.iter().enumerate().for_each(|(row, cell)| fit.push(row, *cell));
            fit.end_pass()?;
        }
        fit.finish()
    }

    fn fill(values: &[f64], impute: Impute) -> f64 {
        let cells: Vec<_> = values.iter().copied().map(Some).chain([None]).collect();
        match fitted(&cells, impute, Scale::None) {
            Ok(Step::Number { fill: Some(fill), .. }) => fill,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_median_is_the_middle_of_the_sorted_values() {
        let values = [3.5, -1e300, 0.0, -0.0, 7.0, 7.0, 1e-310, f64::MAX, -2.0, 3.25];
        for n in 1..=values.len() {
            let mut sorted = values[..n].to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            let middle = n / 2;
            let want =
                if n % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
            assert_eq!(fill(&values[..n], Impute::Median).to_bits(), want.to_bits(), "{n}");
        }
    }

    #[test]
    fn a_mean_is_right_where_a_plain_sum_is_not() {
        let values = [1e16, 1.0, 1.0, 1.0];
        assert_eq!(fill(&values, Impute::Mean), 2.5e15 + 0.75);
    }

    #[test]
    fn stand_ins_count_in_mean_and_deviation() {
        let cells = [Some(1.0), None, Some(5.0), None];
        // 1, 3, 5, 3.
        let want = Step::Number { fill: Some(3.0), shift: 3.0, scale: 2f64.sqrt() };
        for impute in [Impute::Mean, Impute::Median] {
            assert_eq!(fitted(&cells, impute, Scale::Standardise), Ok(want.clone()));
        }
        let want = Step::Number { fill: Some(3.0), shift: 1.0, scale: 4.0 };
        assert_eq!(fitted(&cells, Impute::Mean, Scale::MinMax), Ok(want));
        assert_eq!(fitted(&cells, Impute::Refuse, Scale::None), Err(Unfit::Missing(1)));
        assert_eq!(fitted(&[None], Impute::Mean, Scale::None), Err(Unfit::NoValues));
        let huge = [Some(f64::MAX), Some(-f64::MAX)];
        assert_eq!(fitted(&huge, Impute::Refuse, Scale::Standardise), Err(Unfit::TooLarge));
    }
}
