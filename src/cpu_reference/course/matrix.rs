//! The matrix of the course's functions: a shape and its numbers; arithmetic is elsewhere.

use crate::error::{Error, Result};

/// A matrix (rows, cols), row-major, never empty.
///
/// ```
/// use gpu_nn::cpu_reference::course::Matrix;
///
/// let x = Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])?;
/// assert_eq!(x.shape(), (2, 3));
/// assert_eq!(x.row(1), [4.0, 5.0, 6.0]);
/// # Ok::<(), gpu_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// The matrix (rows, cols) of the given values, row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] when `data` does not hold `rows * cols` values, or holds none.
    pub fn new(rows: usize, cols: usize, data: Vec<f64>) -> Result<Self> {
        if data.is_empty() || rows.checked_mul(cols) != Some(data.len()) {
            return Err(Error::Shape {
                what: "matrix".into(),
                expected: format!("({rows}, {cols}), at least one value"),
                found: format!("{} values", data.len()),
                hint: "give the values row by row".into(),
            });
        }
        Ok(Self { rows, cols, data })
    }

    /// The matrix of the given rows.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows differ in length, or there is nothing in them.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Result<Self> {
        let cols = rows.first().map_or(0, |row| row.as_ref().len());
        if let Some((i, row)) = rows.iter().enumerate().find(|(_, row)| row.as_ref().len() != cols) {
            return Err(Error::Shape {
                what: format!("row {i} of a matrix"),
                expected: format!("{cols} values, as in row 0"),
                found: format!("{} values", row.as_ref().len()),
                hint: "give all rows the same length".into(),
            });
        }
        Self::new(rows.len(), cols, rows.iter().flat_map(|row| row.as_ref()).copied().collect())
    }

    /// All zeros; the caller has the two numbers from another matrix, or has looked at them.
    pub(super) fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// (rows, cols), as NumPy's `shape`.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns: of samples, m, in X, Y, Z and A.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All values, row by row.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// All values, row by row, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// The values of row `i`, counted from 0; empty when there is no such row.
    pub fn row(&self, i: usize) -> &[f64] {
        self.data.chunks_exact(self.cols).nth(i).unwrap_or_default()
    }

    /// f(self, other), element by element; the shapes have been found equal.
    pub(super) fn zip_map(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let data = self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect();
        Self { rows: self.rows, cols: self.cols, data }
    }

    /// f(self), element by element.
    pub(super) fn map(&self, f: impl FnMut(f64) -> f64) -> Self {
        Self { rows: self.rows, cols: self.cols, data: self.data.iter().copied().map(f).collect() }
    }

    /// Refuses a matrix of another shape than `expected`.
    pub(super) fn expect_shape(&self, what: &str, expected: (usize, usize), hint: &str) -> Result<()> {
        if self.shape() == expected {
            return Ok(());
        }
        Err(Error::Shape {
            what: what.into(),
            expected: format!("{expected:?}"),
            found: format!("{:?}", self.shape()),
            hint: hint.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_ragged_and_empty_matrices() {
        assert!(Matrix::from_rows(&[vec![1.0, 2.0], vec![3.0]]).is_err());
        assert!(Matrix::from_rows::<[f64; 2]>(&[]).is_err());
        assert!(Matrix::from_rows(&[[], []]).is_err());
        assert!(Matrix::new(2, 2, vec![1.0; 3]).is_err());
        assert!(Matrix::new(usize::MAX, 2, vec![1.0; 3]).is_err());
    }
}
