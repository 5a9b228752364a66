//! The course's six data sets as NumPy and scikit-learn draw them, bit for bit; their names, defaults and limits live
//! in `generators`.
//!
//! The order of every operation is that of the original, and nothing is fused: the last bit counts.

use std::f64::consts::PI;

use super::NumpyRandom;

/// Points of two features with a label each, in the order of the samples.
pub(super) struct Samples {
    points: Vec<[f64; 2]>,
    labels: Vec<u32>,
}

impl Samples {
    pub(super) fn with_capacity(m: usize) -> Self {
        Self { points: Vec::with_capacity(m), labels: Vec::with_capacity(m) }
    }

    pub(super) fn push(&mut self, point: [f64; 2], label: u32) {
        self.points.push(point);
        self.labels.push(label);
    }

    /// The features as (2, m), row-major, and the labels (m).
    pub(super) fn into_features_and_labels(self) -> (Vec<f64>, Vec<u32>) {
        let row = |i: usize| self.points.iter().map(move |point| point[i]);
        (row(0).chain(row(1)).collect(), self.labels)
    }

    pub(super) fn map_labels(&mut self, f: impl Fn(u32) -> u32) {
        self.labels.iter_mut().for_each(|label| *label = f(*label));
    }

    /// `sklearn.utils.shuffle`: the indices are shuffled, then the samples are taken in their order.
    fn shuffled(self, random: &mut NumpyRandom) -> Self {
        let order = random.permutation(self.points.len());
        Self {
            points: order.iter().map(|&i| self.points[i]).collect(),
            labels: order.iter().map(|&i| self.labels[i]).collect(),
        }
    }

    /// Adds `normal(0, scale)` to every coordinate, point by point.
    fn add_noise(&mut self, scale: f64, random: &mut NumpyRandom) {
        for value in self.points.as_flattened_mut() {
            *value += random.normal(0.0, scale);
        }
    }
}

/// `numpy.linspace(start, stop, n)`.
pub(super) fn linspace(start: f64, stop: f64, n: usize) -> impl Iterator<Item = f64> {
    let step = (stop - start) / n.saturating_sub(1) as f64;
    // NumPy sets the last of several to `stop`, and a single one to `start`.
    (0..n).map(move |i| match i {
        0 => start,
        _ if i == n - 1 => stop,
        _ => i as f64 * step + start,
    })
}

/// `load_planar_dataset`: two petalled classes on a rose curve.
///
/// The radius has no absolute value: the half of the points with a negative one make the petals between.
pub(super) fn flower(m: usize, noise: f64, random: &mut NumpyRandom) -> Samples {
    let n = m / 2;
    let mut samples = Samples::with_capacity(m);
    for class in 0..2u32 {
        let j = f64::from(class);
        let t: Vec<f64> =
            linspace(j * 3.12, (j + 1.0) * 3.12, n).map(|t| t + random.standard_normal() * noise).collect();
        for t in t {
            let r = 4.0 * (t * 4.0).sin() + random.standard_normal() * noise;
            samples.push([r * t.sin(), r * t.cos()], class);
        }
    }
    if m % 2 == 1 {
        // The original fills a matrix of zeros two halves at a time, which leaves an odd last column as it was.
        samples.push([0.0, 0.0], 0);
    }
    samples
}

/// `make_circles(factor=0.5, noise=noise)`: a circle of radius 0.5 (class 1) within one of radius 1 (class 0).
pub(super) fn noisy_circles(m: usize, noise: f64, random: &mut NumpyRandom) -> Samples {
    let outer = m / 2;
    let mut samples = Samples::with_capacity(m);
    for (class, n, radius) in [(0, outer, 1.0), (1, m - outer, 0.5)] {
        let step = 2.0 * PI / n as f64;
        for i in 0..n {
            let t = i as f64 * step;
            samples.push([t.cos() * radius, t.sin() * radius], class);
        }
    }
    let mut samples = samples.shuffled(random);
    samples.add_noise(noise, random);
    samples
}

/// `make_moons(noise=noise)`: two half circles that reach into each other.
pub(super) fn noisy_moons(m: usize, noise: f64, random: &mut NumpyRandom) -> Samples {
    let outer = m / 2;
    let mut samples = Samples::with_capacity(m);
    for t in linspace(0.0, PI, outer) {
        samples.push([t.cos(), t.sin()], 0);
    }
    for t in linspace(0.0, PI, m - outer) {
        samples.push([1.0 - t.cos(), 1.0 - t.sin() - 0.5], 1);
    }
    let mut samples = samples.shuffled(random);
    samples.add_noise(noise, random);
    samples
}

/// The number of centres of [`blobs`].
pub(super) const BLOB_CENTRES: usize = 6;

/// `make_blobs(centers=6, cluster_std=spread)`: normal clouds around six uniform centres; labels are the centres.
pub(super) fn blobs(m: usize, spread: f64, random: &mut NumpyRandom) -> Samples {
    let mut centres = [[0.0; 2]; BLOB_CENTRES];
    for value in centres.as_flattened_mut() {
        *value = random.uniform_between(-10.0, 10.0);
    }
    let mut samples = Samples::with_capacity(m);
    for (i, (centre, label)) in centres.into_iter().zip(0..).enumerate() {
        // The first centres take one more each when m is no multiple of their number.
        let n = m / BLOB_CENTRES + usize::from(i < m % BLOB_CENTRES);
        for _ in 0..n {
            samples.push(centre.map(|c| random.normal(c, spread)), label);
        }
    }
    samples.shuffled(random)
}

/// `make_gaussian_quantiles(cov=0.5, n_classes=2)`: one normal cloud, its inner half class 0, its outer half class 1.
pub(super) fn gaussian_quantiles(m: usize, random: &mut NumpyRandom) -> Samples {
    let deviation = 0.5_f64.sqrt();
    let mut points: Vec<[f64; 2]> =
        (0..m).map(|_| [(); 2].map(|()| random.standard_normal() * deviation)).collect();
    let squared_radius = |[x1, x2]: &[f64; 2]| x1 * x1 + x2 * x2;
    points.sort_by(|a, b| squared_radius(a).total_cmp(&squared_radius(b)));
    let labels = (0..m).map(|i| u32::from(i >= m / 2)).collect();
    Samples { points, labels }.shuffled(random)
}

/// The course's `np.random.rand(m, 2), np.random.rand(m, 2)`, of which it only plots the first block.
///
/// The labels are this project's own rule, since the second block is no label vector: class 1 where its first column
/// is at least 0.5. They are independent of the points; there is nothing to learn.
pub(super) fn no_structure(m: usize, random: &mut NumpyRandom) -> Samples {
    let mut block = || -> Vec<[f64; 2]> { (0..m).map(|_| [(); 2].map(|()| random.uniform())).collect() };
    let points = block();
    let labels = block().iter().map(|row| u32::from(row[0] >= 0.5)).collect();
    Samples { points, labels }
}
