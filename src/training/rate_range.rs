//! The learning-rate range test (Smith 2017, "Cyclical learning rates"): a short training whose rate rises from far too small to
//! far too large, and where along it the cost sank.

use super::executor::Executor;
use crate::error::{Error, Result};
use crate::schedule::{Decay, Descent, RateSchedule};

/// The test ends when the smoothed cost is this many times what it was at best, or at first.
const TOO_HIGH: f64 = 4.0;

/// Iterations between two looks at the cost.
const LOOK_EVERY: usize = 10;

/// What to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeTest {
    /// The first learning rate.
    pub from: f64,
    /// The last one.
    pub to: f64,
    /// Steps from the one to the other, each by the same factor; at least 2.
    pub iterations: usize,
    /// How much of the mean so far stays when a cost is added, in [0, 1): costs of batches are noisy.
    pub smoothing: f64,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeTested {
    /// The rate of each iteration that was done.
    pub rates: Vec<f64>,
    /// The cost before each of them.
    pub costs: Vec<f64>,
    /// The mean of the costs, the later ones counting most.
    pub smoothed: Vec<f64>,
    /// Whether the test ended because the cost had become too high, or no number.
    pub diverged: bool,
    /// Where the cost sank fastest: a rate to train with; `None` if it never sank.
    pub steepest: Option<f64>,
    /// Where it was lowest: a rate that is too high to begin with.
    pub lowest: Option<f64>,
}

impl RangeTest {
    /// Refuses a range that cannot be meant.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming what is wrong.
    pub fn check(&self) -> Result<()> {
        let usable = |what, rate: f64| match rate > 0.0 && rate.is_finite() {
            true => Ok(()),
            false => Err(Error::invalid(what, rate, "it is a positive number")),
        };
        usable("first learning rate", self.from)?;
        usable("last learning rate", self.to)?;
        if self.from >= self.to {
            let reason = format!("it is above the last, {}; the rate rises", self.to);
            return Err(Error::invalid("first learning rate", self.from, reason));
        }
        if self.iterations < 2 {
            return Err(Error::invalid("number of iterations", self.iterations, "it is at least 2"));
        }
        match (0.0..1.0).contains(&self.smoothing) {
            true => Ok(()),
            false => Err(Error::invalid("smoothing", self.smoothing, "it lies in [0, 1), such as 0.9")),
        }
    }

    /// A descent with the rates of the test in the place of its own.
    pub fn descent(&self, descent: Descent) -> Descent {
        let decay = Decay::Rise { over: self.iterations - 1, from: self.from / self.to };
        Descent { learning_rate: self.to, rates: RateSchedule { decay, warm_up: 0 }, ..descent }
    }

    /// Runs the test on an executor of a problem with [`descent`](Self::descent), calling back with the iterations done.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::Diverged`] when the cost of the first parameters is no number; failures of the
    /// device.
    pub async fn run(
        &self,
        executor: &mut Executor<'_>,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<RangeTested> {
        self.check()?;
        let mut costs: Vec<f64> = Vec::new();
        let (mut done, mut diverged) = (0, false);
        while done < self.iterations && !diverged {
            let until = (done + LOOK_EVERY).min(self.iterations);
            while done < until {
                done += executor.run(until - done).await?;
            }
            costs.extend(executor.take_costs().await?);
            let usable = usable(&costs, self.smoothing);
            diverged = usable < costs.len();
            costs.truncate(usable);
            on_progress(done);
        }
        if costs.is_empty() {
            return Err(Error::Diverged { iteration: 0, cost: f64::NAN, learning_rate: self.from });
        }
        let schedule = self.descent(Descent::sgd(0.0)).rates;
        let rates = (0..costs.len()).map(|t| self.to * schedule.factor(t)).collect();
        Ok(RangeTested::new(rates, costs, self.smoothing, diverged))
    }
}

/// How many of the costs, from the first on, are neither too high nor no number.
fn usable(costs: &[f64], smoothing: f64) -> usize {
    let mut lowest = f64::INFINITY;
    let smoothed = smooth(costs, smoothing);
    let too_high = |(cost, smoothed): (&f64, &f64)| {
        lowest = lowest.min(*smoothed);
        !cost.is_finite() || *smoothed > TOO_HIGH * lowest
    };
    costs.iter().zip(&smoothed).position(too_high).unwrap_or(costs.len())
}

