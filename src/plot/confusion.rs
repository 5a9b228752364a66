//! Confusion matrices: truth down, answers across, the colour of a cell its share of the row.

use image::RgbImage;

use super::axis::number;
use super::canvas::Rect;
use super::chart::Symbol;
use super::colours::{self, BORDER, Colour, INK, MUTED, WHITE};
use super::sheet::{Caption, Sheet};
use super::text::{self, Align, Height, TextStyle};
use crate::error::Result;

/// A cell whose text would be smaller than this share of the usual has none.
const READABLE: f64 = 0.5;

fn style(size: f64, colour: Colour, align: Align) -> TextStyle {
    TextStyle { size, colour, align, height: Height::Centre, upwards: false }
}

/// `matrix[truth][answer]` as counts in cells; a cell is the darker the larger its share of the samples of its class.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a side below 160 or above 4096 pixels.
pub fn confusion_picture(
    matrix: &[Vec<usize>],
    classes: &[String],
    caption: &Caption<'_>,
) -> Result<RgbImage> {
    let remark = "counts; the darker, the larger the share of the class".to_owned();
    let mut sheet = Sheet::new(caption, vec![(Symbol::Remark, remark)])?;
    let plot = frame(&mut sheet, classes);
    let n = classes.len().max(1) as f64;
    let (width, height) = (plot.width() / n, plot.height() / n);
    let widest = matrix.iter().flatten().map(|&count| number(count as f64, 0)).max_by_key(String::len);
    let small = sheet.theme.text();
    let needed = text::width(&widest.unwrap_or_default(), small);
    let fits = (0.85 * width / needed.max(1.0)).min(0.7 * height / small).min(1.0);
    for (row, counts) in matrix.iter().enumerate() {
        let all: usize = counts.iter().sum();
        for (column, &count) in counts.iter().enumerate() {
            let (left, top) = (plot.left + column as f64 * width, plot.top + row as f64 * height);
            let cell = Rect { left, top, right: left + width, bottom: top + height };
            let share = count as f64 / all.max(1) as f64;
            sheet.canvas.rectangle(cell, colours::mix(WHITE, colours::curve(0), 0.92 * share));
            sheet.canvas.outline(cell, 0.5 * sheet.theme.unit.max(0.67), BORDER);
            if fits >= READABLE {
                let colour = match (count, share > 0.55) {
                    (0, _) => BORDER,
                    (_, true) => WHITE,
                    (_, false) => INK,
                };
                let at = (left + width / 2.0, top + height / 2.0);
                sheet.canvas.text(&number(count as f64, 0), &style(fits * small, colour, Align::Middle), at);
            }
        }
    }
    Ok(sheet.finish(plot))
}

/// The names of axes and classes; returns the rectangle of the cells.
fn frame(sheet: &mut Sheet, classes: &[String]) -> Rect {
    let (area, theme) = (sheet.chart, sheet.theme);
    let (small, named) = (theme.small(), 1.9 * theme.text());
    let widest = classes.iter().map(|name| text::width(name, small)).fold(0.0, f64::max);
    let beside = widest.min(0.25 * area.width());
    let n = classes.len().max(1) as f64;
    let left = area.left + named + beside + 0.6 * small;
    // Names that do not fit side by side stand upright.
    let upright = widest + 0.6 * small > (area.right - left) / n;
    let under = if upright { widest.min(0.25 * area.height()) } else { small };
    let plot =
        Rect { left, top: area.top, right: area.right, bottom: area.bottom - named - under - 0.6 * small };
    let (width, height) = (plot.width() / n, plot.height() / n);
    for (index, name) in classes.iter().enumerate() {
        let middle = index as f64 + 0.5;
        if height >= 0.9 * small {
            let shown = text::shortened(name, small, beside);
            let at = (left - 0.6 * small, plot.top + middle * height);
            sheet.canvas.text(&shown, &style(small, MUTED, Align::End), at);
        }
        let across = plot.left + middle * width;
        if upright && width >= 0.9 * small {
            let shown = text::shortened(name, small, under);
            let upwards = TextStyle { upwards: true, ..style(small, MUTED, Align::End) };
            sheet.canvas.text(&shown, &upwards, (across, plot.bottom + 0.6 * small));
        } else if !upright {
            let at = (across, plot.bottom + small);
            sheet.canvas.text(&text::shortened(name, small, width), &style(small, MUTED, Align::Middle), at);
        }
    }
    let size = theme.text();
    let ink = style(size, INK, Align::Middle);
    let below = (plot.left + plot.width() / 2.0, area.bottom - 0.6 * size);
    sheet.canvas.text("answer of the network", &ink, below);
    let upwards = TextStyle { upwards: true, ..ink };
    sheet.canvas.text("truth", &upwards, (area.left + 0.6 * size, plot.top + plot.height() / 2.0));
    plot
}
