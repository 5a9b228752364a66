//! The bundled font: measuring, shortening and rasterising text; where text goes is decided by the pictures.
//!
//! Glyphs are placed here and not by plotters, whose own text leaves out the side bearings (uneven letter spacing),
//! and asks the browser for fonts on wasm32.

use std::borrow::Cow;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};

static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../assets/DejaVuSans.subset.ttf"))
        .expect("the bundled font is a valid TrueType file")
});

/// Height of a capital letter as a share of the font size; text is centred on it.
const CAPITAL_HEIGHT: f64 = 0.729;

/// Which point of a text lies at the given position, along the reading direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Align {
    Start,
    Middle,
    End,
}

/// Which height of a text lies at the given position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Height {
    Baseline,
    /// Halfway up a capital letter.
    Centre,
}

/// How a text is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextStyle {
    /// Pixels an em.
    pub(super) size: f64,
    pub(super) colour: super::colours::Colour,
    pub(super) align: Align,
    pub(super) height: Height,
    /// Whether the text reads upwards.
    pub(super) upwards: bool,
}

/// The glyphs of `text` from the origin on, and where the pen ends.
fn layout(text: &str, size: f64) -> (Vec<Glyph>, f32) {
    // `PxScale` counts from descender to ascender, not the em.
    let units = FONT.units_per_em().unwrap_or(1.0);
    let scale = PxScale::from(size as f32 * FONT.height_unscaled() / units);
    let font = FONT.as_scaled(scale);
    let mut pen = 0.0;
    let mut previous = None;
    let glyphs = text
        .chars()
        .map(|character| {
            let id = font.glyph_id(character);
            pen += previous.map_or(0.0, |p| font.kern(p, id));
            let glyph = id.with_scale_and_position(scale, point(pen, 0.0));
            pen += font.h_advance(id);
            previous = Some(id);
            glyph
        })
        .collect();
    (glyphs, pen)
}

/// Width of `text` at `size` pixels an em.
pub(super) fn width(text: &str, size: f64) -> f64 {
    f64::from(layout(text, size).1)
}

/// `text`, or as much of its beginning as fits into `available` pixels, with an ellipsis.
pub(super) fn shortened(text: &str, size: f64, available: f64) -> Cow<'_, str> {
    // No glyph is narrower than this: bounds the work for a text of any length.
    let most = (available.max(0.0) / (0.2 * size).max(1e-3)) as usize;
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).take(most + 2).collect();
    if ends.len() <= most + 1 && width(text, size) <= available {
        return Cow::Borrowed(text);
    }
    let fits = ends.partition_point(|&end| width(&format!("{}…", &text[..end]), size) <= available);
    match fits.checked_sub(1) {
        Some(last) => Cow::Owned(format!("{}…", text[..ends[last]].trim_end())),
        None => Cow::Borrowed(""),
    }
}

/// Calls `pixel` with position and coverage (0 to 1) of every pixel that `text` at (x, y) touches.
pub(super) fn rasterise(
    text: &str,
    style: &TextStyle,
    (x, y): (f64, f64),
    mut pixel: impl FnMut(i32, i32, f32),
) {
    let (glyphs, advance) = layout(text, style.size);
    let along = match style.align {
        Align::Start => 0.0,
        Align::Middle => -advance / 2.0,
        Align::End => -advance,
    };
    let down = match style.height {
        Height::Baseline => 0.0,
        Height::Centre => (CAPITAL_HEIGHT * style.size / 2.0) as f32,
    };
    let (x, y) = (x as f32, y as f32);
    // Upright text carries its whole position, so that glyphs keep their fractions of a pixel; upwards text is
    // rasterised around the origin and turned.
    let start = if style.upwards { point(along, down) } else { point(x + along, (y + down).round()) };
    for mut glyph in glyphs {
        glyph.position += start;
        let Some(outline) = FONT.outline_glyph(glyph) else { continue };
        let corner = outline.px_bounds().min;
        outline.draw(|gx, gy, coverage| {
            let (gx, gy) = (corner.x as i32 + gx as i32, corner.y as i32 + gy as i32);
            if style.upwards {
                pixel(x.round() as i32 + gy, y.round() as i32 - gx, coverage);
            } else {
                pixel(gx, gy, coverage);
            }
        });
    }
}
