//! Matrices of elements as columns of cells that grow as the bytes arrive.

use std::io::Read;

use crate::data::table::Cells;
use crate::npy::{ElementType, Failure, Header, Kind, blocks, expect_end};

/// The most columns a file may have: no header makes a reader allocate more than a block for each.
pub(super) const MAX_COLUMNS: usize = 1 << 20;

/// A matrix of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Matrix {
    pub(in crate::data) element: ElementType,
    pub(in crate::data) rows: usize,
    pub(in crate::data) columns: usize,
    /// Whether neighbours in the file are neighbours in a column.
    pub(in crate::data) by_column: bool,
}

impl Matrix {
    /// Rows and columns of an array: one of one dimension is a column, the dimensions after the first are laid out side by
    /// side.
    ///
    /// # Errors
    /// An array that is no matrix of samples, in words.
    pub(super) fn of_array(header: &Header) -> Result<Self, String> {
        let Header { element, fortran_order, ref shape, .. } = *header;
        let Some((&rows, rest)) = shape.split_first() else {
            return Err("it holds a single number, not an array of samples".into());
        };
        if fortran_order && rest.len() > 1 {
            return Err(
                "it has more than two dimensions in Fortran order; save it with numpy.ascontiguousarray"
                    .into(),
            );
        }
        let columns = rest.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let Some(columns) = columns.filter(|columns| (1..=MAX_COLUMNS).contains(columns)) else {
            let sizes: Vec<_> = shape.iter().take(8).collect();
            return Err(format!("its shape {sizes:?} has no columns or more than {MAX_COLUMNS}"));
        };
        if element.kind == Kind::Text && columns > 1 {
            return Err("it holds texts; only labels may be texts in an array".into());
        }
        Ok(Self { element, rows, columns, by_column: fortran_order })
    }

    /// Bytes of a row.
    pub(in crate::data) fn row_bytes(&self) -> usize {
        self.columns * self.element.size
    }

    /// Reads the elements, which are all that is left to be read.
    ///
    /// # Errors
    /// Those of the reader, and [`Failure::Content`] where it ends earlier or later.
    pub(super) fn read(&self, reader: &mut dyn Read) -> Result<Vec<Cells>, Failure> {
        let Self { element, rows, columns, by_column } = *self;
        let mut collectors: Vec<Collector> = (0..columns).map(|_| Collector::new(element)).collect();
        if by_column {
            for collector in &mut collectors {
                let size = element.size;
                blocks(reader, rows, size, &mut |bytes| collector.extend(bytes, 0, size))?;
            }
        } else {
            let row = self.row_bytes();
            blocks(reader, rows, row, &mut |bytes| {
                let mut collectors = collectors.iter_mut().enumerate();
                collectors.try_for_each(|(column, it)| it.extend(bytes, column * element.size, row))
            })?;
        }
        expect_end(reader)?;
        Ok(collectors.into_iter().map(|collector| collector.cells).collect())
    }
}

/// A column that grows.
struct Collector {
    element: ElementType,
    cells: Cells,
}

impl Collector {
    fn new(element: ElementType) -> Self {
        let cells = match (element.kind, element.size) {
            (Kind::Unsigned, 1) => Cells::Bytes(Vec::new()),
            (Kind::Float, 4) => Cells::Singles(Vec::new()),
            (Kind::Text, _) => Cells::Texts { codes: Vec::new(), texts: Vec::new() },
            _ => Cells::Doubles(Vec::new()),
        };
        Self { element, cells }
    }

    /// Takes the elements at `start`, `start + stride`, ...
    fn extend(&mut self, bytes: &[u8], start: usize, stride: usize) -> Result<(), Failure> {
        let element = self.element;
        let elements = bytes.chunks_exact(stride).map(|piece| &piece[start..start + element.size]);
        match &mut self.cells {
            Cells::Bytes(cells) => cells.extend(elements.map(|bytes| bytes[0])),
            Cells::Singles(cells) => cells.extend(elements.map(|bytes| element.number(bytes) as f32)),
            Cells::Doubles(cells) => cells.extend(elements.map(|bytes| element.number(bytes))),
            Cells::Texts { codes, texts } => {
                for text in elements.map(|bytes| element.text(bytes)) {
                    let text = text?;
                    // Texts are labels: few, and most often the one just seen.
                    let code = texts.iter().rposition(|known| *known == text).unwrap_or_else(|| {
                        texts.push(text);
                        texts.len() - 1
                    });
                    codes.push(code as u32);
                }
            }
        }
        Ok(())
    }
}
