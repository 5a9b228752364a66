//! The options of a fit by name; what they mean is in `options`, what is done with them in `run`.

use std::ops::ControlFlow;
use std::time::Duration;

use super::fitted::Fit;
use super::held_out::Parts;
use super::options::{Hidden, Length, Options};
use super::rates::Rates;
use super::run::{Callbacks, train};
use crate::data::{Dataset, Impute, RawTable, Scale};
use crate::error::Result;
use crate::network::{Activation, Initializer, Layer, Loss};
use crate::schedule::{Clip, Lowering};
use crate::training::{BackendChoice, CancelToken, ClassWeight, Look, Method, Metric, Progress, Recovered};

/// The options of a [`Fit`]; whatever is left out takes its default, which is that of `gpu-nn train`. Values are checked when
/// the data is there; an error names the option.
#[derive(Default)]
pub struct FitBuilder<'a> {
    options: Options,
    callbacks: Callbacks<'a>,
}

/// Setters of one field each.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($value:ident: $kind:ty) => $field:ident = $set:expr;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $value: $kind) -> Self {
            self.options.$field = $set;
            self
        })*
    };
}

/// The network.
impl FitBuilder<'_> {
    setters! {
        /// The hidden layers as text: `4`, `20,7,5`, `20:relu,7:tanh` or `none`. Default: `4`.
        hidden(layers: impl Into<String>) => hidden = Hidden::Text(layers.into());
        /// The hidden layers as values.
        hidden_layers(layers: Vec<Layer>) => hidden = Hidden::Layers(layers);
        /// The activation of hidden layers whose text names none. Default: tanh.
        activation(activation: Activation) => activation = activation;
        /// Output and cost. Default: what the targets need, a sigmoid with binary cross-entropy for 2 classes, softmax with
        /// cross-entropy for more, squared error for values.
        loss(loss: Loss) => loss = Some(loss);
        /// The first weights. Default: normals times 0.01.
        init(init: Initializer) => init = init;
        /// The seed of the first weights, NumPy's. Default: 2.
        init_seed(seed: u32) => init_seed = seed;
    }
}

/// The steps.
impl FitBuilder<'_> {
    setters! {
        /// The rule that turns gradients into steps (an [`Optimizer`](crate::schedule::Optimizer)), or [`Method::LBFGS`].
        /// Default: gradient descent.
        optimizer(optimizer: impl Into<Method>) => optimizer = optimizer.into();
        /// The step size. Default: [`Method::usual_learning_rate`].
        learning_rate(rate: f64) => learning_rate = Some(rate);
        /// The learning rate over time. Default: constant.
        rates(rates: Rates) => rates = rates;
        /// Epochs in which the learning rate grows to its full size. Default: 0.
        warm_up(epochs: usize) => warm_up = epochs;
        /// Adds l1 sum |w| over the weights to what is minimised. Default: 0.
        l1(l1: f64) => l1 = l1;
        /// Adds l2 / 2 sum w^2 over the weights. Default: 0.
        l2(l2: f64) => l2 = l2;
        /// What keeps gradients small. Default: nothing.
        clip(clip: Clip) => clip = Some(clip);
        /// e: of K classes, the label's own counts 1 - e + e / K and each of the others e / K. Default: 0.
        label_smoothing(e: f64) => label_smoothing = e;
        /// Samples a step learns from. Default: all; more than there are count as all.
        batch_size(samples: usize) => batch_size = Some(samples);
        /// The seed of the order of the samples in each epoch, or their own order. Default: 1.
        shuffle(seed: Option<u32>) => shuffle = seed;
        /// Steps in all; takes the place of [`epochs`](Self::epochs). Default: 10,000, or in batches those of 20 epochs.
        iterations(iterations: usize) => length = Length::Iterations(iterations);
        /// Passes over all samples; takes the place of [`iterations`](Self::iterations).
        epochs(epochs: usize) => length = Length::Epochs(epochs);
        /// How much the samples of each class count. Default: alike.
        class_weight(weight: ClassWeight) => class_weight = Some(weight);
        /// How much each sample counts, in the order of the data, those that are held out too; scaled to a mean of 1. Default:
        /// alike.
        weights(weights: Vec<f64>) => weights = Some(weights);
    }

    /// The share of every hidden layer's units that each sample does without, chosen anew in each iteration. Default: 0.
    #[must_use]
    pub fn dropout(mut self, rate: f64) -> Self {
        self.options.dropout.rate = rate;
        self
    }

    /// The seed of what is left out. Default: 1.
    #[must_use]
    pub fn dropout_seed(mut self, seed: u32) -> Self {
        self.options.dropout.seed = seed;
        self
    }
}

