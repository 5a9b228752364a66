//! A learning-rate range test: the cost over the rate, on a logarithmic axis.

use image::RgbImage;

use super::axis::{Axis, number};
use super::canvas::{Point, Rect};
use super::chart::{self, Side, Symbol};
use super::colours::{self, INK, WHITE};
use super::sheet::{Caption, Look, Sheet, sparse};
use crate::error::Result;
use crate::training::RangeTested;

/// The cost of every iteration and the smoothed one over the learning rate, with a line at the steepest descent.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a side below 160 or above 4096 pixels.
pub fn rates_picture(test: &RangeTested, caption: &Caption<'_>) -> Result<RgbImage> {
    let look = Look::of(0);
    let pale = colours::mix(WHITE, look.colour, 0.35);
    let mut entries = vec![(look.symbol(), "cost, smoothed".to_owned())];
    let noisy = test.costs != test.smoothed;
    if noisy {
        entries.push((Symbol::Line(pale), "cost of each batch".to_owned()));
    }
    if let Some(rate) = test.steepest {
        entries.push((Symbol::Dashes(INK), format!("sinks fastest at {}", short(rate))));
    }
    let mut sheet = Sheet::new(caption, entries)?;
    let (x, y) = axes(test);
    let x_side = Side { axis: &x, label: "learning rate", whole: false, lines: true, room: 0.0 };
    let y_side = Side { axis: &y, label: "cost", whole: false, lines: true, room: 0.0 };
    let plot = chart::axes(&mut sheet.canvas, sheet.chart, &x_side, &y_side, &sheet.theme);
    let unit = sheet.theme.unit;
    if noisy {
        for piece in pieces(plot, (&x, &y), &test.rates, &test.costs) {
            sheet.canvas.line(&piece, unit, pale);
        }
    }
    for piece in pieces(plot, (&x, &y), &test.rates, &test.smoothed) {
        sheet.line(&piece, look);
    }
    if let Some(rate) = test.steepest {
        let at = plot.left + x.share(rate) * plot.width();
        chart::dashes(&mut sheet.canvas, &[(at, plot.bottom), (at, plot.top)], (1.4 * unit, 6.0 * unit), INK);
    }
    Ok(sheet.finish(plot))
}

/// A rate with two digits.
fn short(rate: f64) -> String {
    let decimals = (1.0 - rate.log10().floor()).clamp(0.0, 12.0) as usize;
    number(rate, decimals)
}

/// All rates, and costs up to some way above the first: what diverges would flatten the rest.
fn axes(test: &RangeTested) -> (Axis, Axis) {
    let (first, last) = (test.rates[0], test.rates[test.rates.len() - 1]);
    let x = if last > first {
        Axis::logarithmic((first, last))
    } else {
        Axis::logarithmic((first, 10.0 * first))
    };
    let low = test.smoothed.iter().chain(&test.costs).copied().fold(f64::INFINITY, f64::min);
    let high = test.smoothed.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let high = high.min(test.smoothed[0] + (test.smoothed[0] - low));
    let room = 0.06 * (high - low);
    (x, Axis::linear((low - room, high + room)))
}

/// The line through the costs that can be shown, in pieces.
fn pieces(plot: Rect, (x, y): (&Axis, &Axis), rates: &[f64], costs: &[f64]) -> Vec<Vec<Point>> {
    let place = |(rate, cost): (&f64, &f64)| {
        let inside = y.contains(*cost);
        inside.then(|| {
            (plot.left + x.share(*rate) * plot.width(), plot.bottom - y.share(*cost) * plot.height())
        })
    };
    let points: Vec<Option<Point>> = rates.iter().zip(costs).map(place).collect();
    let runs = points.split(Option::is_none).filter(|run| !run.is_empty());
    runs.map(|run| sparse(run.iter().copied().flatten())).collect()
}
