//! A learning rate that falls when a training under watch stands still: what the looks so far have made of it.

use super::metrics::Metric;
use super::watch::Look;
use crate::schedule::{Decay, RateSchedule};

/// Follows the looks at a training. All that it knows follows from them, so that a training that is taken up again shows it
/// those from before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    rates: RateSchedule,
    metric: Metric,
    best: Option<f64>,
    /// Looks since the best one, or since the rate has fallen.
    without: usize,
}

impl Plateau {
    /// Before the first look; `None` for rates that do not wait for a plateau. `metric` is what has to improve on the validation
    /// data; without, it is the training cost.
    pub fn of(rates: RateSchedule, metric: Metric) -> Option<Self> {
        let waits = matches!(rates.decay, Decay::Plateau { .. });
        waits.then_some(Self { rates, metric, best: None, without: 0 })
    }

    /// As it is after these looks and no others.
    pub fn after(&self, looks: &[Look]) -> Self {
        let mut rates = self.rates;
        if let Decay::Plateau { reductions, .. } = &mut rates.decay {
            *reductions = 0;
        }
        let mut plateau = Self { rates, best: None, without: 0, ..*self };
        for look in looks {
            plateau.see(look);
        }
        plateau
    }

    /// Takes notice of a look, and says whether the rate falls.
    pub fn see(&mut self, look: &Look) -> bool {
        let value = look.value(self.metric);
        // A first NaN is the best until there is a number.
        if self.best.is_none_or(|best| self.metric.improves(value, best) || best.is_nan()) {
            self.best = Some(value);
            self.without = 0;
            return false;
        }
        self.without += 1;
        let Decay::Plateau { patience, reductions, .. } = &mut self.rates.decay else { return false };
        let falls = self.without >= *patience;
        if falls {
            *reductions = reductions.saturating_add(1);
            self.without = 0;
        }
        falls
    }

    /// The rates with the reductions so far.
    pub fn rates(&self) -> RateSchedule {
        self.rates
    }

    /// The part of the learning rate that is left.
    pub fn factor(&self) -> f64 {
        match self.rates.decay {
            Decay::Plateau { factor, reductions, .. } => factor.powf(f64::from(reductions)),
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(training_cost: f64) -> Look {
        Look { iteration: 0, training_cost, validation: None, best: false }
    }

    /// As Keras' ReduceLROnPlateau with a min_delta of 0 goes.
    #[test]
    fn the_rate_falls_after_every_so_many_looks_without_an_improvement() {
        let decay = Decay::Plateau { factor: 0.5, patience: 2, reductions: 0 };
        let rates = RateSchedule { decay, warm_up: 0 };
        let mut plateau = Plateau::of(rates, Metric::Cost).unwrap();
        let costs = [5.0, 4.0, 4.0, 4.5, 4.2, 4.1, 3.9, 4.0, 3.8, 3.8, f64::NAN, 3.8, 3.8];
        let falls: Vec<bool> = costs.into_iter().map(|cost| plateau.see(&look(cost))).collect();
        let want = [3, 5, 10, 12];
        assert_eq!(falls, (0..13).map(|at| want.contains(&at)).collect::<Vec<_>>());
        assert_eq!((plateau.factor(), plateau.rates().factor(100)), (1.0 / 16.0, 1.0 / 16.0));
        assert_eq!(
            plateau.after(&costs[..6].iter().map(|&cost| look(cost)).collect::<Vec<_>>()).factor(),
            0.25
        );
        assert_eq!(Plateau::of(RateSchedule::default(), Metric::Cost), None);
    }
}
