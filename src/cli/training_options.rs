//! The options of a training: how long, in what steps, on which batches, and when to stop.

use std::time::Duration;

use clap::Args;
use gpu_nn::data::Dataset;
use gpu_nn::network::{Network, Parameters};
use gpu_nn::schedule::{Batches, Clip, Decay, Descent, Dropout, Lowering, Optimizer, Problem, RateSchedule};
use gpu_nn::training::{ClassWeight, Lbfgs, Look, Method, Metric, Metrics, Plan, Plateau, StandIn};
use gpu_nn::{Error, Result};

use super::console::thousands;
use super::objective_options::ObjectiveArgs;
use super::options::{at_least_one, learning_rate, seed};
use super::rates::{Rates, rates};

/// How to train.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct TrainingArgs {
    /// Steps of the optimiser [default: 10,000; with --batch-size, those of 20 epochs]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one)]
    iterations: Option<usize>,
    /// The same in passes over all samples
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = at_least_one,
        conflicts_with = "iterations"
    )]
    epochs: Option<usize>,
    /// Samples a step learns from: full (all of them) or a number; batches are drawn anew for each epoch
    #[arg(long, value_name = "full|N", default_value = "full", value_parser = batch_size, allow_negative_numbers = true)]
    batch_size: BatchSize,
    /// Seed of the order of the samples in each epoch
    #[arg(long, value_name = "SEED", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    shuffle_seed: u32,
    /// Take the batches in the order of the data
    #[arg(long)]
    no_shuffle: bool,
    /// Step size [default: 1.2 for sgd, 0.1 for momentum and nesterov, 1 for lbfgs, 0.001 for the others]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// sgd (theta -= r g), momentum (s = 0.9 s + g; theta -= r s), nesterov (theta -= r (g + 0.9 s)), rmsprop, adam or
    /// adamw; with other constants as in momentum:momentum=0.8 or adamw:weight_decay=0.1,beta_2=0.99; or lbfgs (all samples at once: theta -= t H g, H from the
    /// last 10 steps, t by a line search for the strong Wolfe conditions), lbfgs:history=20
    #[arg(long, value_name = "RULE", default_value = "sgd")]
    optimizer: Method,
    /// The learning rate over time: constant, step:EPOCHS:FACTOR, exponential:EPOCHS:FACTOR, cosine (to 0 at the end), or
    /// plateau:factor=0.1,patience=10 (times the factor after so many epochs, or reports without --batch-size, in which --metric
    /// of the validation data, or without any the training cost, does not improve)
    #[arg(long, value_name = "HOW", default_value = "constant", value_parser = rates)]
    schedule: Rates,
    /// Epochs in which the learning rate grows to its full size
    #[arg(long, value_name = "EPOCHS", default_value_t = 0)]
    warm_up: usize,
    /// Adds l1 * sum |w| over the weights to what is minimised (costs are reported without)
    #[arg(long, value_name = "L1", default_value_t = 0.0, allow_negative_numbers = true)]
    l1: f64,
    /// Adds l2 / 2 * sum w^2 over the weights
    #[arg(long, value_name = "L2", default_value_t = 0.0, allow_negative_numbers = true)]
    l2: f64,
    /// How much the samples of a class count: balanced (every class as much as any other), or CLASS=WEIGHT,...; scaled to a
    /// mean of 1
    #[arg(long, value_name = "balanced|CLASS=W,..")]
    pub class_weight: Option<ClassWeight>,
    #[command(flatten)]
    objective: ObjectiveArgs,
    /// Share of every hidden layer's units that each sample does without, chosen anew in each iteration
    #[arg(long, value_name = "RATE", default_value_t = 0.0, allow_negative_numbers = true)]
    dropout: f64,
    /// Seed of what is left out
    #[arg(long, value_name = "SEED", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    dropout_seed: u32,
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

/// Epochs of a training in batches, if nothing else is said.
const EPOCHS: usize = 20;

impl TrainingArgs {
    /// Whether all samples are asked for at once.
    pub fn is_full_batch(&self) -> bool {
        self.batch_size == BatchSize::Full
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
        if self.schedule != Rates::Constant || self.warm_up > 0 {
            return Err(Error::invalid("schedule", "of the learning rate", reason));
        }
        if self.optimizer.history().is_some() {
            let reason = "it searches for the length of each step; use another";
            return Err(Error::invalid("optimiser", self.optimizer, reason));
        }
        let mut steps = self.steps(m)?;
        if self.iterations.is_none() && self.epochs.is_none() {
            steps.iterations = steps.batches.count().clamp(200, 1_000);
        }
        Ok(steps)
    }

