//! The options of a training of one network: how long, in what steps, and when to stop.

use std::time::Duration;

use clap::Args;
use gpu_nn::schedule::Lowering;
use gpu_nn::training::{ClassWeight, Metric};
use gpu_nn::{Error, Result};

use super::options::{at_least_one, learning_rate, seed};
use super::steps::{StepArgs, Steps, Wanted};

/// How to train one network.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct TrainingArgs {
    /// Steps of the optimiser [default: 10,000; with --batch-size, those of 20 epochs]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one)]
    iterations: Option<usize>,
    /// Step size [default: 1.2 for sgd, 0.1 for momentum and nesterov, 1 for lbfgs, 0.001 for the others]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    #[command(flatten)]
    steps: StepArgs,
    /// Report the cost of every so many iterations [default: a tenth of the iterations]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    report_every: Option<usize>,
    /// How a GPU trains: layerwise (any network), fused (small networks), resident (small networks, few samples)
    /// [default: the fastest, by measuring]
    #[arg(long, value_name = "LOWERING")]
    pub lowering: Option<Lowering>,
    /// How a GPU multiplies the matrices of wide layers: what an earlier run measured, for one that goes on with its bits
    #[arg(long, value_name = "WAYS", hide = true)]
    pub products: Option<String>,
}

/// Iterations of a training on all samples at once, if nothing else is said: the course's.
const ITERATIONS: usize = 10_000;

impl TrainingArgs {
    /// Whether all samples are asked for at once.
    pub fn is_full_batch(&self) -> bool {
        self.steps.is_full_batch()
    }

    /// How much the samples of a class count.
    pub fn class_weight(&self) -> Option<&ClassWeight> {
        self.steps.class_weight.as_ref()
    }

    /// The steps of a learning-rate range test on `m` samples.
    ///
    /// # Errors
    /// As [`steps`](Self::steps), and for options that say what the test is to find.
    pub fn range_test_steps(&self, m: usize) -> Result<Steps> {
        let reason = "the range test has rates of its own; use --from and --to, and leave it out";
        if let Some(rate) = self.learning_rate {
            return Err(Error::invalid("learning rate", rate, reason));
        }
        if self.steps.has_rates_over_time() {
            return Err(Error::invalid("schedule", "of the learning rate", reason));
        }
        self.steps.check_no_line_search()?;
        let mut steps = self.steps(m)?;
        if self.iterations.is_none() && self.steps.epochs.is_none() {
            steps.iterations = steps.batches.count().clamp(200, 1_000);
        }
        Ok(steps)
    }

    /// The steps of a training on `m` samples.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for more iterations than can be counted, or numbers that cannot be meant.
    pub fn steps(&self, m: usize) -> Result<Steps> {
        let Self { iterations, learning_rate, report_every, .. } = *self;
        self.steps.steps(m, Wanted { iterations, usual_iterations: ITERATIONS, learning_rate, report_every })
    }
}

/// What data is held out, and what it decides.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Validation")]
pub struct ValidationArgs {
    /// Data to watch the training by, which is not learnt from: a share of the samples such as 0.1 (of every class the
    /// same), or a file
    #[arg(long, value_name = "SHARE|FILE", allow_negative_numbers = true)]
    pub validation: Option<String>,
    /// Data to score the trained network on in the end: likewise
    #[arg(long, value_name = "SHARE|FILE", allow_negative_numbers = true)]
    pub test: Option<String>,
    /// Seed of the samples that are held out
    #[arg(long, value_name = "SEED", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub split_seed: u32,
    /// What is to improve: cost, log_loss, accuracy, balanced_accuracy, precision, recall, f1, roc_auc, r2, mae or rmse of
    /// the validation data
    #[arg(long, value_name = "METRIC", default_value = "cost")]
    pub metric: Metric,
    /// Stop after so many epochs (reports, without --batch-size) without an improvement, and keep the best network
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub patience: Option<usize>,
    /// Keep all that is needed to go on, checkpoint.safetensors, after every so many epochs (reports, without --batch-size)
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub checkpoint_every: Option<usize>,
    /// Stop after so long: 90s, 15m, 2h; a number alone counts seconds
    #[arg(long, value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    pub max_time: Option<Duration>,
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3_600.0),
        _ => (text, 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds * unit).ok())
        .ok_or_else(|| "give a time such as 90s, 15m or 2h".into())
}
