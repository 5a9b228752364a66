//! Reduction of an animation's colours to those that a GIF can hold, by median cut; no encoding.

use image::RgbImage;

use super::colours::Colour;

/// The index that shows the frame before.
pub(super) const TRANSPARENT: u8 = u8::MAX;

/// Colours that a GIF can hold, but for the transparent one.
const MOST: usize = TRANSPARENT as usize;

/// Bits of each channel that the histogram tells apart.
const BITS: u32 = 6;

/// At most 255 colours, and for every colour the one to take.
pub(super) struct Palette {
    colours: Vec<Colour>,
    /// Index into `colours` by histogram cell.
    index: Vec<u8>,
}

/// The pixels of one histogram cell.
#[derive(Clone, Copy)]
struct Cell {
    id: usize,
    colour: [f64; 3],
    /// The root of the number of pixels: large flat areas must not take all colours from small markers.
    weight: f64,
}

impl Palette {
    /// The colours that stand best for those of all images.
    pub(super) fn of<'a>(images: impl Iterator<Item = &'a RgbImage>) -> Self {
        let mut boxes = vec![histogram(images)];
        while boxes.len() < MOST {
            let spreads = boxes.iter().map(|cells| spread(cells));
            let widest = spreads.enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1));
            let Some((at, (channel, spread))) = widest else { break };
            if spread <= 0.0 {
                break;
            }
            let upper = split(&mut boxes[at], channel);
            boxes.push(upper);
        }
        let mut index = vec![0; 1 << (3 * BITS)];
        for (number, cells) in (0u8..=u8::MAX).zip(&boxes) {
            cells.iter().for_each(|cell| index[cell.id] = number);
        }
        Self {
            colours: boxes.iter().map(|cells| mean(cells).map(|value| value.round() as u8)).collect(),
            index,
        }
    }

    /// Which colour stands for `colour`, which must occur in the images of the palette.
    pub(super) fn index(&self, colour: Colour) -> u8 {
        self.index[cell_id(colour)]
    }

    /// The colours, one after the other; 256, of which those not needed are black.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.colours.concat();
        bytes.resize(3 * (MOST + 1), 0);
        bytes
    }
}

fn cell_id(colour: Colour) -> usize {
    colour.iter().fold(0, |id, &value| id << BITS | usize::from(value >> (8 - BITS)))
}

fn histogram<'a>(images: impl Iterator<Item = &'a RgbImage>) -> Vec<Cell> {
    let mut sums = vec![([0u64; 3], 0u64); 1 << (3 * BITS)];
    for pixel in images.flat_map(RgbImage::pixels) {
        let (sum, count) = &mut sums[cell_id(pixel.0)];
        sum.iter_mut().zip(pixel.0).for_each(|(sum, value)| *sum += u64::from(value));
        *count += 1;
    }
    let cell = |(id, (sum, count)): (usize, ([u64; 3], u64))| Cell {
        id,
        colour: sum.map(|sum| sum as f64 / count as f64),
        weight: (count as f64).sqrt(),
    };
    sums.into_iter().enumerate().filter(|(_, (_, count))| *count > 0).map(cell).collect()
}

fn mean(cells: &[Cell]) -> [f64; 3] {
    let weight: f64 = cells.iter().map(|cell| cell.weight).sum();
    std::array::from_fn(|channel| {
        cells.iter().map(|cell| cell.weight * cell.colour[channel]).sum::<f64>() / weight
    })
}

/// The channel along which the cells differ most, and their squared deviation along it.
fn spread(cells: &[Cell]) -> (usize, f64) {
    let mean = mean(cells);
    let deviation = |channel: usize| -> f64 {
        cells.iter().map(|cell| cell.weight * (cell.colour[channel] - mean[channel]).powi(2)).sum()
    };
    let deviations = [0, 1, 2].map(|channel| (channel, deviation(channel)));
    deviations.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// Leaves the cells below the mean, returns those above; both exist where the spread is positive.
fn split(cells: &mut Vec<Cell>, channel: usize) -> Vec<Cell> {
    let mean = mean(cells)[channel];
    let (lower, upper) = std::mem::take(cells).into_iter().partition(|cell| cell.colour[channel] < mean);
    *cells = lower;
    upper
}
