//! The project's own data sets, spiral, xor and linear classes, drawn from ChaCha8; the course's live in `course_generators`.

use std::f64::consts::TAU;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::course_generators::{Samples, linspace};
use super::dataset::{Dataset, Targets};
use crate::error::{Error, Result};

/// The arms of [`spiral`], each a class.
pub(super) const SPIRAL_ARMS: u32 = 3;

/// The angle in radians that an arm of [`spiral`] sweeps; the arms start as far apart, so that they interleave.
const SPIRAL_SWEEP: f64 = 4.0;

/// Three interleaved arms after CS231n's toy data: the radius grows linearly from 0 to 1 while the angle sweeps 4
/// radians, plus a normal of standard deviation `noise`.
///
/// The first arms take one sample more each when `m` is no multiple of three.
pub(super) fn spiral(m: usize, noise: f64, seed: u32) -> Samples {
    let mut random = ChaCha8Rng::seed_from_u64(seed.into());
    let mut samples = Samples::with_capacity(m);
    for arm in 0..SPIRAL_ARMS {
        let n = m / SPIRAL_ARMS as usize + usize::from((arm as usize) < m % SPIRAL_ARMS as usize);
        let start = f64::from(arm) * SPIRAL_SWEEP;
        for (r, t) in linspace(0.0, 1.0, n).zip(linspace(start, start + SPIRAL_SWEEP, n)) {
            let t = t + noise * standard_normal(&mut random);
            samples.push([r * t.sin(), r * t.cos()], arm);
        }
    }
    samples
}

/// Points uniform in [-1, 1) x [-1, 1), class 1 where the signs of their coordinates differ; then a normal of standard
/// deviation `noise` moves each coordinate, so that some points near the axes lie on the wrong side.
pub(super) fn xor(m: usize, noise: f64, seed: u32) -> Samples {
    let mut random = ChaCha8Rng::seed_from_u64(seed.into());
    let mut samples = Samples::with_capacity(m);
    for _ in 0..m {
        let point = [(); 2].map(|()| 2.0 * random.random::<f64>() - 1.0);
        let label = u32::from((point[0] < 0.0) != (point[1] < 0.0));
        samples.push(point.map(|x| x + noise * standard_normal(&mut random)), label);
    }
    samples
}

/// Normal features and as many classes as asked for, which a random linear map tells apart: a problem of any shape, for
/// measuring.
///
/// # Errors
/// [`Error::InvalidArgument`] without samples or features, or with fewer than two classes.
pub fn linear_classes(m: usize, n_features: usize, n_classes: usize, seed: u32) -> Result<Dataset> {
    for (what, value, least) in [
        ("number of samples", m, 1),
        ("number of features", n_features, 1),
        ("number of classes", n_classes, 2),
    ] {
        if value < least {
            return Err(Error::invalid(what, value, format!("at least {least} is needed")));
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed.into());
    let mut normals = |n: usize| (0..n).map(|_| standard_normal(&mut random)).collect::<Vec<f64>>();
    let map = normals(n_classes * n_features);
    let x = normals(n_features * m);
    let labels = (0..m).map(|j| {
        let score =
            |row: &[f64]| -> f64 { row.iter().zip(x[j..].iter().step_by(m)).map(|(w, x)| w * x).sum() };
        let scores = map.chunks_exact(n_features).map(score);
        let best = scores.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or(0, |(class, _)| class as u32)
    });
    let targets = Targets::Classes {
        labels: labels.collect(),
        names: (0..n_classes).map(|class| class.to_string()).collect(),
    };
    let feature_names = (1..=n_features).map(|i| format!("x{i}")).collect();
    Dataset::new("linear classes", x, feature_names, targets)
}

/// A standard normal by the Box-Muller transform; its second normal is dropped, to keep no state.
fn standard_normal(random: &mut ChaCha8Rng) -> f64 {
    // 1 - u lies in (0, 1]: the logarithm is finite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (TAU * random.random::<f64>()).cos()
}
