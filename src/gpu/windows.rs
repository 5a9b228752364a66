//! Samples that come a window at a time, to a device that does not hold them all.

use super::arrays::{Shared, array, write};
use super::batched::Batched;
use super::device::Device;
use super::executor::Executor;
use crate::error::Result;
use crate::schedule::{Batches, Window, evaluation_with};

impl Executor<'_> {
    /// Puts the samples of some whole batches, or those up to the end of an epoch, in the place of the last ones.
    pub fn set_samples(&mut self, window: &Window<'_>) {
        let (x, y) = self.samples();
        for (buffer, samples) in [(x, window.x), (y, window.y)] {
            write(self.device(), buffer, &turned(samples, window.m, self.held()));
        }
        self.step().start_window(self.device(), window.first, self.done());
    }

    /// The sum of the costs of samples that are a block of an evaluation: `evaluation_block` of them, or the last ones.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub async fn block_cost(&mut self, window: &Window<'_>) -> Result<f64> {
        let evaluation = Evaluation::new(self, window.m)?;
        write(self.device(), &evaluation.samples.0, &turned(window.x, window.m, window.m));
        write(self.device(), &evaluation.samples.1, &turned(window.y, window.m, window.m));
        let cost = evaluation.batched.mean_cost(self.device()).await?;
        self.keep_evaluation(evaluation);
        Ok(cost * window.m as f64)
    }
}

/// Forward and cost of so many samples.
pub(super) struct Evaluation {
    pub(super) m: usize,
    samples: (wgpu::Buffer, wgpu::Buffer),
    batched: Batched,
}

impl Evaluation {
    fn new(executor: &mut Executor<'_>, m: usize) -> Result<Self> {
        if let Some(kept) = executor.kept_evaluation(m) {
            return Ok(kept);
        }
        let (network, variant, parameters) = executor.evaluated();
        let device: &Device = executor.device();
        let schedule = |m| evaluation_with(network, m, variant);
        let samples = |what: &str, rows: usize| -> Result<wgpu::Buffer> {
            device.check_array(what, rows * m)?;
            Ok(array(device, what, rows * m))
        };
        let y_rows = network.target_rows() + usize::from(variant.weighted);
        let samples = (samples("features", network.n_features())?, samples("targets", y_rows)?);
        let shared = Shared { parameters, samples: Some(samples.clone()) };
        let batched = Batched::new(device, shared, Batches::in_order(m, m), schedule)?;
        device.check("building the evaluation")?;
        Ok(Self { m, samples, batched })
    }
}

/// Samples side by side as rows side by side: (m, rows) as (rows, width), with whatever behind the first m.
fn turned(samples: &[f32], m: usize, width: usize) -> Vec<f32> {
    /// Samples whose numbers stay in the cache.
    const TILE: usize = 16;
    let rows = samples.len() / m;
    let mut turned = vec![0.0; rows * width];
    for first in (0..m).step_by(TILE) {
        let tile = &samples[first * rows..rows * m.min(first + TILE)];
        for i in 0..rows {
            let to = turned[i * width + first..].iter_mut();
            to.zip(tile[i..].iter().step_by(rows)).for_each(|(to, from)| *to = *from);
        }
    }
    turned
}
