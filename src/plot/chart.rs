//! The parts every picture shares: sizes, header, axes, key; not what is drawn between the axes.

use super::axis::{Axis, Tick};
use super::canvas::{Canvas, Point, Rect};
use super::colours::{self, BORDER, Colour, GRID, INK, MUTED};
use super::markers;
use super::text::{self, Align, Height, TextStyle};

/// Sizes of everything, in proportion to the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    /// 1 in a picture of about 640 x 560 pixels.
    pub(super) unit: f64,
}

impl Theme {
    pub(super) fn of((width, height): (u32, u32)) -> Self {
        let side = f64::from(width).min(1.15 * f64::from(height));
        Self { unit: (side / 640.0).clamp(0.5, 6.0) }
    }

    pub(super) fn title(&self) -> f64 {
        18.0 * self.unit
    }

    pub(super) fn text(&self) -> f64 {
        13.5 * self.unit
    }

    pub(super) fn small(&self) -> f64 {
        12.0 * self.unit
    }

    pub(super) fn margin(&self) -> f64 {
        16.0 * self.unit
    }
}

fn style(size: f64, colour: Colour, align: Align, height: Height) -> TextStyle {
    TextStyle { size, colour, align, height, upwards: false }
}

/// Title and caption, each if not empty, at the top of `area`; returns what is left of it.
pub(super) fn header(canvas: &mut Canvas, area: Rect, title: &str, caption: &str, theme: &Theme) -> Rect {
    lines(canvas, area, [(title, theme.title(), INK), (caption, theme.text(), MUTED)])
}

/// Title and caption of a chart among several, as [`header`].
pub(super) fn subheader(canvas: &mut Canvas, area: Rect, title: &str, caption: &str, theme: &Theme) -> Rect {
    lines(canvas, area, [(title, theme.text(), INK), (caption, theme.small(), MUTED)])
}

fn lines(canvas: &mut Canvas, area: Rect, lines: [(&str, f64, Colour); 2]) -> Rect {
    let mut top = area.top;
    for (line, size, colour) in lines {
        if !line.is_empty() {
            let style = style(size, colour, Align::Start, Height::Baseline);
            canvas.text(&text::shortened(line, size, area.width()), &style, (area.left, top + 0.85 * size));
            top += 1.42 * size;
        }
    }
    Rect { top, ..area }
}

/// One axis of a chart.
pub(super) struct Side<'a> {
    pub(super) axis: &'a Axis,
    /// Its name, or nothing to leave it out.
    pub(super) label: &'a str,
    /// Whether only whole numbers make sense.
    pub(super) whole: bool,
    /// Whether lines in the chart continue its ticks.
    pub(super) lines: bool,
    /// The least width kept free: beside the chart for the labels of a vertical axis, beyond its end for those of a
    /// horizontal one.
    pub(super) room: f64,
}

/// Draws border, ticks, tick labels and names of two axes into `area`; returns the rectangle between the axes.
pub(super) fn axes(canvas: &mut Canvas, area: Rect, x: &Side<'_>, y: &Side<'_>, theme: &Theme) -> Rect {
    let (small, named) = (theme.small(), 1.75 * theme.text());
    let gap = 7.0 * theme.unit;
    let room = |label: &str| if label.is_empty() { 0.0 } else { named };
    let top = area.top + 0.5 * small;
    let bottom = area.bottom - room(x.label) - gap - 1.15 * small;
    let y_ticks = y.axis.ticks(((bottom - top) / (3.2 * small)) as usize, y.whole);
    let widest = y_ticks.iter().map(|tick| text::width(&tick.label, small)).fold(0.0, f64::max);
    let left = area.left + room(y.label) + widest.max(y.room) + gap;
    let x_ticks = spaced_ticks(x, area.right - left, small);
    let overhang = x_ticks.last().map_or(0.0, |tick| {
        text::width(&tick.label, small) / 2.0 - (1.0 - x.axis.share(tick.value)) * (area.right - left)
    });
    let plot = Rect { left, top, right: area.right - overhang.max(x.room).max(theme.unit), bottom };
    let thin = theme.unit.max(0.67);
    if x.lines {
        for tick in &x_ticks {
            let at = plot.left + x.axis.share(tick.value) * plot.width();
            canvas.rectangle(Rect { left: at - thin / 2.0, right: at + thin / 2.0, ..plot }, GRID);
        }
    }
    if y.lines {
        for tick in &y_ticks {
            let at = plot.bottom - y.axis.share(tick.value) * plot.height();
            canvas.rectangle(Rect { top: at - thin / 2.0, bottom: at + thin / 2.0, ..plot }, GRID);
        }
    }
    canvas.outline(plot, thin, BORDER);
    label_x(canvas, plot, x, &x_ticks, theme);
    label_y(canvas, plot, y, &y_ticks, theme);
    names(canvas, area, plot, (x.label, y.label), theme);
    plot
}

