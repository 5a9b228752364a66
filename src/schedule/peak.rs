//! What a processor reaches at best, the yardstick of a benchmark; measured by the executors.

/// A processor's measured limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Single-precision operations a second, in 10^9; a multiply-add is two.
    pub gflops: f64,
    /// Bytes read and written a second by a copy, in 10^9.
    pub gbs: f64,
}

/// The best of so many measurements counts.
pub const PEAK_TRIALS: usize = 3;

/// Seconds that a measurement takes at least.
pub const PEAK_SECONDS: f64 = 0.02;

/// Bytes that are copied: more than caches hold.
pub const PEAK_COPIED: usize = 32 << 20;
