//! A picture of one chart: header above, key below, lines in looks that are told apart; what the lines mean is the pictures'.

use image::RgbImage;

use super::boundary::ENLARGED;
use super::canvas::{Canvas, Point, Rect};
use super::chart::{self, Key, Symbol, Theme};
use super::colours::{self, Colour};
use crate::error::Result;

/// Title, caption and size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caption<'a> {
    /// The first line; left out if empty.
    pub title: &'a str,
    /// The second line; left out if empty.
    pub caption: &'a str,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

/// A picture in the making.
pub(super) struct Sheet {
    pub(super) canvas: Canvas,
    pub(super) theme: Theme,
    /// Where the chart goes.
    pub(super) chart: Rect,
    key: Key,
}

impl Sheet {
    pub(super) fn new(caption: &Caption<'_>, entries: Vec<(Symbol, String)>) -> Result<Self> {
        let mut canvas = Canvas::new(caption.size, ENLARGED)?;
        let theme = Theme::of(caption.size);
        let area = canvas.area().inset(theme.margin());
        let area = chart::header(&mut canvas, area, caption.title, caption.caption, &theme);
        let key = Key::Entries(entries);
        let below = key.height(area.width(), &theme) + 0.6 * theme.text();
        let chart = Rect { top: area.top + 0.2 * theme.text(), bottom: area.bottom - below, ..area };
        Ok(Self { canvas, theme, chart, key })
    }

    /// Draws the key, its left edge at that of the chart's plot.
    pub(super) fn finish(mut self, plot: Rect) -> RgbImage {
        let top = self.chart.bottom + 0.6 * self.theme.text();
        self.key.draw(&mut self.canvas, Rect { left: plot.left, top, ..self.chart }, &self.theme);
        self.canvas.finish()
    }

    /// A line in a look.
    pub(super) fn line(&mut self, points: &[Point], look: Look) {
        let width = 2.0 * self.theme.unit;
        match look.dashed {
            false => self.canvas.line(points, width, look.colour),
            true => chart::dashes(&mut self.canvas, points, (width, 5.0 * width), look.colour),
        }
    }
}

/// How a line is told apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) colour: Colour,
    pub(super) dashed: bool,
}

impl Look {
    /// The colours of curves that are read on white, without the yellow; when they are used up, the same in dashes.
    pub(super) fn of(index: usize) -> Self {
        const READABLE: [usize; 7] = [0, 1, 2, 3, 4, 5, 7];
        let colour = colours::curve(READABLE[index % READABLE.len()]);
        Self { colour, dashed: index >= READABLE.len() }
    }

    pub(super) fn symbol(self) -> Symbol {
        if self.dashed { Symbol::Dashes(self.colour) } else { Symbol::Line(self.colour) }
    }
}

/// Without the points that lie within a quarter of a pixel of the one before, but for the last.
pub(super) fn sparse(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    let mut left_out = None;
    for point in points {
        let near = kept.last().is_some_and(|last| (point.0 - last.0).hypot(point.1 - last.1) < 0.25);
        if near {
            left_out = Some(point);
        } else {
            kept.push(point);
            left_out = None;
        }
    }
    kept.extend(left_out);
    kept
}