/// s_t = beta s_(t-1) + (1 - beta) c_t from s = 0, divided by 1 - beta^(t+1).
fn smooth(costs: &[f64], beta: f64) -> Vec<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let smoothed = costs.iter().map(|cost| {
        sum = beta * sum + (1.0 - beta) * cost;
        weight = beta * weight + (1.0 - beta);
        sum / weight
    });
    smoothed.collect()
}

impl RangeTested {
    fn new(rates: Vec<f64>, costs: Vec<f64>, smoothing: f64, diverged: bool) -> Self {
        let smoothed = smooth(&costs, smoothing);
        let low = (0..smoothed.len()).min_by(|&i, &j| smoothed[i].total_cmp(&smoothed[j])).unwrap_or(0);
        // A slope over a few steps: one alone is noise. Steps are alike on the axis of ln(rate).
        let reach = (rates.len() / 40).max(1);
        let slope = |t: usize| {
            let (first, last) = (t.saturating_sub(reach), (t + reach).min(low));
            (smoothed[last] - smoothed[first]) / (last - first).max(1) as f64
        };
        let steepest = (0..low).map(|t| (t, slope(t))).min_by(|a, b| a.1.total_cmp(&b.1));
        let steepest = steepest.filter(|(_, slope)| *slope < 0.0).map(|(t, _)| rates[t]);
        let lowest = steepest.map(|_| rates[low]);
        Self { rates, costs, smoothed, diverged, steepest, lowest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(costs: &[f64]) -> RangeTested {
        let rates = (0..costs.len()).map(|t| 10f64.powf(t as f64 / 10.0 - 5.0)).collect();
        RangeTested::new(rates, costs.to_vec(), 0.0, false)
    }

    #[test]
    fn the_steepest_descent_and_the_lowest_cost_are_found() {
        // Flat, down most steeply at t = 50, lowest at t = 64, then up.
        let costs: Vec<f64> = (0..80)
            .map(|t| match t {
                0..65 => 1.0 / (1.0 + f64::from(t - 50).exp()),
                _ => f64::from(t - 64),
            })
            .collect();
        let found = test(&costs);
        assert!((found.steepest.unwrap().log10() - 0.0).abs() < 0.11, "{:?}", found.steepest);
        assert!((found.lowest.unwrap().log10() - 1.4).abs() < 1e-9, "{:?}", found.lowest);
        let rising: Vec<f64> = (0..80).map(f64::from).collect();
        assert_eq!((test(&rising).steepest, test(&rising).lowest), (None, None));
    }

    #[test]
    fn costs_that_are_too_high_or_no_numbers_end_the_test() {
        assert_eq!(usable(&[1.0, 0.5, 1.9, 2.1], 0.0), 3);
        assert_eq!(usable(&[1.0, f64::NAN, 1.0], 0.5), 1);
        assert_eq!(usable(&[1.0; 5], 0.9), 5);
    }

    #[test]
    fn smoothing_keeps_a_constant_and_follows_a_step() {
        assert!(smooth(&[2.0; 10], 0.9).iter().all(|cost| (cost - 2.0).abs() < 1e-12));
        let step = smooth(&[0.0, 1.0], 0.5);
        assert!((step[1] - 2.0 / 3.0).abs() < 1e-12, "{step:?}");
    }

    #[test]
    fn rates_rise_by_the_same_factor_from_the_first_to_the_last() {
        let range = RangeTest { from: 1e-4, to: 1.0, iterations: 5, smoothing: 0.0 };
        let descent = range.descent(Descent::sgd(7.0));
        descent.check().unwrap();
        let rates: Vec<f64> = (0..5).map(|t| descent.learning_rate * descent.rates.factor(t)).collect();
        for (rate, want) in rates.iter().zip([1e-4, 1e-3, 1e-2, 1e-1, 1.0]) {
            assert!((rate / want - 1.0).abs() < 1e-12, "{rates:?}");
        }
        for bad in [
            RangeTest { from: 0.0, ..range },
            RangeTest { to: f64::INFINITY, ..range },
            RangeTest { from: 2.0, ..range },
            RangeTest { iterations: 1, ..range },
            RangeTest { smoothing: 1.0, ..range },
        ] {
            assert!(bad.check().unwrap_err().is_usage());
        }
    }
}
