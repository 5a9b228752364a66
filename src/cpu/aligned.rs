//! Buffers of `f32` that begin at a cache line, so that no register of samples straddles two of them.

use std::ops::{Deref, DerefMut};

/// Columns of every block come in multiples of this: a cache line, and a whole number of registers of any processor.
pub(super) const LINE: usize = 16;

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// So many numbers, zeros at first.
pub(super) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub(super) fn new(len: usize) -> Self {
        Self { lines: bytemuck::zeroed_vec(len.div_ceil(LINE)), len }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}
