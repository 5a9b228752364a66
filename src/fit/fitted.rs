//! A fitted network: predictions, scores, what its training looked like, its file.

use std::path::Path;

use super::builder::FitBuilder;
use super::held_out::check_targets;
use super::samples::Samples;
use crate::data::{Dataset, Features, Targets};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::training::{Backend, Look, Metrics, Stopped};

/// A trained network with its preprocessing and the backend that it was trained on.
pub struct Fit {
    model: Model,
    backend: Backend,
    history: Option<History>,
}

/// What a training looked like.
pub(super) struct History {
    pub(super) costs: Vec<f64>,
    pub(super) looks: Vec<Look>,
    pub(super) cost: f64,
    pub(super) iteration: usize,
    pub(super) stopped: Option<Stopped>,
    pub(super) test: Option<Metrics>,
    pub(super) lowering: &'static str,
}

impl Fit {
    /// The options of a training, all at their defaults: those of `gpu-nn train`.
    pub fn builder<'a>() -> FitBuilder<'a> {
        FitBuilder::default()
    }

    pub(super) fn new(model: Model, backend: Backend, history: Option<History>) -> Self {
        Self { model, backend, history }
    }

    /// A network that was saved, to predict with; it has no history.
    ///
    /// # Errors
    /// Those of [`Model::load`] and [`Backend::open`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(path: impl AsRef<Path>, backend: crate::training::BackendChoice) -> Result<Self> {
        let model = Model::load(path.as_ref())?;
        let (backend, _) = pollster::block_on(Backend::open(backend, None))?;
        Ok(Self::new(model, backend, None))
    }

    /// Writes the network with its preprocessing and the names of features and classes; `gpu-nn predict`, `evaluate` and
    /// `export` read it.
    ///
    /// # Errors
    /// [`Error::Write`] when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.model.save(path.as_ref())
    }

    /// Network, parameters, preprocessing and names.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Where it computes.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The network's outputs for samples in the columns of the training data: A_L (n_L, m), row-major; probabilities of class
    /// 1 (sigmoid) or of each class (softmax), or values.
    ///
    /// # Errors
    /// Those of [`Samples::features`]; on a device also its limits and failures.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict(&self, samples: &impl Samples) -> Result<Vec<f64>> {
        pollster::block_on(self.predict_async(samples))
    }

    /// The class of each sample, (m).
    ///
    /// # Errors
    /// As [`predict`](Self::predict); [`Error::InvalidArgument`] for a network that predicts values.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict_classes(&self, samples: &impl Samples) -> Result<Vec<u32>> {
        pollster::block_on(self.predict_classes_async(samples))
    }

    /// What the predictions are worth on data whose targets are known.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); [`Error::Shape`] for other classes than those of the training.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn score(&self, samples: &impl Samples) -> Result<Metrics> {
        pollster::block_on(self.score_async(samples))
    }

    /// As `predict`, without blocking.
    ///
    /// # Errors
    /// As `predict`.
    pub async fn predict_async(&self, samples: &impl Samples) -> Result<Vec<f64>> {
        let features = samples.features(&self.model.preprocessing)?;
        self.outputs(&features).await
    }

    /// As `predict_classes`, without blocking.
    ///
    /// # Errors
    /// As `predict_classes`.
    pub async fn predict_classes_async(&self, samples: &impl Samples) -> Result<Vec<u32>> {
        let features = samples.features(&self.model.preprocessing)?;
        let (a, m, loss) = (self.outputs(&features).await?, features.m, self.model.network.loss());
        let class = |j: usize| loss.class_of(a.iter().skip(j).step_by(m).copied());
        (0..m).map(class).collect::<Option<Vec<u32>>>().ok_or_else(|| {
            Error::invalid("network for classes", &self.model.network, "it predicts values; use predict")
        })
    }

    /// As `score`, without blocking.
    ///
    /// # Errors
    /// As `score`.
    pub async fn score_async(&self, samples: &impl Samples) -> Result<Metrics> {
        let features = samples.features(&self.model.preprocessing)?;
        if self.model.network.n_classes() > 0 {
            let names = self.model.class_names.clone();
            check_targets(
                samples.name(),
                samples.targets(),
                &Targets::Classes { labels: Vec::new(), names },
            )?;
        }
        let Some(targets) = samples.targets() else {
            return Err(Error::data(samples.name(), "it has no targets to compare with; use predict"));
        };
        let a = self.outputs(&features).await?;
        let names = self.model.preprocessing.feature_names();
        let dataset = Dataset::new(samples.name(), features.x, names, targets.clone())?;
        let expected = a.len() / dataset.m;
        if self.model.network.n_classes() == 0 && dataset.y().len() != a.len() {
            return Err(Error::Shape {
                what: format!("targets of {}", dataset.name),
                expected: format!("{expected} a sample"),
                found: (dataset.y().len() / dataset.m).to_string(),
                hint: "use data with the targets of the training".into(),
            });
        }
        Ok(Metrics::new(self.model.network.loss(), &a, &dataset))
    }

    async fn outputs(&self, features: &Features) -> Result<Vec<f64>> {
        let Model { network, parameters, .. } = &self.model;
        self.backend.predict(network, parameters, &features.x, features.m).await
    }

    /// Predictions for rows of samples (m, n_x): rows of outputs, (m, n_L).
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    #[cfg(all(feature = "ndarray", not(target_arch = "wasm32")))]
    pub fn predict_array(&self, x: ndarray::ArrayView2<'_, f64>) -> Result<ndarray::Array2<f64>> {
        let (m, a) = (x.nrows(), self.predict(&x)?);
        let outputs = ndarray::Array2::from_shape_vec((a.len() / m, m), a);
        Ok(outputs.expect("predictions are whole rows of m").reversed_axes())
    }

    /// The cost of each iteration, of the parameters before its update; none for a network that was loaded.
    pub fn costs(&self) -> &[f64] {
        self.history.as_ref().map_or(&[], |history| &history.costs)
    }

    /// What was seen on the way; none for a training that nothing watched.
    pub fn looks(&self) -> &[Look] {
        self.history.as_ref().map_or(&[], |history| &history.looks)
    }

    /// The cost of the network on what it learnt from; `None` for one that was loaded.
    pub fn cost(&self) -> Option<f64> {
        self.history.as_ref().map(|history| history.cost)
    }

    /// Iterations after which the network was as it is now.
    pub fn iteration(&self) -> usize {
        self.history.as_ref().map_or(0, |history| history.iteration)
    }

    /// Why the training ended early, if it did.
    pub fn stopped(&self) -> Option<Stopped> {
        self.history.as_ref().and_then(|history| history.stopped)
    }

    /// The scores on the test share, if there was one.
    pub fn test(&self) -> Option<&Metrics> {
        self.history.as_ref().and_then(|history| history.test.as_ref())
    }

    /// How the schedule was run: `loops` or `blocks` on the CPU, the lowering's name on a device.
    pub fn lowering(&self) -> Option<&'static str> {
        self.history.as_ref().map(|history| history.lowering)
    }
}
