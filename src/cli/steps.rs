//! The steps of a training: what `train`, `sweep` and `find-rate` have of them in common, and what comes out of it.

use clap::Args;
use gpu_nn::data::Dataset;
use gpu_nn::network::{Network, Parameters};
use gpu_nn::schedule::{Batches, Clip, Decay, Descent, Dropout, Optimizer, Problem, RateSchedule};
use gpu_nn::training::{ClassWeight, Lbfgs, Look, Method, Metric, Metrics, Plan, Plateau, StandIn};
use gpu_nn::{Error, Result};

use super::console::thousands;
use super::objective_options::ObjectiveArgs;
use super::options::{at_least_one, seed};
use super::rates::{Rates, rates};

/// The steps of a training of one network or of many, but for their number and their size.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct StepArgs {
    /// Passes over all samples, in the place of --iterations
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = at_least_one,
        conflicts_with = "iterations"
    )]
    pub epochs: Option<usize>,
    /// Samples a step learns from: full (all of them) or a number; batches are drawn anew for each epoch
    #[arg(long, value_name = "full|N", default_value = "full", value_parser = batch_size, allow_negative_numbers = true)]
    batch_size: BatchSize,
    /// Seed of the order of the samples in each epoch
    #[arg(long, value_name = "SEED", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    shuffle_seed: u32,
    /// Take the batches in the order of the data
    #[arg(long)]
    no_shuffle: bool,
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
}

/// What a command says of the steps besides [`StepArgs`].
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub iterations: Option<usize>,
    /// Iterations on all samples at once, if nothing else is said.
    pub usual_iterations: usize,
    /// The optimiser's usual one, if none is given.
    pub learning_rate: Option<f64>,
    /// A tenth of the iterations, if nothing else is said.
    pub report_every: Option<usize>,
}

/// Epochs of a training in batches, if nothing else is said.
const EPOCHS: usize = 20;

impl StepArgs {
    /// Whether all samples are asked for at once.
    pub fn is_full_batch(&self) -> bool {
        self.batch_size == BatchSize::Full
    }

    /// Whether the learning rate changes on the way.
    pub fn has_rates_over_time(&self) -> bool {
        self.schedule != Rates::Constant || self.warm_up > 0
    }

    /// The learning rate that the optimiser usually takes.
    pub fn usual_learning_rate(&self) -> f64 {
        self.optimizer.usual_learning_rate()
    }

    /// # Errors
    /// [`Error::InvalidArgument`] for an optimiser that looks for the length of each step.
    pub fn check_no_line_search(&self) -> Result<()> {
        if self.optimizer.history().is_some() {
            let reason = "it searches for the length of each step; use another";
            return Err(Error::invalid("optimiser", self.optimizer, reason));
        }
        Ok(())
    }

    /// The steps on `m` samples.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for more iterations than can be counted, or numbers that cannot be meant.
    pub fn steps(&self, m: usize, wanted: Wanted) -> Result<Steps> {
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
        let iterations = match (wanted.iterations, self.epochs) {
            (Some(iterations), _) => iterations,
            (None, Some(epochs)) => of_epochs(epochs)?,
            (None, None) if an_epoch == 1 => wanted.usual_iterations,
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
            learning_rate: wanted.learning_rate.unwrap_or_else(|| self.usual_learning_rate()),
            rates: RateSchedule { decay, warm_up },
            l1: self.l1,
            l2: self.l2,
            clip: self.objective.clip(),
        };
        descent.check()?;
        let report_every = wanted.report_every.unwrap_or_else(|| iterations.div_ceil(10).max(1));
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

    /// The same steps at another learning rate.
    pub fn at(self, learning_rate: f64) -> Self {
        Self { descent: Descent { learning_rate, ..self.descent }, ..self }
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
        self.describe_at(&[self.descent.learning_rate])
    }

    /// The same of trainings that differ in their rates.
    pub fn describe_at(&self, rates: &[f64]) -> String {
        let Self { iterations, batches, descent, .. } = self;
        let mut text = format!("{} iterations", thousands(*iterations));
        if self.in_batches() {
            let epochs = iterations.div_ceil(batches.count());
            text += &format!(" ({} epochs in batches of {})", thousands(epochs), thousands(batches.size));
        }
        if self.method != Method::Rule(Optimizer::Sgd) {
            text += &format!(" of {}", self.method.name());
        }
        let several = if rates.len() == 1 { "" } else { "s" };
        let rates: Vec<String> = rates.iter().map(f64::to_string).collect();
        text += &format!(" at learning rate{several} {}", rates.join(", "));
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
