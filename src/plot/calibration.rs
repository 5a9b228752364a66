//! Reliability diagrams: what came true over what was predicted, and how often each was predicted.

use image::RgbImage;

use super::axis::{Axis, number};
use super::canvas::Rect;
use super::chart::{self, Side, Symbol};
use super::colours::{BORDER, MUTED};
use super::roc::place;
use super::sheet::{Caption, Look, Sheet};
use super::text::{self, Align, Height, TextStyle};
use crate::error::Result;
use crate::training::{CalibrationBin, calibration_error};

/// The share of the picture's height that the counts take.
const COUNTS: f64 = 0.26;

/// A reliability diagram of bins of equal width from 0 to 1, with a bar and a number for the samples of each; `what` is
/// predicted (`probability of rain`) and `came_true` is its name on the other axis (`share that is rain`).
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a side below 160 or above 4096 pixels.
pub fn calibration_picture(
    bins: &[CalibrationBin],
    (what, came_true): (&str, &str),
    caption: &Caption<'_>,
) -> Result<RgbImage> {
    let look = Look::of(0);
    let error = format!("network: off by {:.3} on average", calibration_error(bins));
    let entries = vec![(look.symbol(), error), (Symbol::Dashes(BORDER), "as often as predicted".to_owned())];
    let mut sheet = Sheet::new(caption, entries)?;
    let split = sheet.chart.bottom - COUNTS * sheet.chart.height();
    let (above, below) = (Rect { bottom: split, ..sheet.chart }, Rect { top: split, ..sheet.chart });

    let axis = Axis::linear((0.0, 1.0));
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1) as f64;
    // Room for the numbers on top of the bars.
    let counts = Axis::linear((0.0, 1.35 * most));
    let (small, room) = (sheet.theme.small(), 4.0 * sheet.theme.small());
    let side = |axis, label| Side { axis, label, whole: false, lines: true, room };
    let horizontal = |label| Side { room: 0.0, ..side(&axis, label) };
    let plot = chart::axes(&mut sheet.canvas, above, &horizontal(""), &side(&axis, came_true), &sheet.theme);
    let bars = Side { whole: true, ..side(&counts, "samples") };
    let strip = chart::axes(&mut sheet.canvas, below, &horizontal(what), &bars, &sheet.theme);
    let unit = sheet.theme.unit;
    let diagonal = [place(plot, (0.0, 0.0)), place(plot, (1.0, 1.0))];
    chart::dashes(&mut sheet.canvas, &diagonal, (1.2 * unit, 6.0 * unit), BORDER);

    let filled: Vec<&CalibrationBin> = bins.iter().filter(|bin| bin.count > 0).collect();
    let points: Vec<_> = filled.iter().map(|bin| place(plot, (bin.predicted, bin.observed))).collect();
    sheet.line(&points, look);
    points.iter().for_each(|&point| sheet.canvas.disc(point, 3.6 * unit, look.colour));
    let style = |size| TextStyle {
        size,
        colour: MUTED,
        align: Align::Middle,
        height: Height::Baseline,
        upwards: false,
    };
    let width = strip.width() / bins.len().max(1) as f64;
    for (index, bin) in bins.iter().enumerate() {
        let left = strip.left + index as f64 * width;
        let top = strip.bottom - counts.share(bin.count as f64) * strip.height();
        let bar = Rect { left: left + 0.08 * width, right: left + 0.92 * width, top, bottom: strip.bottom };
        sheet.canvas.rectangle(bar, look.colour);
        let label = number(bin.count as f64, 0);
        // Numbers that are wider than their bar would run into each other.
        let size = small * (width / text::width(&label, small).max(1.0)).min(1.0);
        sheet.canvas.text(&label, &style(size), (left + width / 2.0, top - 0.3 * small));
    }
    Ok(sheet.finish(plot))
}
