//! Text forms of activations, losses of values and hidden layers, as typed on the command line and stored in reports.

use std::fmt;
use std::str::FromStr;

use super::spec::{Activation, Layer, Loss, MAX_LAYERS};
use crate::error::{Error, Result};

/// The slope of a `leaky_relu` that names none.
const DEFAULT_SLOPE: f64 = 0.01;

const ACTIVATIONS: &str =
    "sigmoid, tanh, relu, leaky_relu, leaky_relu(SLOPE), elu, softplus, gelu, silu or identity";

impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::invalid("activation", text, format!("use {ACTIVATIONS}"));
        match text {
            "sigmoid" => Ok(Self::Sigmoid),
            "tanh" => Ok(Self::Tanh),
            "relu" => Ok(Self::Relu),
            "elu" => Ok(Self::Elu),
            "softplus" => Ok(Self::Softplus),
            "gelu" => Ok(Self::Gelu),
            "silu" => Ok(Self::Silu),
            "identity" => Ok(Self::Identity),
            "leaky_relu" => Ok(Self::LeakyRelu { slope: DEFAULT_SLOPE }),
            _ => {
                let slope = text.strip_prefix("leaky_relu(").and_then(|rest| rest.strip_suffix(')'));
                let slope = slope.and_then(|s| s.trim().parse().ok()).ok_or_else(unknown)?;
                Ok(Self::LeakyRelu { slope })
            }
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Tanh => f.write_str("tanh"),
            Self::Relu => f.write_str("relu"),
            Self::LeakyRelu { slope } => write!(f, "leaky_relu({slope})"),
            Self::Elu => f.write_str("elu"),
            Self::Softplus => f.write_str("softplus"),
            Self::Gelu => f.write_str("gelu"),
            Self::Silu => f.write_str("silu"),
            Self::Identity => f.write_str("identity"),
        }
    }
}

/// Where the line of a `huber` begins that names no delta; PyTorch's.
const DEFAULT_DELTA: f64 = 1.0;

/// Reads the loss of a network that predicts values: `squared`, `absolute`, `huber` or `huber:DELTA`.
///
/// # Errors
/// [`Error::InvalidArgument`] for anything else.
pub fn parse_value_loss(text: &str) -> Result<Loss> {
    match text {
        "squared" => Ok(Loss::SquaredError),
        "absolute" => Ok(Loss::AbsoluteError),
        "huber" => Ok(Loss::Huber { delta: DEFAULT_DELTA }),
        _ => {
            let delta = text.strip_prefix("huber:").and_then(|delta| delta.trim().parse().ok());
            let delta = delta.filter(|delta: &f64| *delta > 0.0 && delta.is_finite());
            let reason = "use squared, absolute, or huber:DELTA with a positive number, such as huber:1.0";
            Ok(Loss::Huber { delta: delta.ok_or_else(|| Error::invalid("loss", text, reason))? })
        }
    }
}

/// As [`parse_value_loss`] reads it for values, and the name of the cross-entropy for classes.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BinaryCrossEntropy => f.write_str("binary_cross_entropy"),
            Self::SoftmaxCrossEntropy => f.write_str("softmax_cross_entropy"),
            Self::SquaredError => f.write_str("squared"),
            Self::AbsoluteError => f.write_str("absolute"),
            Self::Huber { delta } => write!(f, "huber:{delta}"),
        }
    }
}

/// Reads hidden layers such as `4`, `20,7,5`, `20:relu,7:tanh` or `none`; layers without an activation of their own
/// take `default`.
///
/// # Errors
/// [`Error::InvalidArgument`] for a size that is no positive number, or an unknown activation.
pub fn parse_hidden(text: &str, default: Activation) -> Result<Vec<Layer>> {
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let n_layers = text.split(',').count() + 1;
    if n_layers > MAX_LAYERS {
        return Err(Error::invalid("number of layers", n_layers, format!("at most {MAX_LAYERS} layers")));
    }
    text.split(',')
        .map(|layer| {
            let (units, activation) = match layer.split_once(':') {
                Some((units, activation)) => (units, activation.trim().parse()?),
                None => (layer, default),
            };
            let units = units.trim().parse().ok().filter(|&units| units > 0).ok_or_else(|| {
                Error::invalid(
                    "hidden layer",
                    layer.trim(),
                    "give sizes such as 4 or 20,7,5, with activations as in 20:relu,7:tanh, or none",
                )
            })?;
            Ok(Layer { units, activation })
        })
        .collect()
}
