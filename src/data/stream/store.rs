//! Rows of numbers in files, each at a place that its number tells, read in any order.
//!
//! Positioned reads and no memory map: what a map has touched counts as the process's own memory, and a file that
//! shrinks under it kills the process.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use crate::data::input::read_error;
use crate::error::Result;
use crate::npy::{ElementType, Kind};

/// Rows that lie as close as this are read together with what lies between them.
const GAP: u64 = 1 << 12;

/// Bytes read at a time, where a row is not longer.
const SPAN: usize = 1 << 18;

/// A matrix in a file, row after row.
#[derive(Debug)]
pub(super) struct Matrix {
    pub(super) file: File,
    /// The file as messages name it.
    pub(super) path: PathBuf,
    /// Where the first row starts.
    pub(super) start: u64,
    pub(super) element: ElementType,
    pub(super) columns: usize,
}

impl Matrix {
    fn row_bytes(&self) -> usize {
        self.columns * self.element.size
    }
}

/// Matrices of equally many rows, side by side.
#[derive(Debug)]
pub(super) struct Store {
    matrices: Vec<Matrix>,
    rows: usize,
}

impl Store {
    pub(super) fn new(matrices: Vec<Matrix>, rows: usize) -> Self {
        Self { matrices, rows }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of all matrices.
    pub(super) fn columns(&self) -> usize {
        self.matrices.iter().map(|matrix| matrix.columns).sum()
    }

    /// Whether no cell can be missing or infinite.
    pub(super) fn is_whole(&self) -> bool {
        self.matrices.iter().all(|matrix| matrix.element.kind != Kind::Float)
    }

    /// Whether all cells are bytes.
    pub(super) fn is_bytes(&self) -> bool {
        let byte = |matrix: &Matrix| (matrix.element.kind, matrix.element.size) == (Kind::Unsigned, 1);
        self.matrices.iter().all(byte)
    }

    /// Reads some rows, in whatever order is fastest, and hands each over: where it stands in `rows`, and its cells.
    ///
    /// # Errors
    /// [`Error::Read`](crate::Error::Read), and those of `take`.
    pub(super) fn visit(
        &self,
        rows: &[usize],
        take: &mut dyn FnMut(usize, &[f64]) -> Result<()>,
    ) -> Result<()> {
        // As they lie in the file: a disk is fastest in one direction, and neighbours share a read.
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let row = |at: &u32| rows[*at as usize];
        if !rows.is_sorted() {
            order.sort_unstable_by_key(row);
        }
        let row_bytes = self.matrices.iter().map(Matrix::row_bytes).max().unwrap_or(0).max(1);
        let (most_rows, gap) = ((SPAN / row_bytes).max(1), GAP as usize / row_bytes);
        let mut bytes = Vec::new();
        let mut cells = vec![0.0; self.columns()];
        let mut rest = &order[..];
        while let Some(first) = rest.first().map(row) {
            let near = rest.windows(2).take_while(|pair| {
                let (this, next) = (row(&pair[0]), row(&pair[1]));
                next - this <= gap + 1 && next - first < most_rows
            });
            let together = &rest[..=near.count()];
            let last = together.last().map_or(first, row);
            self.read(first..last + 1, &mut bytes)?;
            for at in together {
                self.cells(row(at) - first, last + 1 - first, &bytes, &mut cells);
                take(*at as usize, &cells)?;
            }
            rest = &rest[together.len()..];
        }
        Ok(())
    }

    /// The bytes of consecutive rows, matrix after matrix.
    fn read(&self, rows: Range<usize>, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.resize(self.matrices.iter().map(|matrix| matrix.row_bytes() * rows.len()).sum(), 0);
        let mut rest = &mut bytes[..];
        for matrix in &self.matrices {
            let (own, others) = rest.split_at_mut(matrix.row_bytes() * rows.len());
            let offset = matrix.start + matrix.row_bytes() as u64 * rows.start as u64;
            read_at(&matrix.file, own, offset).map_err(|source| read_error(&matrix.path, source))?;
            rest = others;
        }
        Ok(())
    }

    /// The cells of a row among `n` that were read.
    fn cells(&self, row: usize, n: usize, bytes: &[u8], cells: &mut [f64]) {
        let (mut rest, mut cells) = (bytes, cells);
        for matrix in &self.matrices {
            let (own, others) = rest.split_at(matrix.row_bytes() * n);
            let (to, after) = cells.split_at_mut(matrix.columns);
            numbers(matrix.element, &own[matrix.row_bytes() * row..][..matrix.row_bytes()], to);
            (rest, cells) = (others, after);
        }
    }
}

/// Elements as numbers; those of the usual types without a look at the type for each.
fn numbers(element: ElementType, bytes: &[u8], cells: &mut [f64]) {
    match (element.kind, element.size, element.big_endian) {
        (Kind::Unsigned, 1, _) => {
            cells.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell = f64::from(*byte));
        }
        (Kind::Float, 4, false) => {
            let bytes = bytes.as_chunks::<4>().0;
            cells.iter_mut().zip(bytes).for_each(|(cell, b)| *cell = f64::from(f32::from_le_bytes(*b)));
        }
        (Kind::Float, 8, false) => {
            let bytes = bytes.as_chunks::<8>().0;
            cells.iter_mut().zip(bytes).for_each(|(cell, b)| *cell = f64::from_le_bytes(*b));
        }
        _ => {
            let bytes = bytes.chunks_exact(element.size);
            cells.iter_mut().zip(bytes).for_each(|(cell, bytes)| *cell = element.number(bytes));
        }
    }
}

/// Reads bytes from a place in a file, whatever its own position.
#[cfg(unix)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Reads bytes from a place in a file; nothing here relies on its own position.
#[cfg(windows)]
pub(super) fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

/// There are no files here.
#[cfg(not(any(unix, windows)))]
pub(super) fn read_at(_file: &File, _bytes: &mut [u8], _offset: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
