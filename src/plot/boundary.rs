//! What a network makes of the plane: regions, the boundary between them, and the samples on top.

use image::RgbImage;

use super::axis::{Axis, number};
use super::canvas::{Canvas, Rect};
use super::chart::{self, Key, Side, Symbol, Theme};
use super::colours::{self, Colour, INK};
use super::grid::Regions;
use super::markers;
use crate::data::{Dataset, Targets};
use crate::error::{Error, Result};

/// Buffer pixels a picture pixel, for pictures that stand alone.
pub(super) const ENLARGED: u32 = 3;

/// A data set, what a network says around it, and how to call it.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    dataset: &'a Dataset,
    regions: &'a Regions,
    title: &'a str,
    caption: &'a str,
}

impl<'a> Panel<'a> {
    /// A picture of `regions` with the samples of `dataset` (those within the grid), under a title (`flower,
    /// 2-4:tanh-1:sigmoid`) and a caption (`iteration 10,000 · cost 0.219`). Both are shortened where they are too
    /// long, and may be empty.
    ///
    /// # Errors
    /// [`Error::Shape`] unless the data has 2 features, [`Error::Data`] if the network tells classes apart and the
    /// data has none.
    pub fn new(dataset: &'a Dataset, regions: &'a Regions, title: &'a str, caption: &'a str) -> Result<Self> {
        if dataset.n_features != 2 {
            return Err(Error::Shape {
                what: format!("features of {} in a picture", dataset.name),
                expected: "2".into(),
                found: dataset.n_features.to_string(),
                hint: "only data with two features has a plane to be drawn on".into(),
            });
        }
        if regions.n_classes().is_some() && dataset.n_classes().is_none() {
            return Err(Error::data(
                &dataset.name,
                format!("the network has a {} output, but the data no classes", regions.loss().output_name()),
            ));
        }
        Ok(Self { dataset, regions, title, caption })
    }

    pub(super) fn title(&self) -> &'a str {
        self.title
    }

    pub(super) fn caption(&self) -> &'a str {
        self.caption
    }

    /// The range of the first target, or of the answers where all targets are equal: the colours of a regression.
    /// Answers beyond it take the colours of its ends, so that the samples keep theirs.
    pub(super) fn value_axis(&self) -> Axis {
        let targets: Vec<f64> = (0..self.dataset.m).map(|sample| self.target(sample)).collect();
        let (low, high) = range(targets.into_iter());
        Axis::linear(if low < high { (low, high) } else { range(self.regions.values().chain([low])) })
    }

    /// The axis of a feature, in the units it was measured in.
    fn axis(&self, feature: usize, (low, high): (f64, f64)) -> Axis {
        let unit = self.dataset.units[feature];
        Axis::linear((unit.measured(low), unit.measured(high)))
    }

    /// Where a sample lies, in those units.
    fn place(&self, sample: usize) -> (f64, f64) {
        let Dataset { x, m, units, .. } = self.dataset;
        (units[0].measured(x[sample]), units[1].measured(x[m + sample]))
    }

    fn target(&self, sample: usize) -> f64 {
        match &self.dataset.targets {
            Targets::Classes { labels, .. } => f64::from(labels[sample]),
            Targets::Values { values, .. } => values[sample],
        }
    }

    /// The classes' names, or the colours of values; and a remark if not all samples are drawn.
    pub(super) fn key(&self, values: &Axis) -> Key {
        let Some(n_classes) = self.regions.n_classes() else {
            return Key::Bar(*values, "target".into());
        };
        let names: &[String] = match &self.dataset.targets {
            Targets::Classes { names, .. } => names,
            Targets::Values { .. } => &[],
        };
        let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
        let mut entries: Vec<_> =
            (0..n_classes.max(names.len())).map(|class| (Symbol::Class(class), name(class))).collect();
        entries.push((Symbol::Line(INK), "boundary".into()));
        let shown = markers::chosen(self.dataset.m).len();
        if shown < self.dataset.m {
            let [shown, m] = [shown, self.dataset.m].map(|count| number(count as f64, 0));
            entries.push((Symbol::Remark, format!("{shown} of {m} samples shown")));
        }
        Key::Entries(entries)
    }
}

/// How the plane is drawn.
pub(super) struct PlaneStyle {
    pub(super) theme: Theme,
    /// Size of the markers in proportion to the theme.
    pub(super) markers: f64,
    /// Steps of confidence or value, if they are not to be continuous: few colours keep an animation small.
    pub(super) steps: Option<u32>,
    /// Whether the axes carry the features' names.
    pub(super) names: bool,
    /// See [`Side::room`]: of the second and the first feature.
    pub(super) rooms: (f64, f64),
}

