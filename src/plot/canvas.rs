//! A picture in the making: shapes and text on an enlarged pixel buffer, which is averaged down at the end.
//!
//! Nothing here knows what is drawn. Positions and lengths are in pixels of the finished picture, from the top left.

use std::fmt::Debug;

use image::RgbImage;
use plotters::prelude::{BitMapBackend, DrawingBackend, RGBColor};

use super::colours::{Colour, WHITE, mix};
use super::text::{self, TextStyle};
use crate::error::{Error, Result};

/// The smallest width and height of a picture: less has no room for axes.
const MIN_SIDE: u32 = 160;

/// The largest: keeps the enlarged buffer below half a gigabyte, and GIF's 16-bit sides far away.
pub(super) const MAX_SIDE: u32 = 4096;

/// A position.
pub(super) type Point = (f64, f64);

/// An upright rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// The same rectangle, smaller by `by` on every side.
    pub(super) fn inset(&self, by: f64) -> Self {
        Self { left: self.left + by, top: self.top + by, right: self.right - by, bottom: self.bottom - by }
    }
}

/// Whether a picture of this width and height can be drawn.
pub(super) fn check_size((width, height): (u32, u32)) -> Result<()> {
    let sides = MIN_SIDE..=MAX_SIDE;
    if sides.contains(&width) && sides.contains(&height) {
        return Ok(());
    }
    Err(Error::invalid(
        "picture size",
        format!("{width}x{height}"),
        format!("width and height lie between {MIN_SIDE} and {MAX_SIDE} pixels"),
    ))
}

/// An enlarged RGB buffer.
pub(super) struct Canvas {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
    /// Buffer pixels a picture pixel, along each side.
    enlarged: u32,
}

impl Canvas {
    /// White, `size` pixels large when finished, drawn `enlarged` times as large.
    pub(super) fn new((width, height): (u32, u32), enlarged: u32) -> Result<Self> {
        check_size((width, height))?;
        let (width, height) = (width * enlarged, height * enlarged);
        let bytes = width as usize * height as usize * WHITE.len();
        Ok(Self { pixels: vec![WHITE[0]; bytes], width, height, enlarged })
    }

    /// The whole picture.
    pub(super) fn area(&self) -> Rect {
        let factor = f64::from(self.enlarged);
        Rect {
            left: 0.0,
            top: 0.0,
            right: f64::from(self.width) / factor,
            bottom: f64::from(self.height) / factor,
        }
    }

    pub(super) fn rectangle(&mut self, rect: Rect, colour: Colour) {
        let (left, top) = self.enlarge((rect.left, rect.top));
        let (right, bottom) = self.enlarge((rect.right, rect.bottom));
        if right > left && bottom > top {
            // plotters counts both corners in.
            in_memory(self.plotters().draw_rect((left, top), (right - 1, bottom - 1), &style(colour), true));
        }
    }

    /// A rectangle's outline, `width` wide, outside of the rectangle.
    pub(super) fn outline(&mut self, rect: Rect, width: f64, colour: Colour) {
        let outer = rect.inset(-width);
        self.rectangle(Rect { bottom: rect.top, ..outer }, colour);
        self.rectangle(Rect { top: rect.bottom, ..outer }, colour);
        self.rectangle(Rect { right: rect.left, ..outer }, colour);
        self.rectangle(Rect { left: rect.right, ..outer }, colour);
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f64, colour: Colour) {
        let radius = (radius * f64::from(self.enlarged)).round() as u32;
        let centre = self.enlarge(centre);
        in_memory(self.plotters().draw_circle(centre, radius, &style(colour), true));
    }

    /// A filled polygon of at least three corners.
    pub(super) fn polygon(&mut self, corners: impl IntoIterator<Item = Point>, colour: Colour) {
        let corners: Vec<_> = corners.into_iter().map(|corner| self.enlarge(corner)).collect();
        in_memory(self.plotters().fill_polygon(corners, &style(colour)));
    }

