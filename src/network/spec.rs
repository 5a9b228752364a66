//! Layers, activations and losses as plain data, and the one place where a network is validated.

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::error::{Error, Result};

/// The most units a layer (or features a data set) may have: bounds every loop over units, see `gpu::grid`.
pub const MAX_UNITS: usize = 60_000;

/// The most layers a network may have, the output layer included.
pub const MAX_LAYERS: usize = 1_000;

/// The most parameters a network may have: their count must fit the 32-bit indices of a shader.
const MAX_PARAMETERS: usize = 1 << 30;

/// An elementwise activation function g, with A = g(Z).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// 1 / (1 + exp(-z)); derivative a (1 - a).
    Sigmoid,
    /// (exp(z) - exp(-z)) / (exp(z) + exp(-z)); derivative 1 - a^2.
    Tanh,
    /// max(z, 0); derivative 1 where a > 0, else 0 (at 0 too, as in the course).
    Relu,
    /// z where z > 0, else slope * z; derivative 1 where a > 0, else slope.
    LeakyRelu {
        /// The slope for negative z, in (0, 1).
        slope: f64,
    },
    /// z where z > 0, else exp(z) - 1; derivative 1 where a > 0, else 1 + a (Clevert et al. 2016, alpha = 1).
    Elu,
    /// ln(1 + exp(z)); derivative 1 - exp(-a).
    Softplus,
    /// z / (1 + exp(-2 u)), u = sqrt(2 / pi) (z + 0.044715 z^3): GELU in its tanh form, z (1 + tanh(u)) / 2 (Hendrycks & Gimpel
    /// 2016).
    Gelu,
    /// z / (1 + exp(-z)) (Elfwing et al. 2018).
    Silu,
    /// z; derivative 1.
    Identity,
}

/// 2 u of [`Activation::Gelu`] is z (GELU_LINEAR + GELU_CUBE z^2); 2 sqrt(2 / pi).
#[cfg(any(feature = "cpu", feature = "export"))]
pub(crate) const GELU_LINEAR: f64 = 1.595_769_121_605_730_7;

/// 0.044715 of it.
#[cfg(any(feature = "cpu", feature = "export"))]
pub(crate) const GELU_CUBE: f64 = 0.044715 * GELU_LINEAR;

/// Output activation and cost together, since dZ = A - Y (up to the mean) only where they match.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Sigmoid output with binary cross-entropy: mean of softplus(z) - y z; one output, y in {0, 1}.
    BinaryCrossEntropy,
    /// Softmax output with cross-entropy: mean of logsumexp(z) - z_y; K >= 2 outputs, y the class index.
    SoftmaxCrossEntropy,
    /// Identity output with squared error: mean over the samples of sum_i (z_i - y_i)^2 / 2.
    SquaredError,
    /// Identity output with absolute error: mean over the samples of sum_i |z_i - y_i|; derivative 0 at 0.
    AbsoluteError,
    /// Identity output: mean over the samples of sum_i c_i (r_i - c_i / 2), r = z - y, c = r within [-delta, delta]: r^2 / 2
    /// near 0, and a line beyond delta (Huber 1964).
    Huber {
        /// Where the line begins; a positive number.
        delta: f64,
    },
}

/// One hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Units, n_l.
    pub units: usize,
    /// The layer's activation function.
    pub activation: Activation,
}

/// A multilayer perceptron: n_features -> hidden layers -> n_outputs logits -> loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Network {
    n_features: usize,
    hidden: Vec<Layer>,
    n_outputs: usize,
    loss: Loss,
}

/// What a file may claim a network to be, before [`Network::new`] has looked at it.
#[derive(Deserialize)]
struct Unchecked {
    n_features: usize,
    hidden: Vec<Layer>,
    n_outputs: usize,
    loss: Loss,
}

impl TryFrom<Unchecked> for Network {
    type Error = Error;

    fn try_from(raw: Unchecked) -> Result<Self> {
        Self::new(raw.n_features, raw.hidden, raw.n_outputs, raw.loss)
    }
}

impl Network {
    /// A network of the given shape; no hidden layers make a linear model (logistic regression with
    /// [`Loss::BinaryCrossEntropy`]).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a layer of no or more than [`MAX_UNITS`] units, more than [`MAX_LAYERS`] layers,
    /// a slope outside (0, 1), a number of outputs or a delta that the loss cannot use, or more than 2^30 parameters.
    pub fn new(n_features: usize, hidden: Vec<Layer>, n_outputs: usize, loss: Loss) -> Result<Self> {
        check_units("number of features", n_features)?;
        check_units("number of outputs", n_outputs)?;
        if hidden.len() + 1 > MAX_LAYERS {
            return Err(Error::invalid(
                "number of layers",
                hidden.len() + 1,
                format!("at most {MAX_LAYERS} layers"),
            ));
        }
        for layer in &hidden {
            check_units("hidden layer", layer.units)?;
            layer.activation.validate()?;
        }
        match loss {
            Loss::BinaryCrossEntropy if n_outputs != 1 => {
                return Err(Error::invalid(
                    "number of outputs",
                    n_outputs,
                    "a sigmoid output with binary cross-entropy has exactly 1; use softmax for more classes",
                ));
            }
            Loss::SoftmaxCrossEntropy if n_outputs < 2 => {
                return Err(Error::invalid(
                    "number of outputs",
                    n_outputs,
                    "softmax needs at least 2 classes",
                ));
            }
            Loss::Huber { delta } if !(delta > 0.0 && delta.is_finite()) => {
                let reason = "it is a positive number, such as huber:1.0";
                return Err(Error::invalid("delta of the Huber loss", delta, reason));
            }
            _ => {}
        }
        let network = Self { n_features, hidden, n_outputs, loss };
        network.check_parameter_count()?;
        Ok(network)
    }

