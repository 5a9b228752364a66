//! A schedule for each batch of the samples in turn: the data stays on the device, which also counts the batches.

use web_time::Instant;

use super::arrays::{
    ArrayId, Arrays, HISTORY_HEADER, STEP_SIZE, Shared, download, single, step_sizes, write_at,
};
use super::device::Device;
use super::lowering::{Lowered, Settings, layerwise, take_batch};
use super::pace::Pace;
use super::poll::submitted_work_done;
use super::program::{self, Program};
use crate::error::Result;
use crate::schedule::{Batches, RateSchedule, Schedule};

/// Programs over the batches of the samples.
pub(super) struct Batched {
    batches: Batches,
    /// Batches that the device counts before it counts an epoch.
    n_batches: usize,
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
        Self::over_windows(device, shared, batches, None, schedule)
    }

    /// The same for a device that holds a window of the samples at a time, at most as many as `window` has, two batches or
    /// more, in the order in which they are taken.
    ///
    /// # Errors
    /// As [`Batched::new`].
    pub(super) fn over_windows(
        device: &Device,
        shared: Shared,
        batches: Batches,
        window: Option<Batches>,
        schedule: impl Fn(usize) -> Schedule,
    ) -> Result<Self> {
        let n_batches = n_batches(batches, window);
        let (whole, lowered, rest) = lowered(device, batches, window, schedule)?;
        let arrays = Arrays::new(device, &whole, shared, &lowered)?;
        Ok(Self {
            batches,
            n_batches,
            whole: Program::new(device, &lowered.dispatches, &arrays),
            rest: rest.map(|rest| Program::new(device, &rest.dispatches, &arrays)),
            schedule: whole,
            arrays,
        })
    }

    /// Sets the number of iterations done before the first, which the device counts on from.
    pub(super) fn start_at(&self, device: &Device, done: usize) {
        let (batch, epoch) = (done % self.batches.count(), done / self.batches.count());
        let header = [0, batch as u32, epoch as u32];
        device.queue.write_buffer(&self.arrays.history, 0, bytemuck::cast_slice(&header));
    }

    /// Sets that the samples are those of iteration `first` and some more, and that iteration `done` is next.
    ///
    /// The device takes the samples of a batch by its number in the window, and the masks of dropout by epoch * n_batches +
    /// batch modulo 2^32. n_batches being odd there is an epoch for which that is `first` where the batch is 0: `first` times
    /// the inverse of n_batches.
    pub(super) fn start_window(&self, device: &Device, first: usize, done: usize) {
        let n = self.n_batches as u32;
        // Newton's iteration doubles the bits that are right: 3 for n itself.
        let inverse = (0..4).fold(n, |x, _| x.wrapping_mul(2u32.wrapping_sub(n.wrapping_mul(x))));
        let progress = [(done - first) as u32, (first as u32).wrapping_mul(inverse)];
        // Behind the number of costs, which goes on.
        let offset = size_of::<u32>() as u64;
        device.queue.write_buffer(&self.arrays.history, offset, bytemuck::cast_slice(&progress));
    }

    /// Sets what the optimiser remembers, (states, parameters), if there is anything.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a value beyond f32.
    pub(super) fn set_state(&self, device: &Device, state: &[f64]) -> Result<()> {
        let values = single("state of the optimiser", state)?;
        if !values.is_empty() {
            write_at(device, self.arrays.get(ArrayId::State), self.schedule.n_parameters, &values);
        }
        Ok(())
    }

    /// What the optimiser remembers, (states, parameters).
    ///
    /// # Errors
    /// As [`Batched::take_costs`].
    pub(super) async fn state(&self, device: &Device) -> Result<Vec<f64>> {
        let n = self.schedule.n_parameters;
        let n_states = self.schedule.descent().map_or(0, |descent| descent.optimizer.n_states());
        if n_states == 0 {
            return Ok(Vec::new());
        }
        // Behind what penalties apply to.
        let words: Vec<f32> = download(device, self.arrays.get(ArrayId::State), (1 + n_states) * n).await?;
        Ok(words[n..].iter().map(|&value| f64::from(value)).collect())
    }

    /// Replaces what becomes of the learning rate over time.
    pub(super) fn set_rates(&mut self, rates: RateSchedule) {
        self.schedule.set_rates(rates);
    }

    /// Dispatches of one iteration.
    pub(super) fn dispatches(&self) -> usize {
        self.whole.len()
    }

    /// The schedule of a whole batch.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Writes the step sizes of that many iterations, `first` in all and `unfetched` of them since the costs were taken being
    /// done.
    pub(super) fn set_step_sizes(&self, device: &Device, first: usize, unfetched: usize, iterations: usize) {
        if let Some(descent) = self.schedule.descent().filter(|descent| !descent.is_plain()) {
            let sizes = step_sizes(&descent, first..first + iterations);
            write_at(device, self.arrays.get(ArrayId::StepSizes), STEP_SIZE * unfetched, &sizes);
        }
    }

    /// Submits that many iterations, those up to `first` being done, at most so many dispatches at once.
    pub(super) fn submit(&self, device: &Device, first: usize, iterations: usize, most: usize) {
        program::submit(device, (first..first + iterations).map(|t| self.program(t)), most);
    }

    /// What iteration `t` runs.
    fn program(&self, t: usize) -> &Program {
        match &self.rest {
            Some(rest) if self.batches.positions(t).len() < self.batches.size => rest,
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
        // The device goes on counting batches and epochs.
        device.queue.write_buffer(&self.arrays.history, 0, bytemuck::bytes_of(&0u32));
        Ok(words[HISTORY_HEADER..].iter().map(|&cost| f64::from(cost)).collect())
    }

    /// The mean over all samples of the costs that an epoch leaves behind.
    ///
    /// # Errors
    /// As [`Batched::take_costs`].
    pub(super) async fn mean_cost(&self, device: &Device) -> Result<f64> {
        let count = self.batches.count();
        let (mut pace, mut done) = (Pace::new(self.dispatches()), 0);
        while done < count {
            let (some, begin) = (pace.iterations().min(count - done), Instant::now());
            self.submit(device, done, some, pace.dispatches());
            done += some;
            if done < count {
                let waited = submitted_work_done(&device.device, &device.queue).await;
                device.check("computing the cost")?;
                waited?;
                pace.learn(some, begin.elapsed());
            }
        }
        let costs = self.take_costs(device, count).await?;
        let sum: f64 =
            costs.iter().enumerate().map(|(t, cost)| cost * self.batches.positions(t).len() as f64).sum();
        Ok(sum / self.batches.m as f64)
    }
}

/// Batches of an epoch; odd for a window, see `start_window`.
fn n_batches(batches: Batches, window: Option<Batches>) -> usize {
    window.map_or(batches.count(), |window| window.count() | 1)
}

/// The schedule of a batch and its dispatches, and those of the last batch of an epoch if that is shorter.
///
/// # Errors
/// [`crate::Error::DeviceLimit`] when a batch is too large for the device.
pub(super) fn lowered(
    device: &Device,
    batches: Batches,
    window: Option<Batches>,
    schedule: impl Fn(usize) -> Schedule,
) -> Result<(Schedule, Lowered, Option<Lowered>)> {
    let settings = Settings { n_batches: n_batches(batches, window), ..device.settings() };
    let window = window.unwrap_or(batches);
    let lower = |m: usize| -> Result<(Schedule, Lowered)> {
        let schedule = schedule(m);
        let mut lowered = layerwise(&schedule, settings)?;
        if window.count() > 1 {
            lowered.dispatches.insert(0, take_batch(&schedule, window, settings.geometry)?);
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
    Ok((whole, lowered, rest))
}
