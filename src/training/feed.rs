//! Windows of samples for an executor that does not hold them all: while it works on one, a thread gathers the next.
//!
//! The order of the samples is computed and not drawn (`schedule::Batches`), so that any batch can be gathered at any time;
//! that makes the bits those of a training in memory, and those of a training that is taken up again.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::executor::Executor;
use crate::data::SampleSource;
use crate::error::{Error, Result};
use crate::schedule::{Batches, Window};

/// Bytes of the features of a window, as the command line has them. There are three windows at a time: one trained on, one
/// ready, and one on its way.
pub const WINDOW_BYTES: usize = 1 << 23;

/// Targets as numbers, rounded to f32, sample after sample: (m, rows), with the weights of the samples as the last row if
/// there are any.
#[derive(Clone, Debug)]
pub struct Targets {
    values: Vec<f32>,
    rows: usize,
}

impl Targets {
    /// The targets of m samples (rows, m), class indices or values, and how much each sample counts, if not alike.
    ///
    /// # Errors
    /// [`Error::Data`] for a value beyond f32.
    pub fn new(targets: &crate::data::Targets, weights: Option<&[f64]>) -> Result<Self> {
        let m = targets.len();
        let own_rows = match targets {
            crate::data::Targets::Classes { .. } => 1,
            crate::data::Targets::Values { n_outputs, .. } => *n_outputs,
        };
        let rows = own_rows + usize::from(weights.is_some());
        let number = |row: usize, sample: usize| match (targets, weights) {
            (_, Some(weights)) if row == own_rows => weights[sample] as f32,
            // A class is a small whole number.
            (crate::data::Targets::Classes { labels, .. }, _) => labels[sample] as f32,
            (crate::data::Targets::Values { values, .. }, _) => values[row * m + sample] as f32,
        };
        let values: Vec<f32> = (0..m)
            .flat_map(|sample| (0..rows).map(move |row| (row, sample)))
            .map(|(row, sample)| number(row, sample))
            .collect();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let sample = at / rows;
            return Err(Error::data(
                format!("target of sample {sample}"),
                "single precision cannot hold it; rescale it, or use --backend cpu-reference without --stream",
            ));
        }
        Ok(Self { values, rows })
    }

    /// The same with the labels 0 and 1 of a sigmoid smoothed, y (1 - e) + e / 2, as those of a problem in memory are by its
    /// executor.
    pub fn smoothed(mut self, e: f64) -> Self {
        for sample in self.values.chunks_exact_mut(self.rows) {
            sample[0] = (f64::from(sample[0]) * (1.0 - e) + e / 2.0) as f32;
        }
        self
    }

    fn of(&self, samples: &[usize]) -> impl Iterator<Item = f32> {
        samples.iter().flat_map(|&sample| &self.values[sample * self.rows..][..self.rows]).copied()
    }
}

/// Hands an executor the samples of its iterations.
pub struct Feed {
    gatherer: Arc<Gatherer>,
    supply: Option<Supply>,
    /// The iteration whose window is on its way.
    awaited: Option<usize>,
    /// The iterations whose samples the executor has.
    held: Option<Range<usize>>,
    held_out: Option<Arc<dyn SampleSource>>,
}

/// What a thread needs to gather samples.
struct Gatherer {
    source: Arc<dyn SampleSource>,
    targets: Targets,
    batches: Batches,
    /// Batches of a window at most.
    window: usize,
}

/// The samples of a window.
#[derive(Default)]
struct Gathered {
    first: usize,
    m: usize,
    x: Vec<f32>,
    y: Vec<f32>,
}

/// A thread that gathers a window for each iteration that it is sent, into the memory that comes with it.
struct Supply {
    ask: Sender<(usize, Gathered)>,
    get: Receiver<Result<Gathered>>,
}

impl Feed {
    /// For a training in batches on samples with these targets, in windows of so many bytes of features as for
    /// [`stand_in`].
    pub fn new(
        source: Arc<dyn SampleSource>,
        targets: Targets,
        batches: Batches,
        window_bytes: usize,
    ) -> Self {
        let window = window_batches(source.n_features(), batches, window_bytes);
        let gatherer = Arc::new(Gatherer { source, targets, batches, window });
        // Where there are no threads, as in a browser, samples are gathered when they are needed.
        let supply = Supply::new(gatherer.clone()).ok();
        Self { gatherer, supply, awaited: None, held: None, held_out: None }
    }

    /// The same with the features of the validation data, where they are not in memory.
    pub fn watching(self, held_out: Option<Arc<dyn SampleSource>>) -> Self {
        Self { held_out, ..self }
    }

    pub(super) fn held_out(&self) -> Option<&dyn SampleSource> {
        self.held_out.as_deref()
    }

    /// Samples of the whole training.
    pub(super) fn samples(&self) -> usize {
        self.gatherer.batches.m
    }

    /// The executor is another one, which has no samples yet.
    pub(super) fn begin_again(&mut self) {
        self.held = None;
    }

