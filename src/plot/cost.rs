//! Costs over iterations: scales, gaps, thinning of long histories, and the chart of one or several curves.

use std::cmp::Ordering;

use image::RgbImage;

use super::axis::Axis;
use super::boundary::ENLARGED;
use super::canvas::{Canvas, Point, Rect};
use super::chart::{self, Key, Side, Symbol, Theme};
use super::colours::{self, Colour, MUTED};
use super::text::{Align, Height, TextStyle};
use crate::error::Result;

/// Above this quotient of largest and smallest cost, a linear axis would flatten most of the curve.
const LINEAR_RANGE: f64 = 100.0;

/// The cost of a training at every `step`-th iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve<'a> {
    /// What distinguishes it from other curves (`learning rate 1.2`); may be empty.
    pub label: &'a str,
    /// The iteration of the first cost.
    pub start: usize,
    /// Iterations from one cost to the next; 0 counts as 1.
    pub step: usize,
    /// The costs, in order; those that are not finite are gaps in the line.
    pub costs: &'a [f64],
}

impl Curve<'_> {
    pub(super) fn points(&self) -> impl Iterator<Item = Point> {
        let (start, step) = (self.start as f64, self.step.max(1) as f64);
        self.costs.iter().enumerate().map(move |(index, &cost)| (start + index as f64 * step, cost))
    }
}

/// How costs are laid out along the axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostScale {
    /// Logarithmic if all costs are positive and differ by more than two decades, else linear.
    #[default]
    Automatic,
    /// Equal differences are equal distances.
    Linear,
    /// Equal quotients are equal distances; costs that are not positive are gaps.
    Logarithmic,
}

/// Title, size and scale of a [`cost_curve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostOptions<'a> {
    /// The first line; left out if empty.
    pub title: &'a str,
    /// The second line; left out if empty.
    pub caption: &'a str,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// How costs are laid out.
    pub scale: CostScale,
}

impl Default for CostOptions<'_> {
    fn default() -> Self {
        Self { title: "", caption: "", size: (960, 600), scale: CostScale::Automatic }
    }
}

/// A chart of costs over iterations, one line a curve. Long histories keep the largest and smallest cost of every half
/// pixel, so that oscillation shows.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a side below 160 or above 4096 pixels.
pub fn cost_curve(curves: &[Curve<'_>], options: &CostOptions<'_>) -> Result<RgbImage> {
    let mut canvas = Canvas::new(options.size, ENLARGED)?;
    let theme = Theme::of(options.size);
    let area = canvas.area().inset(theme.margin());
    let area = chart::header(&mut canvas, area, options.title, options.caption, &theme);
    let mut plot_area = Rect { top: area.top + 0.2 * theme.text(), ..area };
    let named = curves.iter().any(|curve| !curve.label.is_empty());
    let key = named.then(|| {
        let entry = |(index, curve): (usize, &Curve<'_>)| {
            (Symbol::Line(colours::curve(index)), curve.label.to_string())
        };
        Key::Entries(curves.iter().enumerate().map(entry).collect())
    });
    if let Some(key) = &key {
        plot_area.bottom -= key.height(area.width(), &theme) + 0.6 * theme.text();
    }
    let axes = CostAxes::around(curves.iter().flat_map(Curve::points), options.scale);
    let plot = axes.draw(&mut canvas, plot_area, &theme, &CostStyle { names: true, rooms: (0.0, 0.0) });
    for (index, curve) in curves.iter().enumerate() {
        axes.line(&mut canvas, plot, curve.points(), 2.0 * theme.unit, colours::curve(index));
    }
    if axes.empty {
        let style = TextStyle {
            size: theme.text(),
            colour: MUTED,
            align: Align::Middle,
            height: Height::Centre,
            upwards: false,
        };
        let middle = (plot.left + plot.width() / 2.0, plot.top + plot.height() / 2.0);
        canvas.text("no finite cost", &style, middle);
    }
    if let Some(key) = &key {
        let below = Rect { left: plot.left, top: plot_area.bottom + 0.6 * theme.text(), ..area };
        key.draw(&mut canvas, below, &theme);
    }
    Ok(canvas.finish())
}

/// How the axes of costs are drawn.
pub(super) struct CostStyle {
    /// Whether they carry names.
    pub(super) names: bool,
    /// See [`Side::room`]: beside the costs' labels, and beyond the last iteration.
    pub(super) rooms: (f64, f64),
}

/// The ranges of iterations and costs.
pub(super) struct CostAxes {
    x: Axis,
    y: Axis,
    logarithmic: bool,
    /// Whether there was nothing to go by.
    empty: bool,
}

impl CostAxes {
    /// Axes that hold all finite costs.
    pub(super) fn around(points: impl Iterator<Item = Point>, scale: CostScale) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut first, mut last) = (f64::INFINITY, f64::NEG_INFINITY);
        for (iteration, cost) in points {
            (first, last) = (first.min(iteration), last.max(iteration));
            if cost.is_finite() && (scale != CostScale::Logarithmic || cost > 0.0) {
                (low, high) = (low.min(cost), high.max(cost));
            }
        }
        let empty = low > high;
        let x = match first.total_cmp(&last) {
            Ordering::Less => (first, rounded_up(last)),
            Ordering::Equal => (0.0, last.max(1.0)),
            Ordering::Greater => (0.0, 1.0),
        };
        let logarithmic = !empty
            && match scale {
                CostScale::Automatic => low > 0.0 && high / LINEAR_RANGE > low,
                CostScale::Linear => false,
                CostScale::Logarithmic => true,
            };
        let y = match (empty, logarithmic) {
            (true, _) => Axis::linear((0.0, 1.0)),
            (_, true) => Axis::logarithmic((low, high)),
            _ => linear_costs(low, high),
        };
        Self { x: Axis::linear(x), y, logarithmic, empty }
    }

    /// Draws the axes into `area`; returns the rectangle between them.
    pub(super) fn draw(&self, canvas: &mut Canvas, area: Rect, theme: &Theme, style: &CostStyle) -> Rect {
        let name = |name| if style.names { name } else { "" };
        let cost = if self.logarithmic { "cost (logarithmic)" } else { "cost" };
        let (beside, beyond) = style.rooms;
        let x = Side { axis: &self.x, label: name("iteration"), whole: true, lines: true, room: beyond };
        let y = Side { axis: &self.y, label: name(cost), whole: false, lines: true, room: beside };
        chart::axes(canvas, area, &x, &y, theme)
    }

    /// Draws a line through points in the order of their iterations; one between gaps is a dot.
    pub(super) fn line(
        &self,
        canvas: &mut Canvas,
        plot: Rect,
        points: impl Iterator<Item = Point>,
        width: f64,
        colour: Colour,
    ) {
        for piece in thinned(points.map(|point| self.place(plot, point))) {
            match piece.as_slice() {
                [alone] => canvas.disc(*alone, 1.5 * width, colour),
                points => canvas.line(points, width, colour),
            }
        }
    }

    /// Where a point lies in the picture, unless its cost cannot be shown.
    pub(super) fn place(&self, plot: Rect, (iteration, cost): Point) -> Option<Point> {
        let shown = cost.is_finite() && (!self.logarithmic || cost > 0.0);
        shown.then(|| {
            let (along, up) = (self.x.share(iteration).clamp(0.0, 1.0), self.y.share(cost).clamp(0.0, 1.0));
            (plot.left + along * plot.width(), plot.bottom - up * plot.height())
        })
    }
}

