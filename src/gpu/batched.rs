//! A schedule for each batch of the samples in turn: the data stays on the device, which also counts the batches.

use super::arrays::{Arrays, HISTORY_HEADER, Shared, download};
use super::device::Device;
use super::lowering::{Lowered, Settings, layerwise, take_batch};
use super::program::{self, Program};
use crate::error::Result;
use crate::schedule::{Batches, Schedule};

/// Programs over the batches of the samples.
pub(super) struct Batched {
    batches: Batches,
    schedule: Schedule,
    pub(super) arrays: Arrays,
    whole: Program,
    /// For the last batch of an epoch, if it is shorter.
    rest: Option<Program>,
}

impl Batched {
    /// `schedule` makes the schedule of so many samples.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLimit`] when a batch is too large for the device.
    pub(super) fn new(
        device: &Device,
        shared: Shared,
        batches: Batches,
        schedule: impl Fn(usize) -> Schedule,
    ) -> Result<Self> {
        let settings = Settings { n_batches: batches.count(), ..device.settings() };
        let lower = |m: usize| -> Result<(Schedule, Lowered)> {
            let schedule = schedule(m);
            let mut lowered = layerwise(&schedule, settings)?;
            if batches.count() > 1 {
                lowered.dispatches.insert(0, take_batch(&schedule, batches, settings.geometry)?);
            }
            Ok((schedule, lowered))
        };
        let (whole, mut lowered) = lower(batches.size)?;
        let rest = match batches.m % batches.size {
            0 => None,
            rest => Some(lower(rest)?.1),
        };
        // The matrices of the shorter batch are the same with fewer columns.
        lowered.scratch = lowered.scratch.max(rest.as_ref().map_or(0, |rest| rest.scratch));
        let arrays = Arrays::new(device, &whole, shared, &lowered)?;
        Ok(Self {
            batches,
            whole: Program::new(device, &lowered.dispatches, &arrays),
            rest: rest.map(|rest| Program::new(device, &rest.dispatches, &arrays)),
            schedule: whole,
            arrays,
        })
    }

    /// Dispatches of one iteration.
    pub(super) fn dispatches(&self) -> usize {
        self.whole.len()
    }

    /// The schedule of a whole batch.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Submits that many iterations, those up to `first` being done.
    pub(super) fn submit(&self, device: &Device, first: usize, iterations: usize) {
        program::submit(device, (first..first + iterations).map(|t| self.program(t)));
    }

    /// What iteration `t` runs.
    fn program(&self, t: usize) -> &Program {
        match &self.rest {
            Some(rest) if self.batches.samples(t).len() < self.batches.size => rest,
            _ => &self.whole,
        }
    }

    /// Runs iteration `t` with a clock, see [`Program::profile`].
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
    pub(super) async fn profile(
        &self,
        device: &Device,
        t: usize,
    ) -> Result<Option<Vec<(&'static str, f64)>>> {
        self.program(t).profile(device).await
    }

    /// The `count` costs since the last call.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
    pub(super) async fn take_costs(&self, device: &Device, count: usize) -> Result<Vec<f64>> {
        let words: Vec<f32> = download(device, &self.arrays.history, HISTORY_HEADER + count).await?;
        // The device goes on counting the batches.
        device.queue.write_buffer(&self.arrays.history, 0, bytemuck::bytes_of(&0u32));
        Ok(words[HISTORY_HEADER..].iter().map(|&cost| f64::from(cost)).collect())
    }

    /// The mean over all samples of the costs that an epoch leaves behind.
    ///
    /// # Errors
    /// As [`Batched::take_costs`].
    pub(super) async fn mean_cost(&self, device: &Device) -> Result<f64> {
        let count = self.batches.count();
        self.submit(device, 0, count);
        let costs = self.take_costs(device, count).await?;
        let sum: f64 =
            costs.iter().enumerate().map(|(t, cost)| cost * self.batches.samples(t).len() as f64).sum();
        Ok(sum / self.batches.m as f64)
    }
}
