//! Numbers to try kernels with: sizes around a workgroup's, and seeded values, each exactly an `f32`, with awkward ones among
//! them.

use crate::data::NumpyRandom;
use crate::network::{Activation, Loss, Network, Parameters};

/// The most that rounding to f32 changes a number, relative: half a unit in the last place.
pub const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

/// Devices may flush what is smaller to zero.
pub const SMALLEST_NORMAL: f64 = f32::MIN_POSITIVE as f64;

/// One of each activation that every lowering has.
pub const ACTIVATIONS: [Activation; 7] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.25 },
    Activation::Identity,
    Activation::Elu,
    Activation::Softplus,
];

/// The others, whose derivative needs Z.
pub const WITH_Z: [Activation; 2] = [Activation::Gelu, Activation::Silu];

/// Around the width of a workgroup, below and far above.
pub const SIZES: [usize; 7] = [1, 7, 63, 64, 65, 127, 1000];

/// A seeded stream of numbers to try, each exactly an f32.
pub struct Numbers(NumpyRandom);

impl Numbers {
    /// The stream of a seed.
    pub fn new(seed: u32) -> Self {
        Self(NumpyRandom::new(seed))
    }

    /// Normals, and among them every now and then a zero, a large number and a tiny one.
    pub fn awkward(&mut self, count: usize) -> Vec<f64> {
        (0..count)
            .map(|_| {
                let normal = self.0.standard_normal();
                single(match self.0.bounded(15) {
                    0 => 0.0,
                    1 => 1e4 * normal.clamp(-1.0, 1.0),
                    2 => 1e-30 * normal,
                    3 => 10.0 * normal,
                    _ => normal,
                })
            })
            .collect()
    }

    /// Standard normals.
    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| single(self.0.standard_normal())).collect()
    }

    /// Class indices below `n_outputs` (two for one output), or real values; (target_rows, m).
    pub fn targets(&mut self, loss: Loss, n_outputs: usize, m: usize) -> Vec<f64> {
        let n_classes = match loss {
            loss if loss.predicts_values() => return self.normals(n_outputs * m),
            Loss::BinaryCrossEntropy => 2,
            _ => n_outputs,
        };
        (0..m).map(|_| self.0.bounded(n_classes as u64 - 1) as f64).collect()
    }

    /// Normals divided by sqrt(n_prev), with biases that are not zero.
    pub fn parameters(&mut self, network: &Network) -> Parameters {
        let mut values = Vec::new();
        for l in 0..network.n_layers() {
            let (n_l, n_prev) = network.weight_shape(l);
            let scale = 1.0 / (n_prev as f64).sqrt();
            values.extend(self.normals(n_l * n_prev).into_iter().map(|w| single(w * scale)));
            values.extend(self.normals(n_l).into_iter().map(|b| single(0.1 * b)));
        }
        Parameters::from_values(network, values).expect("as many values as the layers' shapes say")
    }
}

/// Rounds to f32, so that both sides start from the same number.
pub fn single(value: f64) -> f64 {
    f64::from(value as f32)
}
