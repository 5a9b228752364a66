//! The samples of a training, rounded to f32 and packed by blocks; and blocks whose last columns are padding.

use std::ops::Range;

use super::aligned::{Buffer, LINE};
use super::blocks::{Blocks, by_sample, pack};
use super::convert::round;
use super::pass::Block;
use crate::error::Result;
use crate::schedule::{Batches, Problem, Window};

/// The samples: packed by blocks, or where they are shuffled or come a window at a time, one after the other.
pub(super) struct Data {
    x: Buffer,
    y: Buffer,
    n_features: usize,
    target_rows: usize,
    by_sample: bool,
    pub(super) blocks: Blocks,
}

impl Data {
    /// The samples of a problem in blocks of at most `widest`.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a value that f32 cannot hold.
    pub(super) fn new(problem: &Problem<'_>, widest: usize) -> Result<Self> {
        let blocks = Blocks::new(problem.batches(), widest);
        let packed = |what, matrix| match blocks.batches.shuffled() {
            false => pack(what, matrix, &blocks),
            true => by_sample(what, matrix, problem.m),
        };
        Ok(Self {
            x: packed("features", problem.x)?,
            y: packed("targets", &problem.targets())?,
            n_features: problem.network.n_features(),
            target_rows: problem.network.target_rows() + usize::from(problem.weights.is_some()),
            by_sample: blocks.batches.shuffled(),
            blocks,
        })
    }

    /// Puts other samples in their place, in the order in which they are to be taken.
    pub(super) fn replace(&mut self, window: &Window<'_>) {
        let Batches { size, .. } = self.blocks.batches;
        // Blocks are as wide as ever: that hangs on the size of a batch alone.
        self.blocks.batches = Batches::in_order(window.m, size);
        self.by_sample = true;
        for (own, new) in [(&mut self.x, window.x), (&mut self.y, window.y)] {
            grow(own, new.len());
            own[..new.len()].copy_from_slice(new);
        }
    }

    /// A block of the samples in their own order.
    pub(super) fn block<'a>(&'a self, index: usize, input: &'a mut Input) -> Block<'a> {
        match self.by_sample {
            false => self.packed(index, input),
            true => self.picked(self.blocks.samples(index), input),
        }
    }

    /// A block of iteration `t`.
    pub(super) fn block_of_iteration<'a>(
        &'a self,
        t: usize,
        index: usize,
        input: &'a mut Input,
    ) -> Block<'a> {
        match self.blocks.batches.order(t) {
            None => Block { first: self.blocks.within_batch(index), ..self.block(index, input) },
            Some(order) => {
                let positions = self.blocks.samples(index);
                let block = self.picked(positions.map(|position| order.sample(position)), input);
                Block { first: self.blocks.within_batch(index), ..block }
            }
        }
    }

    /// Samples from wherever they are.
    fn picked<'a>(&self, samples: impl ExactSizeIterator<Item = usize>, input: &'a mut Input) -> Block<'a> {
        let valid = samples.len();
        let width = valid.next_multiple_of(LINE);
        let (n_x, n_y) = (self.n_features, self.target_rows);
        grow(&mut input.x, n_x * width);
        grow(&mut input.y, n_y * width);
        input.picked.clear();
        input.picked.extend(samples);
        pick(&self.x, n_x, &input.picked, &mut input.x, width);
        pick(&self.y, n_y, &input.picked, &mut input.y, width);
        Block { x: &input.x[..n_x * width], y: &input.y[..n_y * width], width, valid, first: 0 }
    }

    /// A packed block, which is copied only where it needs padding.
    fn packed<'a>(&'a self, index: usize, input: &'a mut Input) -> Block<'a> {
        let samples = self.blocks.samples(index);
        let of = |rows: usize| rows * samples.start..rows * samples.end;
        let (x, y) = (&self.x[of(self.n_features)], &self.y[of(self.target_rows)]);
        let valid = samples.len();
        let first = self.blocks.within_batch(index);
        if valid.is_multiple_of(LINE) {
            return Block { x, y, width: valid, valid, first };
        }
        let width = valid.next_multiple_of(LINE);
        pad(&mut input.x, x, valid, width);
        pad(&mut input.y, y, valid, width);
        Block {
            x: &input.x[..self.n_features * width],
            y: &input.y[..self.target_rows * width],
            width,
            valid,
            first,
        }
    }
}

/// Room for the samples of one block.
pub(super) struct Input {
    x: Buffer,
    y: Buffer,
    picked: Vec<usize>,
}

impl Default for Input {
    fn default() -> Self {
        Self { x: Buffer::new(0), y: Buffer::new(0), picked: Vec::new() }
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
        finite.then_some(Block { x: &self.x[..len], y: &[], width, valid, first: samples.start })
    }
}

/// Some rows of `all` (m, rows) as the columns of a matrix (rows, width), with zeros behind them. A tile at a time, so that
/// what is written stays in the cache until its lines are full.
fn pick(all: &[f32], rows: usize, samples: &[usize], matrix: &mut [f32], width: usize) {
    for tile in (0..rows).step_by(LINE) {
        let tile = tile..rows.min(tile + LINE);
        for (j, &sample) in samples.iter().enumerate() {
            let values = &all[sample * rows..][tile.clone()];
            for (i, value) in tile.clone().zip(values) {
                matrix[i * width + j] = *value;
            }
        }
        for i in tile {
            matrix[i * width + samples.len()..(i + 1) * width].fill(0.0);
        }
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
