//! Colours: the Okabe-Ito classes, the viridis scale, the greys of the pictures; no drawing.

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

pub(super) const WHITE: Colour = [255; 3];
/// Titles, boundaries.
pub(super) const INK: Colour = [34, 36, 40];
/// Captions, tick labels.
pub(super) const MUTED: Colour = [92, 96, 104];
/// Borders and tick marks.
pub(super) const BORDER: Colour = [150, 154, 160];
/// Lines behind curves.
pub(super) const GRID: Colour = [230, 232, 235];
/// Where the network's output is not a number.
pub(super) const NO_VALUE: Colour = [205, 205, 205];

/// Okabe and Ito's palette, which people with any kind of colour blindness tell apart, the strongest contrasts first:
/// the course's flower has a red class 0 and a blue class 1.
const CLASSES: [Colour; 8] = [
    [213, 94, 0],
    [0, 114, 178],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [240, 228, 66],
    [60, 60, 60],
];

/// Nine samples of matplotlib's viridis, evenly spaced: perceptually uniform, and readable in grey.
const VIRIDIS: [Colour; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// The colour of a class; starts again after 8.
pub(super) fn class(index: usize) -> Colour {
    CLASSES[index % CLASSES.len()]
}

/// The colour of a curve: as those of the classes, but blue comes first, since a lone red curve looks like a warning.
pub(super) fn curve(index: usize) -> Colour {
    class(if index % CLASSES.len() < 2 { index ^ 1 } else { index })
}

/// The background of a class at a confidence from 0 (undecided) to 1 (certain).
pub(super) fn region(class_index: usize, confidence: f64) -> Colour {
    mix(WHITE, class(class_index), 0.07 + 0.38 * confidence.clamp(0.0, 1.0))
}

/// The colour of a share from 0 to 1 of a range of values; shares beyond are those at the ends.
pub(super) fn scale(share: f64) -> Colour {
    let steps = VIRIDIS.len() - 1;
    let at = share.clamp(0.0, 1.0) * steps as f64;
    let below = (at as usize).min(steps - 1);
    mix(VIRIDIS[below], VIRIDIS[below + 1], at - below as f64)
}

/// `share` of `b` in `a`, from 0 to 1.
pub(super) fn mix(a: Colour, b: Colour, share: f64) -> Colour {
    // Half up, which is `round` for what is not negative: that is a call of a function, for each pixel three.
    let channel = |i: usize| (f64::from(a[i]) + (f64::from(b[i]) - f64::from(a[i])) * share + 0.5) as u8;
    [channel(0), channel(1), channel(2)]
}
