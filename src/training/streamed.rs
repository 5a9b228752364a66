//! What a network says of samples that are not in memory: block by block, with the same bits as at once.

use std::ops::Range;
use std::sync::Arc;

use super::backend::Backend;
use super::executor::{Executor, whole};
use super::feed::{Feed, Targets as FeedTargets, stand_in};
use super::score::Score;
use super::trainer::Trainer;
use crate::data::{Dataset, SampleSource};
use crate::error::Result;
use crate::network::{Loss, Network, Parameters};
use crate::schedule::{Batches, EVALUATION_BLOCK, Problem};

/// Bytes of the features of a block.
const BLOCK: usize = 1 << 22;

/// Samples of a block at most.
const MOST: usize = 1 << 14;

/// Takes the network's output for some samples, which these are; A_L (n_L, samples).
pub type TakeOutputs<'a> = &'a mut dyn FnMut(Range<usize>, &[f64]) -> Result<()>;

impl Trainer<'_> {
    /// The output of the network as it is now for m samples; A_L (n_L, m).
    ///
    /// # Errors
    /// Those of the samples, and failures of the device.
    pub async fn predict_streamed(&mut self, source: &dyn SampleSource, m: usize) -> Result<Vec<f64>> {
        outputs(self.executor(), source, m).await
    }

    /// How many samples of a data set, whose features `source` has, it gets right; `None` for regression.
    ///
    /// # Errors
    /// As [`predict_streamed`](Self::predict_streamed).
    pub async fn score_streamed(
        &mut self,
        source: &dyn SampleSource,
        dataset: &Dataset,
        loss: Loss,
    ) -> Result<Option<Score>> {
        let mut n_correct = 0;
        for block in blocks(source, dataset.m) {
            let a = block_outputs(self.executor(), source, block.clone()).await?;
            let m = block.len();
            let targets = dataset.targets.picked(block);
            // Of a block, only the targets are looked at.
            let own = Dataset {
                targets,
                m,
                x: Vec::new(),
                name: String::new(),
                feature_names: Vec::new(),
                units: Vec::new(),
                ..*dataset
            };
            match Score::new(loss, &a, &own) {
                Some(score) => n_correct += score.n_correct,
                None => return Ok(None),
            }
        }
        Ok(Some(Score { n_correct, m: dataset.m }))
    }
}

impl Backend {
    /// The output of a trained network for samples that are not in memory, block by block: `take` gets the samples and A_L
    /// (n_L, samples). The bits are those of [`predict`](Self::predict).
    ///
    /// # Errors
    /// Those of the samples, of [`predict`](Self::predict) and of `take`; [`crate::Error::InvalidArgument`] for a backend that holds
    /// all samples.
    pub async fn predict_streamed(
        &self,
        network: &Network,
        parameters: &Parameters,
        source: &dyn SampleSource,
        m: usize,
        take: TakeOutputs<'_>,
    ) -> Result<()> {
        if let Self::CpuReference = self {
            return Err(whole(self.name()));
        }
        for block in blocks(source, m) {
            let x = block_features(source, block.clone())?;
            take(block.clone(), &self.predict(network, parameters, &x, block.len()).await?)?;
        }
        Ok(())
    }

    /// The output of a trained network for m samples that are not in memory, A_L (n_L, m), which is; `on_samples` is told how
    /// many are done.
    ///
    /// # Errors
    /// Those of [`predict_streamed`](Self::predict_streamed).
    pub async fn outputs_streamed(
        &self,
        network: &Network,
        parameters: &Parameters,
        source: &dyn SampleSource,
        m: usize,
        on_samples: &mut dyn FnMut(usize),
    ) -> Result<Vec<f64>> {
        let mut all = vec![0.0; network.n_outputs() * m];
        let mut take = |block: Range<usize>, a: &[f64]| {
            place(&mut all, m, block.clone(), a);
            on_samples(block.end);
            Ok(())
        };
        self.predict_streamed(network, parameters, source, m, &mut take).await?;
        Ok(all)
    }

    /// The cost of a trained network on a data set whose features `source` has. The bits are those of [`cost`](Self::cost).
    ///
    /// # Errors
    /// Those of the samples and of [`cost`](Self::cost); [`crate::Error::InvalidArgument`] for a backend that holds all samples.
    pub async fn cost_streamed(
        &self,
        network: &Network,
        parameters: &Parameters,
        source: Arc<dyn SampleSource>,
        dataset: &Dataset,
    ) -> Result<f64> {
        let batches = Batches::in_order(dataset.m, dataset.m.min(EVALUATION_BLOCK));
        let window = stand_in(network.n_features(), network.target_rows(), batches, 1);
        let problem = Problem {
            batch_size: batches.size,
            ..Problem::full_batch(network, parameters, &window.x, &window.y, window.m, 1.0)
        };
        let mut executor = self.window_executor(&problem, dataset.m)?;
        let targets = FeedTargets::new(&dataset.targets, None)?;
        Feed::new(source, targets, batches, 1).cost(&mut executor).await
    }
}

/// The blocks of m samples.
fn blocks(source: &dyn SampleSource, m: usize) -> impl Iterator<Item = Range<usize>> {
    let size = (BLOCK / (size_of::<f64>() * source.n_features())).clamp(1, MOST);
    (0..m).step_by(size).map(move |first| first..m.min(first + size))
}

/// The network's output for m samples; A_L (n_L, m).
pub(super) async fn outputs(
    executor: &mut Executor<'_>,
    source: &dyn SampleSource,
    m: usize,
) -> Result<Vec<f64>> {
    let mut all: Vec<f64> = Vec::new();
    for block in blocks(source, m) {
        let a = block_outputs(executor, source, block.clone()).await?;
        let n_outputs = a.len() / block.len();
        all.resize(n_outputs * m, 0.0);
        place(&mut all, m, block, &a);
    }
    Ok(all)
}

/// Puts the outputs a (n_L, samples) of some of m samples among those of all, (n_L, m).
fn place(all: &mut [f64], m: usize, samples: Range<usize>, a: &[f64]) {
    for (to, from) in all.chunks_exact_mut(m).zip(a.chunks_exact(samples.len())) {
        to[samples.clone()].copy_from_slice(from);
    }
}

async fn block_outputs(
    executor: &mut Executor<'_>,
    source: &dyn SampleSource,
    block: Range<usize>,
) -> Result<Vec<f64>> {
    let m = block.len();
    executor.predict(&block_features(source, block)?, m).await
}

/// The features of some samples, (n_x, samples).
fn block_features(source: &dyn SampleSource, block: Range<usize>) -> Result<Vec<f64>> {
    let (n_x, m) = (source.n_features(), block.len());
    let samples: Vec<usize> = block.collect();
    let mut by_sample = vec![0.0; n_x * m];
    source.features(&samples, &mut by_sample)?;
    let mut x = vec![0.0; n_x * m];
    for (i, row) in x.chunks_exact_mut(m).enumerate() {
        row.iter_mut().zip(by_sample[i..].iter().step_by(n_x)).for_each(|(to, from)| *to = f64::from(*from));
    }
    Ok(x)
}
