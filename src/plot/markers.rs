//! Samples as markers: a shape for each class, so that colour is never all that tells them apart.

use std::f64::consts::TAU;

use super::canvas::{Canvas, Point};
use super::colours::{Colour, WHITE};

/// Shapes before they start again: coprime to the 8 class colours, so that 56 classes differ in one or the other.
const SHAPES: usize = 7;

/// More samples than this hide the regions and each other; a spread-out choice of them is drawn.
pub(super) const MOST_SHOWN: usize = 2000;

/// Draws a marker with a white outline; all shapes look about as large as a disc of the given radius.
pub(super) fn draw(canvas: &mut Canvas, shape: usize, centre: Point, radius: f64, colour: Colour) {
    let outline = (0.28 * radius).max(0.6);
    fill(canvas, shape, centre, radius, outline, WHITE);
    fill(canvas, shape, centre, radius, 0.0, colour);
}

/// `grown`: how far every edge lies outside the shape.
fn fill(canvas: &mut Canvas, shape: usize, centre: Point, radius: f64, grown: f64, colour: Colour) {
    let mut regular = |corners: u32, size: f64, turned: f64| {
        // The corners of a polygon move further than its edges do.
        let reach = size * radius + grown / (TAU / f64::from(2 * corners)).cos();
        canvas.polygon(
            (0..corners).map(|corner| {
                let angle = TAU * (f64::from(corner) / f64::from(corners) + turned);
                (centre.0 + reach * angle.sin(), centre.1 - reach * angle.cos())
            }),
            colour,
        );
    };
    match shape % SHAPES {
        0 => canvas.disc(centre, radius + grown, colour),
        1 => regular(3, 1.38, 0.0),
        2 => regular(4, 1.26, 0.125),
        3 => regular(4, 1.28, 0.0),
        4 => regular(3, 1.38, 0.5),
        5 => regular(6, 1.12, 0.0),
        _ => {
            let (long, thick) = (1.2 * radius + grown, 0.46 * radius + grown);
            for (across, down) in [(long, thick), (thick, long)] {
                let [left, right] = [centre.0 - across, centre.0 + across];
                let [top, bottom] = [centre.1 - down, centre.1 + down];
                canvas.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour);
            }
        }
    }
}

/// The radius at which `count` markers leave room for the regions, in units of the theme.
pub(super) fn radius(count: usize) -> f64 {
    match count {
        0..=600 => 3.9,
        601..=MOST_SHOWN => 3.0,
        _ => 2.4,
    }
}

/// The samples to draw, at most about [`MOST_SHOWN`] of `m`, in an order that lets no class cover another as a whole.
///
/// Multiples of the golden ratio, modulo 1, spread evenly and without a period: whether the samples are sorted by class
/// or classes take turns, every class is drawn in proportion.
pub(super) fn chosen(m: usize) -> Vec<usize> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let share = MOST_SHOWN as f64 / m as f64;
    let mut keyed: Vec<(f64, usize)> = (0..m)
        .map(|sample| ((sample as f64 * GOLDEN).fract(), sample))
        .filter(|(key, _)| *key < share)
        .collect();
    keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    keyed.into_iter().map(|(_, sample)| sample).collect()
}