/// As many ticks as have room for their labels.
fn spaced_ticks(side: &Side<'_>, width: f64, size: f64) -> Vec<Tick> {
    let mut most = ((width / (3.0 * size)) as usize).clamp(2, 10);
    loop {
        let ticks = side.axis.ticks(most, side.whole);
        let widest = ticks.iter().map(|tick| text::width(&tick.label, size)).fold(0.0, f64::max);
        if most <= 2 || ticks.len() as f64 * (widest + 1.6 * size) <= width {
            return ticks;
        }
        most -= 1;
    }
}

fn label_x(canvas: &mut Canvas, plot: Rect, side: &Side<'_>, ticks: &[Tick], theme: &Theme) {
    let (unit, small) = (theme.unit, theme.small());
    let style = style(small, MUTED, Align::Middle, Height::Baseline);
    for tick in ticks {
        let at = plot.left + side.axis.share(tick.value) * plot.width();
        let mark = Rect {
            left: at - unit / 2.0,
            right: at + unit / 2.0,
            top: plot.bottom,
            bottom: plot.bottom + 4.0 * unit,
        };
        canvas.rectangle(mark, BORDER);
        canvas.text(&tick.label, &style, (at, plot.bottom + 7.0 * unit + 0.8 * small));
    }
}

fn label_y(canvas: &mut Canvas, plot: Rect, side: &Side<'_>, ticks: &[Tick], theme: &Theme) {
    let unit = theme.unit;
    let style = style(theme.small(), MUTED, Align::End, Height::Centre);
    for tick in ticks {
        let at = plot.bottom - side.axis.share(tick.value) * plot.height();
        let mark = Rect {
            left: plot.left - 4.0 * unit,
            right: plot.left,
            top: at - unit / 2.0,
            bottom: at + unit / 2.0,
        };
        canvas.rectangle(mark, BORDER);
        canvas.text(&tick.label, &style, (plot.left - 7.0 * unit, at));
    }
}

fn names(canvas: &mut Canvas, area: Rect, plot: Rect, (x, y): (&str, &str), theme: &Theme) {
    let size = theme.text();
    let style = style(size, INK, Align::Middle, Height::Baseline);
    let middle = (plot.left + plot.width() / 2.0, plot.top + plot.height() / 2.0);
    let below = (middle.0, area.bottom - 0.28 * size);
    canvas.text(&text::shortened(x, size, plot.width()), &style, below);
    let beside = (area.left + 0.85 * size, middle.1);
    let upwards = TextStyle { upwards: true, ..style };
    canvas.text(&text::shortened(y, size, plot.height()), &upwards, beside);
}

/// What an entry of a key shows before its label.
#[derive(Clone, Copy, Debug)]
pub(super) enum Symbol {
    /// The marker of a class.
    Class(usize),
    /// A piece of line.
    Line(Colour),
    /// A piece of a line in dashes.
    Dashes(Colour),
    /// Nothing: a remark.
    Remark,
}

/// What explains the colours of a picture.
pub(super) enum Key {
    /// Symbols and labels, left to right in as many rows as they need.
    Entries(Vec<(Symbol, String)>),
    /// A bar in the colours of a range of values, with its name.
    Bar(Axis, String),
}

impl Key {
    /// The height the key takes up in `width`.
    pub(super) fn height(&self, width: f64, theme: &Theme) -> f64 {
        match self {
            Self::Entries(entries) => rows(entries, width, theme).len() as f64 * 1.6 * theme.small(),
            Self::Bar(..) => 3.0 * theme.small(),
        }
    }

    /// Draws the key at the top of `area`.
    pub(super) fn draw(&self, canvas: &mut Canvas, area: Rect, theme: &Theme) {
        match self {
            Self::Entries(entries) => draw_entries(canvas, area, entries, theme),
            Self::Bar(axis, name) => draw_bar(canvas, area, axis, name, theme),
        }
    }
}

