//! First values of the parameters: normals of NumPy's legacy stream times a scale that depends on the layer.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use super::arena::Parameters;
use super::spec::Network;
use crate::data::NumpyRandom;
use crate::error::{Error, Result};

/// How weights start; biases always start at zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// Normals times `scale`: the course's 0.01, or 1000 for its "too large".
    Normal {
        /// The standard deviation.
        scale: f64,
    },
    /// All zero: hidden units never become different.
    Zeros,
    /// Normals times sqrt(2 / (n_prev + n_l)) (Glorot & Bengio 2010, eq. 12, as a normal).
    Xavier,
    /// Normals times sqrt(2 / n_prev) (He et al. 2015, eq. 10).
    He,
    /// Normals divided by sqrt(n_prev): the course's deep networks (LeCun et al. 1998).
    Lecun,
}

impl Initializer {
    /// The course's `np.random.randn(...) * 0.01`.
    pub const COURSE: Self = Self::Normal { scale: 0.01 };

    /// The weight that the standard normal `n` becomes in a layer of shape (n_l, n_prev).
    pub(crate) fn weight(self, n: f64, n_l: usize, n_prev: usize) -> f64 {
        match self {
            Self::Normal { scale } => n * scale,
            Self::Zeros => 0.0,
            Self::Xavier => n * (2.0 / (n_prev + n_l) as f64).sqrt(),
            Self::He => n * (2.0 / n_prev as f64).sqrt(),
            // A division, not a product with the reciprocal: the course's own bits.
            Self::Lecun => n / (n_prev as f64).sqrt(),
        }
    }
}

/// Draws the weights layer by layer, row by row, from `RandomState(seed).randn`, as the course does; biases are zero.
pub fn initialize(network: &Network, initializer: Initializer, seed: u32) -> Parameters {
    let mut parameters = Parameters::zeros(network);
    let mut random = NumpyRandom::new(seed);
    for l in 0..network.n_layers() {
        let (n_l, n_prev) = network.weight_shape(l);
        for w in parameters.weight_mut(l) {
            *w = initializer.weight(random.standard_normal(), n_l, n_prev);
        }
    }
    parameters
}

impl FromStr for Initializer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            Error::invalid(
                "initialiser",
                text,
                "use normal, normal:SCALE (the course: normal:0.01), zeros, xavier, he or lecun",
            )
        };
        match text {
            "normal" => Ok(Self::COURSE),
            "zeros" => Ok(Self::Zeros),
            "xavier" => Ok(Self::Xavier),
            "he" => Ok(Self::He),
            "lecun" => Ok(Self::Lecun),
            _ => {
                let scale = text.strip_prefix("normal:").and_then(|scale| scale.trim().parse().ok());
                let scale = scale.filter(|scale: &f64| scale.is_finite()).ok_or_else(unknown)?;
                Ok(Self::Normal { scale })
            }
        }
    }
}

impl fmt::Display for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal { scale } => write!(f, "normal:{scale}"),
            Self::Zeros => f.write_str("zeros"),
            Self::Xavier => f.write_str("xavier"),
            Self::He => f.write_str("he"),
            Self::Lecun => f.write_str("lecun"),
        }
    }
}
