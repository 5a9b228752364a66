//! The project's own data sets, spiral and xor, drawn from ChaCha8; the course's live in `course_generators`.

use std::f64::consts::TAU;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::course_generators::{Samples, linspace};

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

/// A standard normal by the Box-Muller transform; its second normal is dropped, to keep no state.
fn standard_normal(random: &mut ChaCha8Rng) -> f64 {
    // 1 - u lies in (0, 1]: the logarithm is finite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (TAU * random.random::<f64>()).cos()
}
