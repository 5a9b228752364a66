//! The samples of a training, rounded to f32 and packed by blocks; and blocks whose last columns are padding.

use std::ops::Range;

use super::aligned::{Buffer, LINE};
use super::blocks::{Blocks, pack, round};
use super::pass::Block;
use crate::error::Result;
use crate::schedule::Problem;

/// The samples.
pub(super) struct Data {
    x: Buffer,
    y: Buffer,
    n_features: usize,
    target_rows: usize,
    pub(super) blocks: Blocks,
}

impl Data {
    /// The samples of a problem in blocks of at most `widest`.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a value that f32 cannot hold.
    pub(super) fn new(problem: &Problem<'_>, widest: usize) -> Result<Self> {
        let blocks = Blocks::new(problem.batches(), widest);
        Ok(Self {
            x: pack("features", problem.x, &blocks)?,
            y: pack("targets", problem.y, &blocks)?,
            n_features: problem.network.n_features(),
            target_rows: problem.network.target_rows(),
            blocks,
        })
    }

    /// A block, which is copied only where it needs padding.
    pub(super) fn block<'a>(&'a self, index: usize, input: &'a mut Input) -> Block<'a> {
        let samples = self.blocks.samples(index);
        let of = |rows: usize| rows * samples.start..rows * samples.end;
        let (x, y) = (&self.x[of(self.n_features)], &self.y[of(self.target_rows)]);
        let valid = samples.len();
        if valid.is_multiple_of(LINE) {
            return Block { x, y, width: valid, valid };
        }
        let width = valid.next_multiple_of(LINE);
        pad(&mut input.x, x, valid, width);
        pad(&mut input.y, y, valid, width);
        Block {
            x: &input.x[..self.n_features * width],
            y: &input.y[..self.target_rows * width],
            width,
            valid,
        }
    }
}

/// Room for the samples of one block.
pub(super) struct Input {
    x: Buffer,
    y: Buffer,
}

impl Default for Input {
    fn default() -> Self {
        Self { x: Buffer::new(0), y: Buffer::new(0) }
    }
}

impl Input {
    /// A block of features for a prediction from columns of x (n_0, m), rounded to f32; `None` for a value that f32
    /// cannot hold.
    pub(super) fn features(&mut self, x: &[f64], m: usize, samples: Range<usize>) -> Option<Block<'_>> {
        let valid = samples.len();
        let width = valid.next_multiple_of(LINE);
        let len = x.len() / m * width;
        grow(&mut self.x, len);
        let mut finite = true;
        for (to, from) in self.x[..len].chunks_exact_mut(width).zip(x.chunks_exact(m)) {
            finite &= round(&from[samples.clone()], &mut to[..valid]);
            to[valid..].fill(0.0);
        }
        finite.then_some(Block { x: &self.x[..len], y: &[], width, valid })
    }
}

fn grow(buffer: &mut Buffer, len: usize) {
    if buffer.len() < len {
        *buffer = Buffer::new(len);
    }
}

/// The rows of `matrix` (rows, valid) with zeros behind them; (rows, width).
fn pad(padded: &mut Buffer, matrix: &[f32], valid: usize, width: usize) {
    let len = matrix.len() / valid * width;
    grow(padded, len);
    for (to, from) in padded[..len].chunks_exact_mut(width).zip(matrix.chunks_exact(valid)) {
        to[..valid].copy_from_slice(from);
        to[valid..].fill(0.0);
    }
}
