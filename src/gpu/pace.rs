//! How many iterations a submission takes, so that none keeps the device for long; plain numbers, the clock is the caller's.

use std::time::Duration;

use super::arrays::HISTORY_CAPACITY;

/// How long one submission may keep the device: Windows resets a GPU after two seconds, and a screen wants its frames.
pub const TIME_BUDGET: Duration = Duration::from_millis(50);

/// The most dispatches of a submission: bounds the memory of its commands.
const MAX_DISPATCHES: usize = 50_000;

/// So much longer may the next submission be at most.
const STEP: f64 = 4.0;

/// How many iterations fit the time budget, learnt from one submission to the next.
///
/// The next takes its share of the budget at the speed of the last. So a submission of more than one iteration stays below twice
/// the budget as long as an iteration takes at most twice as long as in the submission before; a single iteration is cut into
/// pieces of some dispatches.
pub(super) struct Pace {
    iterations: usize,
    most: usize,
    dispatches: usize,
    /// Submissions of an iteration that is too long for one.
    pieces: usize,
}

impl Pace {
    pub(super) fn new(dispatches: usize) -> Self {
        let most = (MAX_DISPATCHES / dispatches.max(1)).clamp(1, HISTORY_CAPACITY);
        // The first submission is the shortest: it also compiles, and nobody knows the device yet.
        Self { iterations: 1, most, dispatches: dispatches.max(1), pieces: 1 }
    }

    /// Iterations of the next submission.
    pub(super) fn iterations(&self) -> usize {
        self.iterations
    }

    /// Dispatches of a submission at most: all of its iterations, or a part of the one that is too long.
    pub(super) fn dispatches(&self) -> usize {
        if self.pieces == 1 { usize::MAX } else { self.dispatches.div_ceil(self.pieces) }
    }

    /// Learns from `done` iterations that took so long together.
    pub(super) fn learn(&mut self, done: usize, elapsed: Duration) {
        let budgets = elapsed.as_secs_f64().max(1e-6) / TIME_BUDGET.as_secs_f64();
        // One that was too long is followed by one that is not.
        let next = done as f64 / budgets.max(1.0 / STEP);
        self.iterations = (next as usize).clamp(1, self.most);
        self.pieces = if done == 1 { (budgets.ceil() as usize).clamp(1, self.dispatches) } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::{Pace, TIME_BUDGET};

    /// Devices from a hundred times slower than a budget an iteration to far faster, whose speed changes by up to `change` from
    /// one submission to the next; the longest submission in budgets, single pieces of an iteration aside.
    fn longest(change: f64, seed: u64) -> f64 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let budget = TIME_BUDGET.as_secs_f64();
        let dispatches = random.random_range(1..40);
        let mut pace = Pace::new(dispatches);
        let mut iteration = budget * 10f64.powf(random.random_range(-6.0..2.0));
        let overhead = budget * random.random_range(0.0..0.5);
        let mut longest = 0f64;
        for _ in 0..300 {
            iteration *= change.powf(random.random_range(-1.0..=1.0));
            let count = pace.iterations();
            let seconds = overhead + count as f64 * iteration;
            if count > 1 {
                longest = longest.max(seconds / budget);
            }
            pace.learn(count, Duration::from_secs_f64(seconds));
        }
        longest
    }

    #[test]
    fn no_submission_exceeds_twice_the_budget_while_the_speed_at_most_halves() {
        for seed in 0..2_000 {
            let most = longest(2.0, seed);
            assert!(most <= 2.0 + 1e-9, "seed {seed}: {most} budgets");
        }
        // The bound is one: where the speed falls to a quarter it does not hold.
        assert!((0..2_000).any(|seed| longest(4.0, seed) > 2.0));
    }

    #[test]
    fn the_budget_is_used() {
        // Steady iterations of a hundredth of it: after a few submissions it is full.
        let mut pace = Pace::new(2);
        for _ in 0..10 {
            pace.learn(pace.iterations(), TIME_BUDGET / 100 * pace.iterations() as u32);
        }
        assert!((99..=100).contains(&pace.iterations()), "{}", pace.iterations());
    }

    #[test]
    fn an_iteration_that_is_too_long_is_cut_into_pieces_that_are_not() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..1_000 {
            let dispatches = random.random_range(2..60);
            let each = TIME_BUDGET.as_secs_f64() * random.random_range(0.01..1.0);
            let mut pace = Pace::new(dispatches);
            pace.learn(1, Duration::from_secs_f64(each * dispatches as f64));
            let piece = pace.dispatches().min(dispatches * pace.iterations()) as f64 * each;
            assert!(
                piece <= 2.0 * TIME_BUDGET.as_secs_f64(),
                "{dispatches} dispatches of {each} s: {piece} s"
            );
        }
    }
}