/// A decision boundary for classes, or a surface in colours for regression, `size` (width, height) pixels large.
///
/// # Errors
/// [`Error::InvalidArgument`] for a side below 160 or above 4096 pixels.
pub fn decision_boundary(panel: &Panel<'_>, size: (u32, u32)) -> Result<RgbImage> {
    let mut canvas = Canvas::new(size, ENLARGED)?;
    let theme = Theme::of(size);
    let values = panel.value_axis();
    let area = canvas.area().inset(theme.margin());
    let area = chart::header(&mut canvas, area, panel.title, panel.caption, &theme);
    let area = Rect { top: area.top + 0.2 * theme.text(), ..area };
    let key = panel.key(&values);
    let key_top = area.bottom - key.height(area.width(), &theme);
    let plot_area = Rect { bottom: key_top - 0.6 * theme.text(), ..area };
    let style = PlaneStyle { theme, markers: 1.0, steps: None, names: true, rooms: (0.0, 0.0) };
    let plot = draw_plane(&mut canvas, plot_area, panel, &values, &style);
    key.draw(&mut canvas, Rect { left: plot.left, top: key_top, ..area }, &theme);
    Ok(canvas.finish())
}

/// Axes, regions, boundary and samples; returns the rectangle between the axes.
pub(super) fn draw_plane(
    canvas: &mut Canvas,
    area: Rect,
    panel: &Panel<'_>,
    values: &Axis,
    style: &PlaneStyle,
) -> Rect {
    let grid = panel.regions.grid();
    let (x, y) = (panel.axis(0, grid.x_range()), panel.axis(1, grid.y_range()));
    let names = &panel.dataset.feature_names;
    let side = |axis, name, room| Side {
        axis,
        label: if style.names { name } else { "" },
        whole: false,
        lines: false,
        room,
    };
    let (x_side, y_side) =
        (side(&x, names[0].as_str(), style.rooms.1), side(&y, names[1].as_str(), style.rooms.0));
    let plot = chart::axes(canvas, area, &x_side, &y_side, &style.theme);
    if panel.regions.n_classes().is_some() {
        paint_classes(canvas, plot, panel.regions, style);
    } else {
        paint_values(canvas, plot, panel.regions, values, style);
    }
    draw_samples(canvas, plot, panel, (&x, &y, values), style);
    plot
}

fn paint_classes(canvas: &mut Canvas, plot: Rect, regions: &Regions, style: &PlaneStyle) {
    let mut classes = Vec::new();
    let (columns, rows) = canvas.paint(plot, |_, along, down| match regions.class_at(along, 1.0 - down) {
        Some((class, confidence)) => {
            classes.push(Some(class));
            colours::region(class, stepped(confidence, style.steps))
        }
        None => {
            classes.push(None);
            colours::NO_VALUE
        }
    });
    if !regions.is_flat() {
        draw_boundary(canvas, plot, &classes, (columns, rows), (1.4 * style.theme.unit).max(1.2));
    }
}

/// A disc wherever neighbouring pixels differ: a line of even width for any number of classes, however many meet.
fn draw_boundary(
    canvas: &mut Canvas,
    plot: Rect,
    classes: &[Option<usize>],
    (columns, rows): (usize, usize),
    width: f64,
) {
    let pixel = (plot.width() / columns as f64, plot.height() / rows as f64);
    let differ = |a: usize, b: usize| classes[a].zip(classes[b]).is_some_and(|(a, b)| a != b);
    // Discs stay within the plot, or the boundary would run over its border.
    let inner = plot.inset(width / 2.0);
    for row in 0..rows.saturating_sub(1) {
        for column in 0..columns.saturating_sub(1) {
            let at = row * columns + column;
            if differ(at, at + 1) || differ(at, at + columns) {
                let x = plot.left + (column as f64 + 1.0) * pixel.0;
                let y = plot.top + (row as f64 + 1.0) * pixel.1;
                let centre = (x.clamp(inner.left, inner.right), y.clamp(inner.top, inner.bottom));
                canvas.disc(centre, width / 2.0, INK);
            }
        }
    }
}

fn paint_values(canvas: &mut Canvas, plot: Rect, regions: &Regions, values: &Axis, style: &PlaneStyle) {
    canvas.paint(plot, |_, along, down| {
        let value = regions.value_at(along, 1.0 - down);
        if value.is_finite() {
            colours::scale(stepped(values.share(value).clamp(0.0, 1.0), style.steps))
        } else {
            colours::NO_VALUE
        }
    });
}

fn stepped(share: f64, steps: Option<u32>) -> f64 {
    steps.map_or(share, |steps| (share * f64::from(steps)).round() / f64::from(steps))
}

fn draw_samples(
    canvas: &mut Canvas,
    plot: Rect,
    panel: &Panel<'_>,
    (x_axis, y_axis, values): (&Axis, &Axis, &Axis),
    style: &PlaneStyle,
) {
    let dataset = panel.dataset;
    let radius = markers::radius(dataset.m) * style.markers * style.theme.unit;
    let look = |sample: usize| -> (usize, Colour) {
        match (dataset.labels(), panel.regions.n_classes()) {
            (Some(labels), Some(_)) => (labels[sample] as usize, colours::class(labels[sample] as usize)),
            _ => (0, colours::scale(values.share(panel.target(sample)))),
        }
    };
    for sample in markers::chosen(dataset.m) {
        let (x, y) = panel.place(sample);
        if x_axis.contains(x) && y_axis.contains(y) {
            let centre =
                (plot.left + x_axis.share(x) * plot.width(), plot.bottom - y_axis.share(y) * plot.height());
            let (shape, colour) = look(sample);
            markers::draw(canvas, shape, centre, radius, colour);
        }
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}