fn symbol_width(symbol: Symbol, theme: &Theme) -> f64 {
    match symbol {
        Symbol::Class(_) => 1.35 * theme.small(),
        Symbol::Line(_) | Symbol::Dashes(_) => 2.2 * theme.small(),
        Symbol::Remark => 0.0,
    }
}

/// The entries with their places from the left, broken into rows.
fn rows<'a>(
    entries: &'a [(Symbol, String)],
    width: f64,
    theme: &Theme,
) -> Vec<Vec<(f64, Symbol, std::borrow::Cow<'a, str>)>> {
    let small = theme.small();
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut pen = 0.0;
    for (symbol, label) in entries {
        let before = symbol_width(*symbol, theme);
        let label = text::shortened(label, small, width - before);
        let needed = before + text::width(&label, small);
        if pen + needed > width && !row.is_empty() {
            rows.push(std::mem::take(&mut row));
            pen = 0.0;
        }
        row.push((pen, *symbol, label));
        pen += needed + 1.7 * small;
    }
    rows.push(row);
    rows
}

fn draw_entries(canvas: &mut Canvas, area: Rect, entries: &[(Symbol, String)], theme: &Theme) {
    let small = theme.small();
    for (index, row) in rows(entries, area.width(), theme).into_iter().enumerate() {
        let middle = area.top + (index as f64 + 0.5) * 1.6 * small;
        for (along, symbol, label) in row {
            let left = area.left + along;
            let before = symbol_width(symbol, theme);
            let colour = match symbol {
                Symbol::Class(class) => {
                    let centre = (left + 0.4 * small, middle);
                    markers::draw(canvas, class, centre, 0.36 * small, colours::class(class));
                    INK
                }
                Symbol::Line(colour) => {
                    let ends = [(left + 1.0, middle), (left + before - 0.6 * small, middle)];
                    canvas.line(&ends, 2.0 * theme.unit, colour);
                    INK
                }
                Symbol::Dashes(colour) => {
                    let ends = [(left + 1.0, middle), (left + before - 0.6 * small, middle)];
                    dashes(canvas, &ends, (2.0 * theme.unit, 6.0 * theme.unit), colour);
                    INK
                }
                Symbol::Remark => MUTED,
            };
            canvas.text(&label, &style(small, colour, Align::Start, Height::Centre), (left + before, middle));
        }
    }
}

/// Lines from point to point in dashes of some width and length, with gaps of as much between them.
pub(super) fn dashes(canvas: &mut Canvas, points: &[Point], (width, length): (f64, f64), colour: Colour) {
    // What is left of the dash or gap under way.
    let (mut left, mut drawn) = (length, true);
    for pair in points.windows(2) {
        let ((mut x, mut y), (x1, y1)) = (pair[0], pair[1]);
        loop {
            let rest = (x1 - x).hypot(y1 - y);
            let share = if rest > left { left / rest } else { 1.0 };
            let next = (x + share * (x1 - x), y + share * (y1 - y));
            if drawn {
                canvas.line(&[(x, y), next], width, colour);
            }
            (x, y) = next;
            if rest <= left {
                left -= rest;
                break;
            }
            (left, drawn) = (length, !drawn);
        }
    }
}

fn draw_bar(canvas: &mut Canvas, area: Rect, axis: &Axis, name: &str, theme: &Theme) {
    let small = theme.small();
    let name = text::shortened(name, small, 0.4 * area.width());
    let taken = if name.is_empty() { 0.0 } else { text::width(&name, small) + small };
    let bar = Rect {
        left: area.left + taken,
        right: area.right - 1.5 * small,
        top: area.top + 0.3 * small,
        bottom: area.top + 1.3 * small,
    };
    let middle = (bar.top + bar.bottom) / 2.0;
    canvas.text(&name, &style(small, INK, Align::Start, Height::Centre), (area.left, middle));
    canvas.paint(bar, |_, along, _| colours::scale(along));
    canvas.outline(bar, theme.unit.max(0.67), BORDER);
    let side = Side { axis, label: "", whole: false, lines: false, room: 0.0 };
    label_x(canvas, bar, &side, &spaced_ticks(&side, bar.width(), small), theme);
}
