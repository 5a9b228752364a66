//! The rectangle of points a network is asked about, and its answers; neither prediction nor drawing.

use std::ops::RangeInclusive;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::Loss;

/// Room left around the data on each side, as a share of its extent.
const MARGIN: f64 = 0.1;

/// Points a side: two span a rectangle, more than the largest picture has pixels show nothing new.
const SIDE: RangeInclusive<usize> = 2..=4096;

/// A rectangle of evenly spaced points around a data set of two features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    x_range: (f64, f64),
    y_range: (f64, f64),
    columns: usize,
    rows: usize,
}

impl Grid {
    /// `columns` x `rows` points that reach a tenth of the data's extent beyond it on each side, or 1 unit where all
    /// values of a feature are equal.
    ///
    /// # Errors
    /// [`Error::Shape`] unless the data has exactly 2 features; [`Error::InvalidArgument`] for fewer than 2 or more
    /// than 4096 columns or rows; [`Error::Data`] if the extent of a feature exceeds the numbers.
    pub fn around(dataset: &Dataset, columns: usize, rows: usize) -> Result<Self> {
        if dataset.n_features != 2 {
            return Err(Error::Shape {
                what: format!("features of {} in a picture", dataset.name),
                expected: "2".into(),
                found: dataset.n_features.to_string(),
                hint: "only data with two features has a plane to be drawn on".into(),
            });
        }
        for (what, count) in [("grid columns", columns), ("grid rows", rows)] {
            if !SIDE.contains(&count) {
                let reason = format!("between {} and {} points a side", SIDE.start(), SIDE.end());
                return Err(Error::invalid(what, count, reason));
            }
        }
        let range = |feature: usize| {
            padded(&dataset.x[feature * dataset.m..(feature + 1) * dataset.m]).ok_or_else(|| {
                let name = &dataset.feature_names[feature];
                Error::data(
                    &dataset.name,
                    format!("feature `{name}` spans too much to be drawn; scale it down"),
                )
            })
        };
        Ok(Self { x_range: range(0)?, y_range: range(1)?, columns, rows })
    }

    /// The points as a network's input; (2, rows * columns), row-major: first the first feature of every point, then
    /// the second. Point `row * columns + column` has its second feature growing with `row` (from the lower edge up)
    /// and its first with `column`.
    pub fn points(&self) -> Vec<f64> {
        let at = |(low, high): (f64, f64), index: usize, count: usize| {
            let share = index as f64 / (count - 1) as f64;
            low * (1.0 - share) + high * share
        };
        let xs =
            (0..self.rows).flat_map(|_| 0..self.columns).map(|column| at(self.x_range, column, self.columns));
        let ys = (0..self.rows)
            .flat_map(|row| std::iter::repeat_n(at(self.y_range, row, self.rows), self.columns));
        xs.chain(ys).collect()
    }

    /// Number of points, rows * columns.
    pub fn n_points(&self) -> usize {
        self.rows * self.columns
    }

    /// The first feature at the left and right edge.
    pub fn x_range(&self) -> (f64, f64) {
        self.x_range
    }

    /// The second feature at the lower and upper edge.
    pub fn y_range(&self) -> (f64, f64) {
        self.y_range
    }

