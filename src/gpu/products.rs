//! Which way each class of products of wide layers is multiplied; plain data. Measuring it is in `calibration`.

use std::fmt;

use crate::error::{Error, Result};
use crate::schedule::{Op, Schedule};

/// Ways to multiply the matrices of wide layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// As those of narrow layers: 4 rows and samples an invocation.
    Narrow,
    /// 8 rows and columns an invocation, loaded straight from the arrays.
    Registers,
    /// The same by way of workgroup memory.
    Workgroup,
}

impl Product {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Narrow, Self::Registers, Self::Workgroup];

    /// Its letter in the text of [`Products`].
    fn letter(self) -> char {
        match self {
            Self::Narrow => 'n',
            Self::Registers => 'r',
            Self::Workgroup => 'w',
        }
    }
}

/// Which of a layer's products: each runs through its matrices in an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// w x
    Forward,
    /// w^T dz
    Input,
    /// dz a_prev^T
    Weights,
}

/// Multiply-adds at which products count as medium, and as large: below, a device is not filled; above, it always is.
const SIZES: [u64; 2] = [1 << 22, 1 << 26];

/// Classes of size.
const N_SIZES: usize = SIZES.len() + 1;

/// Classes in all: of each side, by size.
const N_CLASSES: usize = 3 * N_SIZES;

/// A product that is to be computed: (rows, depth) times (depth, columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProductShape {
    pub(super) side: Side,
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) depth: u32,
}

impl ProductShape {
    /// The product that an operation computes, if it does.
    pub(super) fn of(op: &Op, schedule: &Schedule) -> Option<Self> {
        // Networks are validated: no layer has more than MAX_UNITS units; and samples are counted before.
        let rows = |id| schedule.tensor(id).rows as u32;
        let m = u32::try_from(schedule.m).ok()?;
        let (side, rows, columns, depth) = match *op {
            Op::MatmulBias { w, x, .. } => (Side::Forward, rows(w), m, rows(x)),
            Op::InputGradient { w, da, .. } => (Side::Input, rows(da), m, rows(w)),
            Op::WeightGradient { dz, a_prev, .. } => (Side::Weights, rows(dz), rows(a_prev), m),
            _ => return None,
        };
        Some(Self { side, rows, columns, depth })
    }

    fn class(self) -> usize {
        let multiply_adds = u64::from(self.rows) * u64::from(self.columns) * u64::from(self.depth);
        let size = SIZES.iter().filter(|&&size| multiply_adds >= size).count();
        self.side as usize * N_SIZES + size
    }
}

/// A way for each class of products that has been measured, and one for all others.
///
/// As text: the letters `n`arrow, `r`egisters, `w`orkgroup or `-` (not measured) of small, medium and large products forward,
/// of those back to the inputs, and of the gradients of weights: `rrw--wrww`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Products {
    measured: [Option<Product>; N_CLASSES],
    otherwise: Product,
}

impl Products {
    /// That way for all.
    pub fn all(product: Product) -> Self {
        Self { measured: [None; N_CLASSES], otherwise: product }
    }

    /// The same with what a text says was measured.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another text than the form has.
    pub fn measured(self, text: &str) -> Result<Self> {
        let way = |letter: char| match letter {
            '-' => Some(None),
            letter => Product::ALL.into_iter().find(|product| product.letter() == letter).map(Some),
        };
        let ways: Option<Vec<_>> = text.chars().map(way).collect();
        let measured = ways.and_then(|ways| ways.try_into().ok()).ok_or_else(|| {
            Error::invalid("ways to multiply", text, format!("give {N_CLASSES} of the letters n, r, w and -"))
        })?;
        Ok(Self { measured, ..self })
    }

    /// The way of a product.
    pub(super) fn way(&self, shape: ProductShape) -> Product {
        self.measured[shape.class()].unwrap_or(self.otherwise)
    }

    /// Whether the way of such products was measured.
    pub(super) fn knows(&self, shape: ProductShape) -> bool {
        self.measured[shape.class()].is_some()
    }

    /// Keeps what was measured.
    pub(super) fn learn(&mut self, shape: ProductShape, product: Product) {
        self.measured[shape.class()] = Some(product);
    }
}

impl fmt::Display for Products {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.measured.iter().map(|way| way.map_or('-', Product::letter));
        f.write_str(&letters.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_survives_as_text() {
        let products = Products::all(Product::Registers);
        let learnt = products.measured("nrw-rww--").expect("nine letters");
        assert_eq!(learnt.to_string(), "nrw-rww--");
        let shape = |side, size| ProductShape { side, rows: size, columns: size, depth: size };
        assert_eq!(learnt.way(shape(Side::Forward, 32)), Product::Narrow);
        assert_eq!(learnt.way(shape(Side::Forward, 1_024)), Product::Workgroup);
        assert_eq!(learnt.way(shape(Side::Input, 32)), Product::Registers, "not measured");
        assert_eq!(learnt.way(shape(Side::Input, 256)), Product::Registers);
        for wrong in ["", "nrw", "nrw-rww--n", "nrw-rww-x"] {
            assert!(products.measured(wrong).is_err(), "{wrong}");
        }
    }
}
