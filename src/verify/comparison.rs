//! The numbers of a device beside those they are held against: the worst place, and whether all are within their limits.

/// What a check has compared so far. A NaN on either side fails, unless a NaN is what is asked for.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Numbers compared.
    pub values: usize,
    /// The error that comes closest to its tolerance, or exceeds it most.
    pub worst: f64,
    /// The tolerance of that number.
    pub tolerance: f64,
    /// The first failure in words, if there is one.
    pub failure: Option<String>,
    /// What is worth knowing although nothing failed.
    pub note: Option<String>,
    /// The largest quotient of an error and its tolerance.
    ratio: f64,
}

impl Comparison {
    /// Whether something was off.
    pub fn failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Holds numbers against others, each within a limit of its own.
    pub fn within(&mut self, what: &str, got: &[f64], want: &[f64], limit: impl Fn(usize) -> f64) {
        self.require(got.len() == want.len(), || {
            format!("{what} has {} values, not {}", got.len(), want.len())
        });
        self.values += got.len();
        let (mut far, mut first) = (0, None);
        for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
            let limit = limit(i);
            let off = if got == want { 0.0 } else { (got - want).abs() };
            self.look_at(off, limit);
            if off.is_nan() || off > limit {
                far += 1;
                first.get_or_insert((i, got, want, limit));
            }
        }
        if let Some((i, is, not, limit)) = first {
            let n = got.len();
            self.fail(format!(
                "{what}[{i}] is {is:e}, not {not:e} within {limit:.1e} ({far} of {n} are off)"
            ));
        }
    }

    /// Requires something that is no matter of tolerance.
    pub fn require(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        self.values += 1;
        if !holds {
            self.look_at(f64::NAN, 0.0);
            self.fail(otherwise());
        }
    }

    /// Requires the same bits.
    pub fn same_bits(&mut self, what: &str, got: &[f64], want: &[f64]) {
        self.values += want.len();
        let differ = |(got, want): (&f64, &f64)| got.to_bits() != want.to_bits();
        let at = got.iter().zip(want).position(differ);
        if let Some(i) = at {
            self.look_at((got[i] - want[i]).abs(), 0.0);
            self.fail(format!("{what}[{i}] is {:e} once and {:e} another time", got[i], want[i]));
        }
        if got.len() != want.len() {
            self.fail(format!("{what} has {} values once and {} another time", got.len(), want.len()));
        }
    }

    fn look_at(&mut self, off: f64, limit: f64) {
        let ratio = match off / limit {
            _ if off == 0.0 => 0.0,
            ratio if ratio.is_nan() => f64::INFINITY,
            ratio => ratio,
        };
        if ratio > self.ratio || (self.tolerance == 0.0 && ratio == self.ratio) {
            (self.worst, self.tolerance, self.ratio) = (off, limit, ratio);
        }
    }

    fn fail(&mut self, words: String) {
        self.failure.get_or_insert(words);
    }
}

/// The largest size of some numbers, at least `least`: what relative tolerances are relative to.
pub(super) fn scale(values: &[f64], least: f64) -> f64 {
    values.iter().fold(least, |most: f64, value| most.max(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(got: &[f64], want: &[f64], limit: f64) -> Comparison {
        let mut comparison = Comparison::default();
        comparison.within("A", got, want, |_| limit);
        comparison
    }

    #[test]
    fn the_worst_place_is_the_one_nearest_to_its_tolerance() {
        let mut comparison = Comparison::default();
        comparison.within("A", &[1.0, 2.5], &[1.25, 2.0], |i| [0.3, 1.0][i]);
        assert_eq!((comparison.worst, comparison.tolerance), (0.25, 0.3));
        assert_eq!((comparison.values, comparison.failure), (3, None));
    }

    #[test]
    fn what_is_off_is_named_with_both_values() {
        let failure = compared(&[1.0, 3.0, 9.0], &[1.0, 2.0, 2.0], 0.5).failure.unwrap();
        assert!(failure.starts_with("A[1] is 3e0, not 2e0 within 5.0e-1"), "{failure}");
        assert!(failure.contains("2 of 3 are off"), "{failure}");
    }

    #[test]
    fn a_nan_and_a_missing_value_fail_whatever_the_tolerance() {
        for (got, want) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN), (f64::INFINITY, 1.0)] {
            assert!(compared(&[got], &[want], 1e300).failure.is_some(), "{got} {want}");
        }
        assert!(compared(&[1.0], &[1.0, 2.0], 1.0).failure.is_some());
        assert_eq!(compared(&[f64::INFINITY], &[f64::INFINITY], 0.0).failure, None);
    }

    #[test]
    fn other_bits_are_noticed_even_of_equal_numbers() {
        let mut comparison = Comparison::default();
        comparison.same_bits("A", &[1.0, f64::NAN], &[1.0, f64::NAN]);
        assert_eq!(comparison.failure, None);
        comparison.same_bits("A", &[0.0], &[-0.0]);
        assert!(comparison.failure.is_some());
    }
}