    fn check_parameter_count(&self) -> Result<()> {
        // Every factor is at most MAX_UNITS and there are at most MAX_LAYERS terms: no overflow in 64 bits.
        let count: u64 = (0..self.n_layers())
            .map(|l| {
                let (rows, cols) = self.weight_shape(l);
                rows as u64 * (cols as u64 + 1)
            })
            .sum();
        if count > MAX_PARAMETERS as u64 {
            return Err(Error::invalid("network", count, format!("at most {MAX_PARAMETERS} parameters")));
        }
        Ok(())
    }

    /// Features a sample, n_0.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The hidden layers, first to last.
    pub fn hidden(&self) -> &[Layer] {
        &self.hidden
    }

    /// Logits a sample, n_L.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Output activation and cost.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// Classes that the outputs tell apart; 0 for values.
    pub fn n_classes(&self) -> usize {
        match self.loss {
            Loss::BinaryCrossEntropy => 2,
            Loss::SoftmaxCrossEntropy => self.n_outputs,
            Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => 0,
        }
    }

    /// Layers with parameters, L: the hidden ones and the output.
    pub fn n_layers(&self) -> usize {
        self.hidden.len() + 1
    }

    /// Shape (n_l, n_prev) of the weights of layer `l`, counted from 0.
    pub fn weight_shape(&self, l: usize) -> (usize, usize) {
        let units = |l: usize| self.hidden.get(l).map_or(self.n_outputs, |layer| layer.units);
        (units(l), if l == 0 { self.n_features } else { units(l - 1) })
    }

    /// Rows of the target matrix Y: 1 for class indices, n_L for values.
    pub fn target_rows(&self) -> usize {
        self.loss.target_rows(self.n_outputs)
    }
}

/// `2-4:tanh-1:sigmoid`: sizes and activations from the input on.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.n_features)?;
        for layer in &self.hidden {
            write!(f, "-{}:{}", layer.units, layer.activation)?;
        }
        write!(f, "-{}:{}", self.n_outputs, self.loss.output_name())
    }
}

impl Activation {
    /// Whether its derivative is written in terms of Z, which then has to be kept, since A does not tell it.
    pub fn needs_z(self) -> bool {
        matches!(self, Self::Gelu | Self::Silu)
    }

    fn validate(self) -> Result<()> {
        match self {
            Self::LeakyRelu { slope } if !(slope > 0.0 && slope < 1.0) => Err(Error::invalid(
                "leaky_relu slope",
                slope,
                "the slope lies between 0 and 1, both excluded, such as leaky_relu(0.01)",
            )),
            _ => Ok(()),
        }
    }
}

impl Loss {
    /// The output activation's name, as the command line spells it.
    pub fn output_name(self) -> &'static str {
        match self {
            Self::BinaryCrossEntropy => "sigmoid",
            Self::SoftmaxCrossEntropy => "softmax",
            Self::SquaredError | Self::AbsoluteError | Self::Huber { .. } => "identity",
        }
    }

    /// Whether the network predicts real values, not classes.
    pub fn predicts_values(self) -> bool {
        matches!(self, Self::SquaredError | Self::AbsoluteError | Self::Huber { .. })
    }

    /// Rows of the target matrix Y of a network with so many outputs.
    pub fn target_rows(self, n_outputs: usize) -> usize {
        if self.predicts_values() { n_outputs } else { 1 }
    }

    /// The class that one sample's output A = (n_L) stands for: A > 0.5 for a sigmoid (exactly 0.5 is class 0, as
    /// NumPy rounds half to even), the first largest for softmax; `None` for regression.
    pub fn class_of(self, a: impl IntoIterator<Item = f64>) -> Option<u32> {
        let mut a = a.into_iter();
        match self {
            Self::BinaryCrossEntropy => a.next().map(|p| u32::from(p > 0.5)),
            Self::SoftmaxCrossEntropy => {
                let mut best: Option<(u32, f64)> = None;
                for (class, p) in (0u32..).zip(a) {
                    if best.is_none_or(|(_, highest)| p > highest) {
                        best = Some((class, p));
                    }
                }
                best.map(|(class, _)| class)
            }
            Self::SquaredError | Self::AbsoluteError | Self::Huber { .. } => None,
        }
    }
}

fn check_units(what: &'static str, units: usize) -> Result<()> {
    if units == 0 || units > MAX_UNITS {
        return Err(Error::invalid(what, units, format!("it must be between 1 and {MAX_UNITS}")));
    }
    Ok(())
}
