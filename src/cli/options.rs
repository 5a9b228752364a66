//! The options that commands share, and what they mean: network, backend, reporting; those of the data are in
//! `data_options`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gpu_nn::data::Dataset;
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, parse_value_loss};
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::{Backend, BackendChoice, fastest_trusted_backend, fastest_window_backend};
use gpu_nn::{Error, Result};

use super::choices::{Choices, backend_key};
use super::verdicts;

/// The output layer and its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// sigmoid for 2 classes, softmax for more
    Auto,
    /// one unit, binary cross-entropy
    Sigmoid,
    /// one unit a class, cross-entropy
    Softmax,
    /// the target is a real number: squared error, or another --loss
    Identity,
}

impl Output {
    /// The network with this output for a data set.
    pub fn network(self, hidden: Vec<Layer>, dataset: &Dataset) -> Result<Network> {
        let (loss, n_outputs) = self.resolve(dataset)?;
        Network::new(dataset.n_features, hidden, n_outputs, loss)
    }

    /// The loss and the number of outputs for a data set.
    fn resolve(self, dataset: &Dataset) -> Result<(Loss, usize)> {
        let Some(classes) = dataset.n_classes() else {
            let y = dataset.y().len() / dataset.m;
            return Ok((Loss::SquaredError, y));
        };
        match self {
            Self::Identity => Ok((Loss::SquaredError, 1)),
            Self::Sigmoid if classes > 2 => Err(Error::invalid(
                "output",
                "sigmoid",
                format!("{} has {classes} classes; use --output softmax", dataset.name),
            )),
            Self::Sigmoid => Ok((Loss::BinaryCrossEntropy, 1)),
            Self::Auto if classes <= 2 => Ok((Loss::BinaryCrossEntropy, 1)),
            Self::Auto | Self::Softmax => Ok((Loss::SoftmaxCrossEntropy, classes)),
        }
    }
}

/// Which network, but for its hidden layers.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Activation of hidden layers that name none: sigmoid, tanh, relu, leaky_relu, leaky_relu(SLOPE), elu, softplus, gelu (z sigmoid(2 u), u = sqrt(2/pi) (z + 0.044715 z^3)), silu (z sigmoid(z)), identity
    #[arg(long, value_name = "G", default_value = "tanh")]
    pub activation: Activation,
    /// Output activation and cost
    #[arg(long, value_enum, default_value = "auto")]
    pub output: Output,
    /// Cost of a difference r = z - y of a real-valued target: squared (r^2 / 2), absolute (|r|), or huber:DELTA (r^2 / 2 up
    /// to DELTA, DELTA (|r| - DELTA / 2) beyond) [default: squared]
    #[arg(long, value_name = "LOSS", value_parser = parse_value_loss)]
    pub loss: Option<Loss>,
    /// First weights: normal:SCALE, zeros, xavier, he, or lecun (normal / sqrt(n_prev), the course's deep networks)
    #[arg(long, value_name = "HOW", default_value = "normal:0.01")]
    pub init: Initializer,
    /// Seed of the first weights: NumPy's legacy RandomState
    #[arg(long, value_name = "SEED", default_value_t = 2, value_parser = seed, allow_negative_numbers = true)]
    pub init_seed: u32,
}

impl NetworkArgs {
    /// The network for a data set.
    pub fn network(&self, hidden: Vec<Layer>, dataset: &Dataset) -> Result<Network> {
        let network = self.output.network(hidden, dataset)?;
        let Some(loss) = self.loss else { return Ok(network) };
        if !network.loss().predicts_values() {
            let output = network.loss().output_name();
            let reason = format!(
                "it is for real-valued targets, and the output is {output}; leave it out, or add --output identity"
            );
            return Err(Error::invalid("loss", loss, reason));
        }
        Network::new(network.n_features(), network.hidden().to_vec(), network.n_outputs(), loss)
    }
}

/// Where to compute.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Backend")]
pub struct BackendArgs {
    /// auto (training: whatever measures fastest; else a GPU if there is one), gpu, vulkan (a software driver will do), metal, dx12, cpu (all cores, f32), cpu-reference (one thread, f64)
    #[arg(long, value_name = "BACKEND", default_value = "auto")]
    pub backend: BackendChoice,
    /// Part of an adapter's or driver's name, or its number in `gpu-nn info`
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Measure anew which backend and lowering are fastest, whatever earlier runs found
    #[arg(long)]
    pub retune: bool,
}