/// The next number of two digits and zeros if it is near, so that 10,000 iterations, counted from 0, end with a tick.
fn rounded_up(last: f64) -> f64 {
    let unit = 10f64.powf(last.log10().floor() - 1.0);
    let round = (last / unit).ceil() * unit;
    if round <= 1.01 * last { round } else { last }
}

/// Room above and below; from 0 where that does not flatten the curve.
fn linear_costs(low: f64, high: f64) -> Axis {
    let room = 0.06 * (high - low);
    if low == high {
        Axis::linear((low, high))
    } else if low >= 0.0 && low < 0.5 * high {
        Axis::linear((0.0, high + room))
    } else {
        Axis::linear((low - room, high + room))
    }
}

/// Splits at gaps, and keeps of every half pixel's width the first, lowest, highest and last point, in order: the
/// line through them covers the same pixels as the line through all.
fn thinned(points: impl Iterator<Item = Option<Point>>) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = Vec::new();
    let mut column: Option<Column> = None;
    for point in points {
        match (&mut column, point) {
            (Some(open), Some(point)) if open.holds(point) => open.add(point),
            (open, point) => {
                if let Some(full) = open.take() {
                    piece.extend(full.kept());
                }
                *open = point.map(Column::new);
                if point.is_none() && !piece.is_empty() {
                    pieces.push(std::mem::take(&mut piece));
                }
            }
        }
    }
    piece.extend(column.iter().flat_map(Column::kept));
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// Points within half a pixel's width.
struct Column {
    first: Point,
    /// With the order in which it came.
    lowest: (usize, Point),
    highest: (usize, Point),
    last: Point,
    count: usize,
}

impl Column {
    fn new(point: Point) -> Self {
        Self { first: point, lowest: (0, point), highest: (0, point), last: point, count: 1 }
    }

    fn holds(&self, point: Point) -> bool {
        (2.0 * self.first.0).floor() == (2.0 * point.0).floor()
    }

    fn add(&mut self, point: Point) {
        if point.1 > self.lowest.1.1 {
            self.lowest = (self.count, point);
        }
        if point.1 < self.highest.1.1 {
            self.highest = (self.count, point);
        }
        self.last = point;
        self.count += 1;
    }

    fn kept(&self) -> Vec<Point> {
        let (earlier, later) = if self.lowest.0 < self.highest.0 {
            (self.lowest.1, self.highest.1)
        } else {
            (self.highest.1, self.lowest.1)
        };
        let mut kept = vec![self.first, earlier, later, self.last];
        kept.dedup();
        kept
    }
}
