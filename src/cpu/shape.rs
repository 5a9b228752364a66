//! How a plan runs: how wide its blocks are, whether threads share a block or have blocks of their own, and from how much
//! work on there are threads at all. All of it follows from shapes, so that the bits do not depend on the machine's cores.

use super::aligned::LINE;
use super::plan::Plan;

/// Bytes of a narrow network's block: it stays in the caches of one core from the first layer to the last and back.
const NARROW_BLOCK: usize = 48 << 10;

/// Bytes of a wide network's block: the products go through the caches in tiles of their own.
const WIDE_BLOCK: usize = 32 << 20;

/// Samples of a block at most: beyond, the fixed cost of a block is lost in its work.
const MOST_SAMPLES: usize = 1 << 10;

/// Samples of a block at least, where the batch has as many.
const FEWEST_SAMPLES: usize = 4 * LINE;

/// Parameters from which on a network is wide: gradients for each chunk would be more memory than the blocks.
const WIDE: usize = 1 << 15;

/// Chunks of a batch at most, each with gradients of its own that are added in order: enough for many threads, and few
/// enough that adding them costs nothing.
const MOST_CHUNKS: usize = 128;

/// Work of [`Plan::work`] times samples that is worth waking other threads, about ten microseconds.
const WORTH_THREADS: usize = 400_000;

/// Work after which an executor returns to its caller: a twentieth of a second with vectors, and not many times that
/// without.
const WORK_BUDGET: usize = 1 << 31;

/// How one network runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Whether threads share each block, one after the other; otherwise they have blocks of their own.
    pub(super) wide: bool,
    /// Samples of a block at most.
    pub(super) widest: usize,
    work: usize,
}

impl Shape {
    /// The shape of a network with that many parameters and features, whose plan this is.
    pub(super) fn new(plan: &Plan, n_parameters: usize, n_features: usize) -> Self {
        let wide = n_parameters >= WIDE;
        let column = size_of::<f32>() * (plan.rows + n_features);
        let fitting = if wide { WIDE_BLOCK } else { NARROW_BLOCK } / column;
        let widest = if wide { fitting } else { fitting.max(FEWEST_SAMPLES) };
        let widest = widest.clamp(LINE, MOST_SAMPLES) / LINE * LINE;
        Self { wide, widest, work: plan.work() }
    }

    /// Whether so many samples are worth more than one thread.
    pub(super) fn is_worth_threads(&self, samples: usize) -> bool {
        self.work.saturating_mul(samples) >= WORTH_THREADS
    }

    /// Iterations on so many samples until the caller should have a look.
    pub(super) fn affordable(&self, samples: usize) -> usize {
        (WORK_BUDGET / self.work.saturating_mul(samples).max(1)).max(1)
    }

    /// Chunks that a batch of so many blocks is cut into.
    pub(super) fn chunks(&self, blocks: usize) -> usize {
        if self.wide { 1 } else { blocks.min(MOST_CHUNKS) }
    }
}