impl BackendArgs {
    /// Opens the backend; the text says which and why.
    pub async fn open(&self) -> Result<(Backend, String)> {
        self.open_unless_wrong(self.backend == BackendChoice::Auto && self.adapter.is_none()).await
    }

    /// The same; a device that failed `verify` only if nobody is `free` to take another.
    async fn open_unless_wrong(&self, free: bool) -> Result<(Backend, String)> {
        let (backend, why) = Backend::open(self.backend, self.adapter.as_deref()).await?;
        let (backend, why) = verdicts::heed(backend, why, free);
        Ok(Self::describe(backend, &why))
    }

    /// Opens the backend for a training: `auto` is the one that measures fastest; a lowering asks for a GPU.
    pub async fn open_for(
        &self,
        problem: &Problem<'_>,
        iterations: usize,
        lowering: Option<Lowering>,
    ) -> Result<(Backend, String)> {
        if (self.backend, &self.adapter, lowering) != (BackendChoice::Auto, &None, None) {
            let free = self.backend == BackendChoice::Auto && self.adapter.is_none() && lowering.is_none();
            return self.open_unless_wrong(free).await;
        }
        let mut choices = Choices::load(self.retune);
        let key = backend_key(problem, iterations);
        let remembered = choices.get(&key).and_then(|choice| choice.parse::<BackendChoice>().ok());
        if let Some(choice) = remembered
            && let Ok((backend, _)) = Backend::open(choice, None).await
        {
            let why = "measured in an earlier run; --retune measures anew".to_owned();
            let (backend, why) = verdicts::heed(backend, why, true);
            return Ok(Self::describe(backend, &why));
        }
        let (backend, why) = fastest_trusted_backend(problem, iterations, &verdicts::distrusted).await?;
        let choice = if backend.adapter().is_some() { "gpu" } else { backend.name() };
        choices.remember(key, choice);
        Ok(Self::describe(backend, &why))
    }

    /// Opens the backend for a training in windows of samples, of which the problem is one.
    pub async fn open_for_windows(
        &self,
        problem: &Problem<'_>,
        lowering: Option<Lowering>,
    ) -> Result<(Backend, String)> {
        if (self.backend, &self.adapter, lowering) != (BackendChoice::Auto, &None, None) {
            return self.open().await;
        }
        let (backend, why) = fastest_window_backend(problem).await?;
        let (backend, why) = verdicts::heed(backend, why, true);
        Ok(Self::describe(backend, &why))
    }

    fn describe(backend: Backend, why: &str) -> (Backend, String) {
        let what = match (backend.adapter(), backend.driver()) {
            (Some(adapter), Some(driver)) => format!("{}, {adapter}, {driver}", backend.name()),
            _ => backend.name().to_owned(),
        };
        let text = format!("{what} ({why})");
        (backend, text)
    }
}

/// Refuses a lowering on a backend that has none, and warns of one that failed `verify`.
pub fn check_lowering(lowering: Option<Lowering>, backend: &Backend) -> Result<()> {
    match (lowering, backend.adapter()) {
        (Some(lowering), None) => {
            let why = format!("the {} backend has none; leave --lowering out", backend.name());
            Err(Error::invalid("lowering", lowering, why))
        }
        (Some(lowering), Some(_)) => {
            verdicts::warn_of(lowering, backend);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What to print and write.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct ResultArgs {
    /// Folder to write; it must not hold anything yet [default: a fresh runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on standard output, and nothing else
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Draw no pictures
    #[arg(long)]
    pub no_plots: bool,
}

/// Parses a learning rate: positive and finite.
pub fn learning_rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("a learning rate is a positive number such as 1.2".into()),
    }
}

/// Parses a seed.
pub fn seed(text: &str) -> std::result::Result<u32, String> {
    text.parse().map_err(|_| format!("give a whole number from 0 to {}", u32::MAX))
}

/// A seed, or a range of them.
#[derive(Clone, Debug)]
pub struct Seeds(pub std::ops::RangeInclusive<u32>);

/// Parses `5`, or `1..20` with both ends included.
pub fn seeds(text: &str) -> std::result::Result<Seeds, String> {
    let (first, last) = match text.split_once("..") {
        Some((first, last)) => (seed(first)?, seed(last.trim_start_matches('='))?),
        None => (seed(text)?, seed(text)?),
    };
    if first > last {
        return Err(format!("the range begins with {first}, after its end {last}; write {last}..{first}"));
    }
    Ok(Seeds(first..=last))
}

/// Parses a count of at least 1.
pub fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("give a whole number of at least 1".into()),
    }
}