    /// Points along the first feature.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Points along the second feature.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// The extent of `values` with a margin, unless it overflows.
fn padded(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let size = low.abs().max(high.abs());
    // An extent near the rounding error of the values themselves counts as none.
    let margin = if high - low > 1e-9 * size { MARGIN * (high - low) } else { 1f64.max(1e-3 * size) };
    let range = (low - margin, high + margin);
    (range.1 - range.0).is_finite().then_some(range)
}

/// What a network says at the points of a [`Grid`].
#[derive(Clone, Debug, PartialEq)]
pub struct Regions {
    grid: Grid,
    outputs: Vec<f64>,
    n_outputs: usize,
    loss: Loss,
}

impl Regions {
    /// The `outputs` (K, rows * columns), row-major, of a network with the given `loss` at [`Grid::points`]: the
    /// probability of class 1 (K = 1) for binary cross-entropy, of each class for softmax, values for a regression
    /// (of which pictures show the first row). Values that are not finite are drawn grey.
    ///
    /// # Errors
    /// [`Error::Shape`] if the outputs are not whole rows of the grid, or K does not suit the loss.
    pub fn new(grid: Grid, outputs: Vec<f64>, loss: Loss) -> Result<Self> {
        let n_outputs = outputs.len() / grid.n_points();
        let (suits, expected) = match loss {
            Loss::BinaryCrossEntropy => (n_outputs == 1, "1"),
            Loss::SoftmaxCrossEntropy => (n_outputs >= 2, "2 or more"),
            Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => (n_outputs >= 1, "1 or more"),
        };
        if !suits || outputs.len() != n_outputs * grid.n_points() {
            return Err(Error::Shape {
                what: format!("outputs ({}) on a grid of {} points", loss.output_name(), grid.n_points()),
                expected: format!("{expected} rows of {} values", grid.n_points()),
                found: format!("{} values", outputs.len()),
                hint: "predict exactly the points of the grid".into(),
            });
        }
        Ok(Self { grid, outputs, n_outputs, loss })
    }

    /// The points the answers belong to.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The loss the network was trained with, which says what the answers mean.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The number of classes the network tells apart, or `None` for values.
    pub(super) fn n_classes(&self) -> Option<usize> {
        match self.loss {
            Loss::BinaryCrossEntropy => Some(2),
            Loss::SoftmaxCrossEntropy => Some(self.n_outputs),
            Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => None,
        }
    }

    /// The class at a place, given as shares of width and height from the lower left, with the confidence from 0 (all
    /// classes alike) to 1; `None` where an answer is not finite, and for regression.
    pub(super) fn class_at(&self, along: f64, up: f64) -> Option<(usize, f64)> {
        let cell = self.cell(along, up);
        let (mut finite, mut highest) = (true, f64::NEG_INFINITY);
        let values = (0..self.n_outputs).map(|row| self.interpolated(row, &cell)).inspect(|&value| {
            finite &= value.is_finite();
            highest = highest.max(value);
        });
        let class = self.loss.class_of(values)? as usize;
        if !finite {
            return None;
        }
        let confidence = match self.loss {
            Loss::BinaryCrossEntropy => (2.0 * highest - 1.0).abs(),
            _ => (highest * self.n_outputs as f64 - 1.0) / (self.n_outputs as f64 - 1.0),
        };
        Some((class, confidence.clamp(0.0, 1.0)))
    }

    /// The first output at a place, given as in [`Self::class_at`].
    pub(super) fn value_at(&self, along: f64, up: f64) -> f64 {
        self.interpolated(0, &self.cell(along, up))
    }

    /// The finite values of the first output.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.outputs[..self.grid.n_points()].iter().copied().filter(|value| value.is_finite())
    }

    /// Whether all answers are the same up to `f32` rounding: such a network has no boundary, only noise.
    pub(super) fn is_flat(&self) -> bool {
        self.outputs.chunks_exact(self.grid.n_points()).all(|row| {
            let low = row.iter().copied().fold(f64::INFINITY, f64::min);
            let high = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            high - low <= 1e-6
        })
    }

    fn cell(&self, along: f64, up: f64) -> Cell {
        let place = |share: f64, count: usize| {
            let at = share.clamp(0.0, 1.0) * (count - 1) as f64;
            let below = (at as usize).min(count - 2);
            (below, at - below as f64)
        };
        let (column, right) = place(along, self.grid.columns);
        let (row, above) = place(up, self.grid.rows);
        Cell { point: row * self.grid.columns + column, right, above }
    }

    /// Bilinear between the four points around.
    fn interpolated(&self, output: usize, cell: &Cell) -> f64 {
        let lower = output * self.grid.n_points() + cell.point;
        let upper = lower + self.grid.columns;
        let between =
            |start: usize| self.outputs[start] * (1.0 - cell.right) + self.outputs[start + 1] * cell.right;
        between(lower) * (1.0 - cell.above) + between(upper) * cell.above
    }
}

/// Four neighbouring points: the lower left one, and a place between them.
struct Cell {
    point: usize,
    right: f64,
    above: f64,
}