    /// Straight lines from point to point with round joints, which sharp turns cannot lengthen into spikes.
    pub(super) fn line(&mut self, points: &[Point], width: f64, colour: Colour) {
        let half = width / 2.0;
        for &point in points {
            self.disc(point, half, colour);
        }
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(y1 - y0);
            if length * f64::from(self.enlarged) >= 1.0 {
                let (dx, dy) = ((y0 - y1) / length * half, (x1 - x0) / length * half);
                self.polygon(
                    [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)],
                    colour,
                );
            }
        }
    }

    pub(super) fn text(&mut self, text: &str, style: &TextStyle, (x, y): Point) {
        let factor = f64::from(self.enlarged);
        let enlarged = TextStyle { size: style.size * factor, ..*style };
        text::rasterise(text, &enlarged, (x * factor, y * factor), |x, y, coverage| {
            if let Some(pixel) = self.pixel(x, y) {
                *pixel = mix(*pixel, style.colour, f64::from(coverage));
            }
        });
    }

    /// Replaces every buffer pixel of `rect` by what `colour` makes of it, given the pixel's index in the rectangle
    /// and its shares of width and height (0 to 1, from the top left). Returns the rectangle's size in buffer pixels.
    pub(super) fn paint(
        &mut self,
        rect: Rect,
        mut colour: impl FnMut(usize, f64, f64) -> Colour,
    ) -> (usize, usize) {
        let (left, top) = self.enlarge((rect.left, rect.top));
        let (right, bottom) = self.enlarge((rect.right, rect.bottom));
        let (columns, rows) = ((right - left).max(0), (bottom - top).max(0));
        let mut index = 0;
        for row in 0..rows {
            let down = (f64::from(row) + 0.5) / f64::from(rows);
            for column in 0..columns {
                let along = (f64::from(column) + 0.5) / f64::from(columns);
                let painted = colour(index, along, down);
                if let Some(pixel) = self.pixel(left + column, top + row) {
                    *pixel = painted;
                }
                index += 1;
            }
        }
        (columns as usize, rows as usize)
    }

    /// The finished picture: every pixel is the mean of its buffer pixels.
    pub(super) fn finish(self) -> RgbImage {
        let (channels, factor) = (WHITE.len(), self.enlarged as usize);
        let (width, height) = (self.width / self.enlarged, self.height / self.enlarged);
        let count = self.enlarged * self.enlarged;
        let stride = self.width as usize * channels;
        let mut column_sums = vec![0u32; stride];
        let mut picture = Vec::with_capacity(width as usize * height as usize * channels);
        for rows in self.pixels.chunks_exact(stride * factor) {
            column_sums.fill(0);
            for row in rows.chunks_exact(stride) {
                column_sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u32::from(value));
            }
            for block in column_sums.chunks_exact(factor * channels) {
                for channel in 0..channels {
                    let sum: u32 = block[channel..].iter().step_by(channels).sum();
                    picture.push(((sum + count / 2) / count) as u8);
                }
            }
        }
        RgbImage::from_raw(width, height, picture).expect("three bytes for each pixel")
    }

    fn pixel(&mut self, x: i32, y: i32) -> Option<&mut Colour> {
        let (x, y) = (u32::try_from(x).ok()?, u32::try_from(y).ok()?);
        if x >= self.width || y >= self.height {
            return None;
        }
        let start = (y as usize * self.width as usize + x as usize) * WHITE.len();
        self.pixels.get_mut(start..start + WHITE.len())?.try_into().ok()
    }

    fn enlarge(&self, (x, y): Point) -> (i32, i32) {
        let factor = f64::from(self.enlarged);
        ((x * factor).round() as i32, (y * factor).round() as i32)
    }

    fn plotters(&mut self) -> BitMapBackend<'_> {
        BitMapBackend::with_buffer(&mut self.pixels, (self.width, self.height))
    }
}

fn style([red, green, blue]: Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

/// plotters' backends may fail where they write to files; a buffer cannot.
fn in_memory<E: Debug>(result: std::result::Result<(), E>) {
    result.expect("a pixel buffer of the right size accepts every shape");
}