    /// The steps of a training on `m` samples.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for more iterations than can be counted, or numbers that cannot be meant.
    pub fn steps(&self, m: usize) -> Result<Steps> {
        let batch_size = match self.batch_size {
            BatchSize::Full => m,
            BatchSize::Samples(n) => n.min(m),
        };
        let shuffle = (!self.no_shuffle).then_some(self.shuffle_seed);
        let batches = Batches { m, size: batch_size, shuffle };
        let an_epoch = batches.count();
        let of_epochs = |epochs: usize| {
            epochs.checked_mul(an_epoch).ok_or_else(|| Error::invalid("epochs", epochs, "use fewer"))
        };
        let iterations = match (self.iterations, self.epochs) {
            (Some(iterations), _) => iterations,
            (None, Some(epochs)) => of_epochs(epochs)?,
            (None, None) if an_epoch == 1 => ITERATIONS,
            (None, None) => of_epochs(EPOCHS)?,
        };
        let warm_up = of_epochs(self.warm_up)?;
        let decay = match self.schedule {
            Rates::Constant => Decay::Constant,
            Rates::Step { epochs, factor } => Decay::Step { every: of_epochs(epochs)?, factor },
            Rates::Exponential { epochs, factor } => Decay::Exponential { every: of_epochs(epochs)?, factor },
            Rates::Cosine => Decay::Cosine { over: iterations.saturating_sub(warm_up).max(1) },
            Rates::Plateau { factor, patience } => Decay::Plateau { factor, patience, reductions: 0 },
        };
        let descent = Descent {
            optimizer: self.optimizer.rule(),
            learning_rate: self.learning_rate.unwrap_or_else(|| self.optimizer.usual_learning_rate()),
            rates: RateSchedule { decay, warm_up },
            l1: self.l1,
            l2: self.l2,
            clip: self.objective.clip(),
        };
        descent.check()?;
        let report_every = self.report_every.unwrap_or_else(|| iterations.div_ceil(10).max(1));
        let dropout = Dropout { rate: self.dropout, seed: self.dropout_seed };
        dropout.check()?;
        let dropout = Some(dropout).filter(|dropout| dropout.rate > 0.0);
        let label_smoothing = self.objective.label_smoothing;
        let method = self.optimizer;
        if let Some(history) = method.history() {
            Lbfgs::check(batches, &descent, dropout, history)?;
        }
        Ok(Steps { iterations, report_every, batches, method, descent, dropout, label_smoothing })
    }
}

/// The steps of a training, with all defaults filled in.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    pub iterations: usize,
    pub report_every: usize,
    pub batches: Batches,
    pub method: Method,
    pub descent: Descent,
    pub dropout: Option<Dropout>,
    pub label_smoothing: f64,
}

impl Steps {
    pub fn plan(&self) -> Plan {
        Plan {
            iterations: self.iterations,
            report_every: self.report_every,
            learning_rate: self.descent.learning_rate,
        }
    }

    /// Iterations from one look at a watched training to the next: an epoch, or without batches a report.
    pub fn look_every(&self) -> usize {
        if self.in_batches() { self.batches.count() } else { self.report_every }
    }

    /// Looks at a watched training.
    pub fn looks(&self) -> usize {
        self.iterations.div_ceil(self.look_every())
    }

    /// `  epoch 3  cost 0.1234  validation cost 0.2345, accuracy 97.10 %`
    pub fn describe_look(&self, look: &Look) -> String {
        let when = match self.in_batches() {
            true => format!("epoch {:>4}", look.iteration.div_ceil(self.batches.count())),
            false => format!("iteration {:>7}", thousands(look.iteration)),
        };
        let mut text = format!("  {when}  cost {:.6}", look.training_cost);
        if let Some(metrics) = &look.validation {
            text += &format!("  validation {}", describe_metrics(metrics));
        }
        if look.best && look.validation.is_some() {
            text += "  best so far";
        }
        text
    }

