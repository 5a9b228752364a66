//! The options of what is minimised beyond the loss itself, and of what becomes of its gradients.

use clap::Args;
use gpu_nn::schedule::Clip;

/// How labels and gradients are taken.
#[derive(Clone, Debug, Args)]
pub struct ObjectiveArgs {
    /// E: of K classes, the label's own counts 1 - E + E / K and each of the others E / K, so that no output has to become
    /// 0 or 1; costs are those of the smoothed labels, all other scores those of the labels
    #[arg(long, value_name = "E", default_value_t = 0.0, allow_negative_numbers = true)]
    pub label_smoothing: f64,
    /// Gradients g of all parameters together, times min(1, C / (|g| + 1e-6)), |g| = sqrt(sum g^2); those of --l1 and --l2
    /// included
    #[arg(long, value_name = "C", allow_negative_numbers = true, conflicts_with = "clip_value")]
    clip_norm: Option<f64>,
    /// Each gradient, that of --l1 and --l2 included, is kept within [-V, V]
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    clip_value: Option<f64>,
}

impl ObjectiveArgs {
    /// What keeps gradients small.
    pub fn clip(&self) -> Option<Clip> {
        self.clip_norm.map(Clip::Norm).or(self.clip_value.map(Clip::Value))
    }
}
