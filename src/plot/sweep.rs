//! Several decision boundaries side by side, with one key for all; a single one is drawn elsewhere.

use image::RgbImage;

use super::boundary::{ENLARGED, Panel, PlaneStyle, draw_plane};
use super::canvas::{Canvas, MAX_SIDE, Rect};
use super::chart::{self, Theme};
use crate::error::{Error, Result};

/// One decision boundary a panel, row by row in a grid under a common title, `size` (width, height) pixels large; the
/// key and the colours of values, those of the first panel, hold for all: in a spare cell, or below.
///
/// # Errors
/// [`Error::InvalidArgument`] without panels, for a side below 160 or above 4096 pixels, or for so many panels that one
/// has less than 160 pixels to a side.
pub fn sweep_grid(panels: &[Panel<'_>], title: &str, size: (u32, u32)) -> Result<RgbImage> {
    let Some(first) = panels.first() else {
        return Err(Error::invalid("number of panels", 0, "a sweep shows at least 1"));
    };
    let mut canvas = Canvas::new(size, ENLARGED)?;
    let (columns, rows) = shape(panels.len());
    let theme = theme(size, columns, rows)?;
    let values = first.value_axis();
    let key = first.key(&values);
    let area = canvas.area().inset(theme.margin());
    let heading = Theme { unit: 1.25 * theme.unit };
    let mut area = chart::header(&mut canvas, area, title, "", &heading);
    area.top += 0.5 * theme.text();
    let spare = columns * rows > panels.len();
    if !spare {
        let height = key.height(area.width(), &theme);
        area.bottom -= height + 0.6 * theme.text();
        let below = Rect { top: area.bottom + 0.6 * theme.text(), bottom: area.bottom + height, ..area };
        key.draw(&mut canvas, below, &theme);
    }
    let style = PlaneStyle { theme, markers: 0.62, steps: None, names: false, rooms: (0.0, 0.0) };
    for (index, panel) in panels.iter().enumerate() {
        let cell = cell(area, (columns, rows), index, &theme);
        let cell = chart::subheader(&mut canvas, cell, panel.title(), panel.caption(), &theme);
        draw_plane(&mut canvas, cell, panel, &values, &style);
    }
    if spare {
        let cell = cell(area, (columns, rows), panels.len(), &theme);
        let cell = Rect { left: cell.left + 2.0 * theme.text(), top: cell.top + 1.9 * theme.text(), ..cell };
        key.draw(&mut canvas, cell, &heading);
    }
    Ok(canvas.finish())
}

/// A good size for a sweep of that many panels, in pixels.
pub fn sweep_size(count: usize) -> (u32, u32) {
    const PANEL: usize = 375;
    const HEADING: usize = 70;
    let (columns, rows) = shape(count.max(1));
    // No picture is larger than the largest that can be drawn.
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(MAX_SIDE).min(MAX_SIDE);
    (side(columns * PANEL), side(rows * PANEL + HEADING))
}

/// Columns and rows for `count` panels: wider than high, with few spare cells.
fn shape(count: usize) -> (usize, usize) {
    let columns = match count {
        1..=3 => count,
        4 => 2,
        5 | 6 | 9 => 3,
        _ => (count as f64 * 1.34).sqrt().ceil() as usize,
    };
    (columns, count.div_ceil(columns))
}

fn theme((width, height): (u32, u32), columns: usize, rows: usize) -> Result<Theme> {
    let cell = (f64::from(width) / columns as f64).min(f64::from(height) / rows as f64);
    if cell < 160.0 {
        return Err(Error::invalid(
            "picture size",
            format!("{width}x{height}"),
            format!("{columns} x {rows} panels need at least 160 pixels each; ask for a larger picture"),
        ));
    }
    Ok(Theme { unit: (cell / 390.0).max(0.6) })
}

fn cell(area: Rect, (columns, rows): (usize, usize), index: usize, theme: &Theme) -> Rect {
    let gap = 1.3 * theme.margin();
    let width = (area.width() + gap) / columns as f64;
    let height = (area.height() + gap) / rows as f64;
    let left = area.left + (index % columns) as f64 * width;
    let top = area.top + (index / columns) as f64 * height;
    Rect { left, top, right: left + width - gap, bottom: top + height - gap }
}