    /// The norm that gradients are clipped to, if they are.
    pub fn clip_norm(&self) -> Option<f64> {
        match self.descent.clip {
            Some(Clip::Norm(most)) => Some(most),
            _ => None,
        }
    }

    /// What follows the looks, where the learning rate waits for a plateau of a metric.
    pub fn plateau(&self, metric: Metric) -> Option<Plateau> {
        Plateau::of(self.descent.rates, metric)
    }

    /// Whether there is more than one batch.
    pub fn in_batches(&self) -> bool {
        self.batches.count() > 1
    }

    /// The training itself.
    pub fn problem<'a>(
        &self,
        network: &'a Network,
        parameters: &'a Parameters,
        dataset: &'a Dataset,
        y: &'a [f64],
        weights: Option<&'a [f64]>,
    ) -> Problem<'a> {
        Problem {
            weights,
            batch_size: self.batches.size,
            shuffle: self.batches.shuffle,
            descent: self.descent,
            dropout: self.dropout,
            label_smoothing: self.label_smoothing,
            ..Problem::full_batch(network, parameters, &dataset.x, y, dataset.m, 0.0)
        }
    }

    /// The training of an executor that gets a window of its samples at a time.
    pub fn window_problem<'a>(
        &self,
        network: &'a Network,
        parameters: &'a Parameters,
        window: &'a StandIn,
        weighted: bool,
    ) -> Problem<'a> {
        Problem {
            weights: weighted.then_some(&window.weights),
            batch_size: self.batches.size,
            descent: self.descent,
            dropout: self.dropout,
            label_smoothing: self.label_smoothing,
            ..Problem::full_batch(network, parameters, &window.x, &window.y, window.m, 0.0)
        }
    }

    /// Refuses a single batch, for samples that are not all there at once.
    pub fn check_batches(&self) -> Result<()> {
        if self.in_batches() {
            return Ok(());
        }
        let reason = "it takes all samples, and streamed ones are trained on in batches; use a smaller one, or --stream=no";
        Err(Error::invalid("batch size", self.batches.size, reason))
    }

    /// `300 iterations (15 epochs in batches of 128) of adam at learning rate 0.001`
    pub fn describe(&self) -> String {
        let Self { iterations, batches, descent, .. } = self;
        let mut text = format!("{} iterations", thousands(*iterations));
        if self.in_batches() {
            let epochs = iterations.div_ceil(batches.count());
            text += &format!(" ({} epochs in batches of {})", thousands(epochs), thousands(batches.size));
        }
        if self.method != Method::Rule(Optimizer::Sgd) {
            text += &format!(" of {}", self.method.name());
        }
        text += &format!(" at learning rate {}", descent.learning_rate);
        if let Decay::Plateau { factor, patience, .. } = descent.rates.decay {
            text += &format!(", times {factor} after {patience} looks without an improvement");
        }
        if let Some(dropout) = self.dropout {
            text += &format!(", dropout {}", dropout.rate);
        }
        match descent.clip {
            Some(Clip::Norm(most)) => text += &format!(", gradients clipped to a norm of {most}"),
            Some(Clip::Value(most)) => text += &format!(", gradients clipped at {most}"),
            None => {}
        }
        if self.label_smoothing > 0.0 {
            text += &format!(", labels smoothed by {}", self.label_smoothing);
        }
        text
    }
}

/// `cost 0.2345, accuracy 97.10 %`, or `cost 0.2345, r2 0.8123`.
pub fn describe_metrics(metrics: &Metrics) -> String {
    let mut text = String::new();
    for (metric, value) in metrics.values() {
        let shown = match metric {
            Metric::Cost => format!("cost {value:.6}"),
            Metric::Accuracy => format!("accuracy {:.2} %", 100.0 * value),
            Metric::R2 => format!("r2 {value:.4}"),
            _ => continue,
        };
        if !text.is_empty() {
            text += ", ";
        }
        text += &shown;
    }
    text
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

/// How many samples a batch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    Full,
    Samples(usize),
}

fn batch_size(text: &str) -> std::result::Result<BatchSize, String> {
    match text {
        "full" => Ok(BatchSize::Full),
        _ => match at_least_one(text) {
            Ok(n) => Ok(BatchSize::Samples(n)),
            Err(_) => Err("give a whole number of at least 1, or full".into()),
        },
    }
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
