//! Receiver operating characteristics: the share found over the share wrongly taken, a curve a class.

use image::RgbImage;

use super::axis::Axis;
use super::canvas::{Point, Rect};
use super::chart::{self, Side, Symbol};
use super::colours::BORDER;
use super::sheet::{Caption, Look, Sheet, sparse};
use crate::error::Result;
use crate::training::RocCurve;

/// The most curves that one picture tells apart.
const MOST: usize = 10;

/// The curves of named classes with their areas; of more than ten those of the smallest areas, where there is most to see.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a side below 160 or above 4096 pixels.
pub fn roc_picture(curves: &[(&str, RocCurve)], caption: &Caption<'_>) -> Result<RgbImage> {
    let mut shown: Vec<&(&str, RocCurve)> = curves.iter().collect();
    if shown.len() > MOST {
        shown.sort_by(|a, b| a.1.area.total_cmp(&b.1.area));
        shown.truncate(MOST);
    }
    let mut entries: Vec<(Symbol, String)> = (shown.iter().enumerate())
        .map(|(index, (name, curve))| {
            (Look::of(index).symbol(), format!("{name}: area {:.3}", shown_area(curve.area)))
        })
        .collect();
    entries.push((Symbol::Dashes(BORDER), "guessing: area 0.500".into()));
    if shown.len() < curves.len() {
        entries.push((Symbol::Remark, format!("the {MOST} smallest areas of {} classes", curves.len())));
    }
    let mut sheet = Sheet::new(caption, entries)?;
    let axis = Axis::linear((0.0, 1.0));
    let side = |label| Side { axis: &axis, label, whole: false, lines: true, room: 0.0 };
    let (x, y) =
        (side("share of the others that is taken for the class"), side("share of the class that is found"));
    let plot = chart::axes(&mut sheet.canvas, sheet.chart, &x, &y, &sheet.theme);
    let place = |(x, y): Point| place(plot, (x, y));
    let guessing = [place((0.0, 0.0)), place((1.0, 1.0))];
    let unit = sheet.theme.unit;
    chart::dashes(&mut sheet.canvas, &guessing, (1.2 * unit, 6.0 * unit), BORDER);
    // The first lies on top of the others.
    for (index, (_, curve)) in shown.iter().enumerate().rev() {
        sheet.line(&sparse(curve.points.iter().map(|&point| place(point))), Look::of(index));
    }
    Ok(sheet.finish(plot))
}

/// Rounded, but an area below 1 does not show as 1.
fn shown_area(area: f64) -> f64 {
    if area < 1.0 { area.min(0.999) } else { area }
}

/// Where shares of both axes lie.
pub(super) fn place(plot: Rect, (x, y): Point) -> Point {
    (plot.left + x * plot.width(), plot.bottom - y * plot.height())
}
