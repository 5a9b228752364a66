//! Images as bytes of PNG and GIF files.

use std::io::Cursor;

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};
use image::{ImageFormat, RgbImage};

use super::palette::{Palette, TRANSPARENT};
use crate::error::{Error, Result};

/// The bytes of a PNG file.
///
/// # Errors
/// [`Error::Picture`] with the encoder's words.
pub fn encode_png(image: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|e| Error::Picture { picture: "the PNG file", problem: e.to_string() })?;
    Ok(bytes.into_inner())
}

/// The bytes of a GIF file that plays the frames, all of one size, each for its milliseconds, again and again.
///
/// All frames share one palette, so that colours do not flicker, and each holds only what differs from the one before:
/// the encoder of the crate `image` can do neither, and its files are several times as large.
pub(super) fn encode_gif(frames: &[(RgbImage, u32)]) -> Result<Vec<u8>> {
    write_gif(frames).map_err(|e| Error::Picture { picture: "the GIF file", problem: e.to_string() })
}

fn write_gif(frames: &[(RgbImage, u32)]) -> std::result::Result<Vec<u8>, EncodingError> {
    let palette = Palette::of(frames.iter().map(|(image, _)| image));
    let (width, height) = frames.first().map_or((0, 0), |(image, _)| image.dimensions());
    // Pictures are at most 4096 pixels to a side.
    let mut encoder = Encoder::new(Vec::new(), width as u16, height as u16, &palette.bytes())?;
    encoder.set_repeat(Repeat::Infinite)?;
    let mut shown: Vec<u8> = Vec::new();
    for (image, milliseconds) in frames {
        let indices: Vec<u8> = image.pixels().map(|pixel| palette.index(pixel.0)).collect();
        let mut frame = changed(&shown, &indices, width as usize);
        frame.delay = u16::try_from(milliseconds / 10).unwrap_or(u16::MAX);
        encoder.write_frame(&frame)?;
        shown = indices;
    }
    encoder.into_inner()
}

/// The smallest frame that turns the picture `before` (empty at first) into `after`, transparent where they agree.
fn changed(before: &[u8], after: &[u8], width: usize) -> Frame<'static> {
    let differs = |at: usize| before.get(at) != Some(&after[at]);
    let rows = after.len() / width;
    let mut row_range = (0..rows).filter(|row| (row * width..(row + 1) * width).any(differs));
    // GIF players want at least one pixel, even of a frame that repeats the one before.
    let top = row_range.next().unwrap_or(0);
    let bottom = row_range.next_back().unwrap_or(top) + 1;
    let mut column_range = (0..width).filter(|column| (top..bottom).any(|row| differs(row * width + column)));
    let left = column_range.next().unwrap_or(0);
    let right = column_range.next_back().unwrap_or(left) + 1;
    let pixels: Vec<u8> = (top..bottom)
        .flat_map(|row| row * width + left..row * width + right)
        .map(|at| if differs(at) { after[at] } else { TRANSPARENT })
        .collect();
    Frame {
        top: top as u16,
        left: left as u16,
        width: (right - left) as u16,
        height: (bottom - top) as u16,
        transparent: Some(TRANSPARENT),
        dispose: DisposalMethod::Keep,
        buffer: pixels.into(),
        ..Frame::default()
    }
}
