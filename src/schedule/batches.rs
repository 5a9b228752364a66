//! Samples in batches, in their own order or in one that is drawn anew for each epoch.
//!
//! The order is computed and kept nowhere: executors and devices agree on it to the bit, and a training that is taken up again
//! goes on with it.

use std::ops::Range;

use super::hash::{GOLDEN, mix};

/// Samples that an evaluation takes at a time, unless the batches are larger: its matrices stay small.
pub const EVALUATION_BLOCK: usize = 1 << 13;

/// Samples, so many at a time; the last batch of an epoch takes what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Samples in all, at least 1.
    pub m: usize,
    /// Samples of a batch, between 1 and `m`.
    pub size: usize,
    /// The seed of the order of the samples; consecutive ones without. A batch of all samples has no use for an order.
    pub shuffle: Option<u32>,
}

impl Batches {
    /// Batches of samples in their own order.
    pub fn in_order(m: usize, size: usize) -> Self {
        Self { m, size, shuffle: None }
    }

    /// Batches of an epoch.
    pub fn count(self) -> usize {
        self.m.div_ceil(self.size)
    }

    /// The positions of iteration `t`, counted from 0, in the order of its epoch: batch t mod count.
    pub fn positions(self, t: usize) -> Range<usize> {
        let start = t % self.count() * self.size;
        start..self.m.min(start + self.size)
    }

    /// Whether the samples come in another order than their own.
    pub fn shuffled(self) -> bool {
        self.shuffle.is_some() && self.count() > 1
    }

    /// The order of the samples in iteration `t`, if it is not their own.
    pub fn order(self, t: usize) -> Option<Order> {
        let seed = self.shuffle.filter(|_| self.shuffled())?;
        // An epoch after 2^32 others would repeat the first.
        Some(Order::new(self.m, seed, (t / self.count()) as u32))
    }

    /// The samples of iteration `t`.
    pub fn samples(self, t: usize) -> impl ExactSizeIterator<Item = usize> {
        let order = self.order(t);
        self.positions(t).map(move |position| order.map_or(position, |order| order.sample(position)))
    }
}

/// The samples of some whole batches, one after the other in the order of the training, for an executor that does not hold
/// all samples; the last batch may be the last of an epoch, and shorter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window<'a> {
    /// The iteration of its first batch.
    pub first: usize,
    /// Samples.
    pub m: usize,
    /// Features, (m, n_0).
    pub x: &'a [f32],
    /// Targets, and weights behind them if there are any, (m, target rows).
    pub y: &'a [f32],
}

/// A permutation of m samples: which of them is at a position.
///
/// A Feistel network on the bits of the position, walked until it lands below m (Black & Rogaway 2002, "cycle walking"), with
/// the finaliser of MurmurHash3 for its rounds; the twin of `shaders/order.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    m: u32,
    key: u32,
    /// Bits of the halves.
    low: u32,
    high: u32,
}

impl Order {
    const ROUNDS: u32 = 8;

    /// The order of an epoch.
    pub fn new(m: usize, seed: u32, epoch: u32) -> Self {
        let last = u32::try_from(m.saturating_sub(1)).unwrap_or(u32::MAX);
        let bits = u32::BITS - last.leading_zeros();
        let low = bits / 2;
        Self { m: last.saturating_add(1), key: mix(mix(seed).wrapping_add(epoch)), low, high: bits - low }
    }

    /// The sample at a position below m.
    pub fn sample(self, position: usize) -> usize {
        let mut at = position as u32;
        loop {
            at = self.round_trip(at);
            if at < self.m {
                return at as usize;
            }
        }
    }

    fn round_trip(self, at: u32) -> u32 {
        let (low_mask, high_mask) = ((1 << self.low) - 1, ((1u64 << self.high) - 1) as u32);
        let (mut low, mut high) = (at & low_mask, at >> self.low);
        for round in (0..Self::ROUNDS).step_by(2) {
            low ^= self.hash(high, round) & low_mask;
            high ^= self.hash(low, round + 1) & high_mask;
        }
        high << self.low | low
    }

    fn hash(self, half: u32, round: u32) -> u32 {
        mix(half ^ self.key.wrapping_add(round.wrapping_mul(GOLDEN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_take_every_sample_once_an_epoch() {
        for (m, size) in [(1, 1), (2, 1), (3, 2), (7, 3), (10, 5), (400, 400), (1_024, 100), (10_000, 128)] {
            for shuffle in [None, Some(1), Some(u32::MAX)] {
                let batches = Batches { m, size, shuffle };
                for epoch in [0, 1, 7] {
                    let first = epoch * batches.count();
                    let samples = (first..first + batches.count()).flat_map(|t| batches.samples(t));
                    let mut samples: Vec<usize> = samples.collect();
                    if shuffle.is_none() {
                        assert_eq!(samples, (0..m).collect::<Vec<_>>());
                    }
                    samples.sort_unstable();
                    assert_eq!(samples, (0..m).collect::<Vec<_>>(), "{batches:?}");
                }
                assert_eq!(batches.positions(batches.count()), 0..size);
            }
        }
    }

    #[test]
    fn orders_differ_by_seed_and_epoch_and_look_random() {
        let order = |seed, epoch| -> Vec<usize> {
            (0..1_000).map(|position| Order::new(1_000, seed, epoch).sample(position)).collect()
        };
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        // Each sample comes to each tenth of the epoch about as often: chi squared with 999 * 9 degrees of freedom.
        let epochs = 200;
        let mut tenths = vec![[0f64; 10]; 1_000];
        for epoch in 0..epochs {
            for (position, sample) in order(3, epoch).into_iter().enumerate() {
                tenths[sample][position / 100] += 1.0;
            }
        }
        let expected = f64::from(epochs) / 10.0;
        let chi: f64 = tenths.iter().flatten().map(|n| (n - expected).powi(2) / expected).sum();
        let freedom = 999.0 * 9.0;
        assert!((chi - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(), "{chi}");
        // As many neighbours stay neighbours as in a random order: about one in 500.
        let neighbours = (0..epochs).flat_map(|epoch| {
            order(3, epoch).windows(2).map(|pair| pair[0].abs_diff(pair[1]) == 1).collect::<Vec<_>>()
        });
        let share = neighbours.filter(|&stay| stay).count() as f64 / (999.0 * f64::from(epochs));
        assert!((share - 0.002).abs() < 0.0006, "{share}");
    }
}