/// What is held out, and when to stop.
impl FitBuilder<'_> {
    setters! {
        /// Watches the training on this share of the samples, which are not learnt from; of classes the same share each.
        /// Default: nothing is held out.
        validation(share: f64) => validation_share = Some(share);
        /// Watches the training on other data of the same columns and classes.
        validation_data(data: impl Into<RawTable>) => validation = Some(data.into());
        /// Scores the fit in the end on this share of the samples: [`Fit::test`].
        test(share: f64) => test_share = Some(share);
        /// The seed of the samples that are held out. Default: 1.
        split_seed(seed: u32) => split_seed = seed;
        /// What is to improve, on the validation data if there is any. Default: the cost.
        metric(metric: Metric) => metric = metric;
        /// Stops after so many looks without an improvement, and goes back to the best network. A look is an epoch, or a
        /// hundredth of a training on all samples at once. Default: never.
        patience(looks: usize) => patience = Some(looks);
        /// Stops at the first look after so long. Default: never.
        max_time(time: Duration) => max_time = Some(time);
    }
}

/// How the data is prepared, and where it is computed.
impl FitBuilder<'_> {
    setters! {
        /// How numbers are brought to a common size, fitted on what is learnt from and kept in the model. Default: what suits
        /// the data, [`RawTable::usual_scale`]; a [`Dataset`] is left alone.
        scale(scale: Scale) => scale = Some(scale);
        /// What missing values are replaced by. Default: they are an error.
        impute(impute: Impute) => impute = impute;
        /// Where to compute. Default: what measures fastest.
        backend(backend: BackendChoice) => backend = backend;
        /// Part of the name of the adapter to use, or its number. Default: the best.
        adapter(name: impl Into<String>) => adapter = Some(name.into());
        /// How a GPU trains. Default: what measures fastest.
        lowering(lowering: Lowering) => lowering = Some(lowering);
    }
}

impl<'a> FitBuilder<'a> {
    /// Calls back after every piece of work with the costs so far; a break ends the training, and the network is kept as it
    /// is then, or the best one where there is patience.
    #[must_use]
    pub fn on_progress(mut self, callback: impl FnMut(&Progress<'_>) -> ControlFlow<()> + 'a) -> Self {
        self.callbacks.on_progress = Some(Box::new(callback));
        self
    }

    /// Calls back after every look (an epoch, or a hundredth of a training on all samples at once) with what was seen; a break
    /// ends the training likewise.
    #[must_use]
    pub fn on_look(mut self, callback: impl FnMut(&Look) -> ControlFlow<()> + 'a) -> Self {
        self.callbacks.on_look = Some(Box::new(callback));
        self
    }

    /// Calls back when a training goes on after its device was lost or had no room, to the same bits. Default: nobody is told.
    #[must_use]
    pub fn on_recovery(mut self, callback: impl FnMut(&Recovered) + 'a) -> Self {
        self.callbacks.on_recovery = Some(Box::new(callback));
        self
    }

    /// Ends the training when the token is cancelled, from another thread or a signal handler.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: CancelToken) -> Self {
        self.callbacks.cancel = cancel;
        self
    }

    /// Trains on a data set, and waits for the end of it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) naming an option that cannot be used;
    /// [`Error::Diverged`](crate::Error::Diverged) when the cost stops being a number; on a device also its limits and
    /// failures.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fit(self, dataset: &Dataset) -> Result<Fit> {
        pollster::block_on(self.fit_async(dataset))
    }

    /// Trains on the raw columns of a file: numbers, texts and missing values, prepared as the options say.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::Data`](crate::Error::Data) for columns that cannot be prepared.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fit_table(self, table: &RawTable) -> Result<Fit> {
        pollster::block_on(self.fit_table_async(table))
    }

    /// As `fit`, without blocking.
    ///
    /// # Errors
    /// As `fit`.
    pub async fn fit_async(self, dataset: &Dataset) -> Result<Fit> {
        let parts = Parts::of_dataset(dataset, &self.options)?;
        train(parts, &self.options, self.callbacks).await
    }

    /// As `fit_table`, without blocking.
    ///
    /// # Errors
    /// As `fit_table`.
    pub async fn fit_table_async(self, table: &RawTable) -> Result<Fit> {
        let parts = Parts::of_table(table, &self.options)?;
        train(parts, &self.options, self.callbacks).await
    }
}