    /// Samples of a window at most: those that the executor has to have room for.
    pub fn window_samples(&self) -> usize {
        self.gatherer.window * self.gatherer.batches.size
    }

    /// Sees to it that the executor has the samples of iteration `done`, and says for how many iterations, at most `wanted`.
    ///
    /// # Errors
    /// Those of the samples.
    pub(super) fn prepare(
        &mut self,
        executor: &mut Executor<'_>,
        done: usize,
        wanted: usize,
    ) -> Result<usize> {
        let window = self.gatherer.window_of(done);
        if self.held.as_ref() != Some(&window) {
            let gathered = self.take(window.start)?;
            executor.set_samples(&gathered.window())?;
            self.ask(window.end, gathered);
            self.held = Some(window.clone());
        }
        Ok(wanted.min(window.end - done))
    }

    fn take(&mut self, first: usize) -> Result<Gathered> {
        let mut spare = Gathered::default();
        while let (Some(supply), Some(awaited)) = (&self.supply, self.awaited.take()) {
            let Ok(gathered) = supply.get.recv() else {
                self.supply = None;
                break;
            };
            if awaited == first {
                return gathered;
            }
            // The window after the last, or before a jump.
            spare = gathered.unwrap_or_default();
        }
        self.gatherer.gather(first, spare)
    }

    fn ask(&mut self, first: usize, spare: Gathered) {
        if let Some(supply) = &self.supply
            && supply.ask.send((first, spare)).is_ok()
        {
            self.awaited = Some(first);
        }
    }

    /// The cost of the executor's parameters over all samples.
    ///
    /// # Errors
    /// Those of the samples, and failures of the device.
    pub(super) async fn cost(&mut self, executor: &mut Executor<'_>) -> Result<f64> {
        let m = self.gatherer.batches.m;
        let block = executor.evaluation_block(self.window_samples());
        let (mut costs, mut gathered) = (Vec::new(), Gathered::default());
        self.held = None;
        for first in (0..m).step_by(block) {
            let samples = (first..m.min(first + block)).collect();
            gathered = self.gatherer.gather_samples(0, samples, gathered)?;
            costs.extend(executor.block_costs(&gathered.window()).await?);
        }
        Ok(executor.mean_cost(&costs, m))
    }
}

impl Gathered {
    fn window(&self) -> Window<'_> {
        Window { first: self.first, m: self.m, x: &self.x, y: &self.y }
    }
}

impl Gatherer {
    /// The iterations of the window that iteration `t` belongs to: windows begin anew with each epoch.
    fn window_of(&self, t: usize) -> Range<usize> {
        let count = self.batches.count();
        let (epoch, batch) = (t - t % count, t % count);
        let first = epoch + batch / self.window * self.window;
        first..(first + self.window).min(epoch + count)
    }

    fn gather(&self, first: usize, spare: Gathered) -> Result<Gathered> {
        let samples = self.window_of(first).flat_map(|t| self.batches.samples(t)).collect();
        self.gather_samples(first, samples, spare)
    }

    fn gather_samples(&self, first: usize, samples: Vec<usize>, spare: Gathered) -> Result<Gathered> {
        let (m, Gathered { mut x, mut y, .. }) = (samples.len(), spare);
        x.resize(m * self.source.n_features(), 0.0);
        self.source.features(&samples, &mut x)?;
        y.clear();
        y.extend(self.targets.of(&samples));
        Ok(Gathered { first, m, x, y })
    }
}

impl Supply {
    fn new(gatherer: Arc<Gatherer>) -> std::io::Result<Self> {
        let (ask, asked) = channel::<(usize, Gathered)>();
        let (give, get) = channel();
        thread::Builder::new().name("samples".into()).spawn(move || {
            // Ends with either of the channels.
            while let Ok((first, spare)) = asked.recv() {
                if give.send(gatherer.gather(first, spare)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { ask, get })
    }
}

/// Batches of a window: at least two, at most an epoch's.
fn window_batches(n_features: usize, batches: Batches, window_bytes: usize) -> usize {
    let batch = size_of::<f32>() * n_features * batches.size;
    (window_bytes / batch).min(batches.count()).max(2)
}

/// Samples for an executor to be made with before it gets any: zeros, which are a class and a value too.
pub struct StandIn {
    /// Features, (n_0, m).
    pub x: Vec<f64>,
    /// Targets, (target rows, m).
    pub y: Vec<f64>,
    /// Weights, (m).
    pub weights: Vec<f64>,
    /// Samples.
    pub m: usize,
}

/// As many samples as a window of a training has at most: those of at least two batches, and else of as many as have no
/// more than `window_bytes` bytes of features.
pub fn stand_in(n_features: usize, target_rows: usize, batches: Batches, window_bytes: usize) -> StandIn {
    let m = window_batches(n_features, batches, window_bytes) * batches.size;
    StandIn { x: vec![0.0; n_features * m], y: vec![0.0; target_rows * m], weights: vec![1.0; m], m }
}
