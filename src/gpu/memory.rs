//! What a training needs of a device's memory, part by part, before any of it is taken.

use std::fmt;

use super::arrays::{HISTORY_CAPACITY, HISTORY_HEADER, STEP_SIZE};
use super::batched::lowered;
use super::device::Device;
use super::population::whole;
use crate::error::Result;
use crate::schedule::{Lowering, Problem, Schedule, Storage};

/// Bytes of device memory that a training keeps, by what they are for. What comes and goes beside it is small: readbacks, and the
/// matrices of a block of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Features and targets, and the batch that is taken from them.
    pub data: u64,
    /// Weights and biases.
    pub parameters: u64,
    /// What layers hand on, and what comes back.
    pub activations: u64,
    /// Gradients, and the partial sums that they are added from.
    pub gradients: u64,
    /// What the optimiser remembers, and the step sizes to come.
    pub optimizer: u64,
    /// Costs that the host has not fetched, and tables.
    pub history: u64,
}

impl MemoryPlan {
    /// The plan of a training in that lowering.
    ///
    /// # Errors
    /// Those of making it: [`crate::Error::DeviceLimit`] when it is too large for the lowering.
    pub fn new(device: &Device, problem: &Problem<'_>, lowering: Lowering) -> Result<Self> {
        problem.check()?;
        match lowering {
            Lowering::Layerwise => Self::layerwise(device, problem),
            _ => Self::whole(device, problem, lowering),
        }
    }

    fn layerwise(device: &Device, problem: &Problem<'_>) -> Result<Self> {
        let batches = problem.batches();
        let (schedule, lowered, _) = lowered(device, batches, None, |m| problem.schedule(m))?;
        let samples = (problem.x.len() + problem.targets().len()) as u64;
        let batch: usize = tensors(&schedule, |storage| {
            batches.count() > 1 && matches!(storage, Storage::Input | Storage::Target)
        });
        let values = schedule.tensors.iter().enumerate().filter(|(i, tensor)| {
            tensor.storage == Storage::Value && lowered.uses(crate::schedule::TensorId(*i))
        });
        let n = schedule.n_parameters;
        let descent = problem.descent;
        let (states, sizes) = match descent.is_plain() {
            true => (1, 1),
            false => ((1 + descent.optimizer.n_states()) * n, STEP_SIZE * HISTORY_CAPACITY),
        };
        Ok(Self {
            data: bytes(samples as usize + batch),
            parameters: bytes(n),
            activations: values.map(|(_, tensor)| bytes(tensor.len())).sum(),
            gradients: bytes(n) + bytes(lowered.scratch),
            optimizer: bytes(states) + bytes(sizes),
            history: bytes(HISTORY_HEADER + HISTORY_CAPACITY),
        })
    }

    fn whole(device: &Device, problem: &Problem<'_>, lowering: Lowering) -> Result<Self> {
        let whole = whole(device, std::slice::from_ref(problem), lowering)?;
        let n = whole.shape.n_parameters as usize;
        let rows = problem.network.n_features() + problem.targets().len() / problem.m;
        let states = if problem.descent.is_plain() { 0 } else { 1 + whole.n_states() };
        Ok(Self {
            data: bytes(whole.blocks.width() * rows),
            parameters: bytes(n),
            activations: 0,
            gradients: whole.partial_sums().map_or(0, bytes),
            optimizer: bytes(states * n),
            // The numbers of steps have a word before and after.
            history: bytes(whole.history + 1) + bytes(whole.tables_len()) + bytes(2),
        })
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.parts().iter().map(|(_, bytes)| bytes).sum()
    }

    /// The parts by name.
    pub fn parts(&self) -> [(&'static str, u64); 6] {
        [
            ("data", self.data),
            ("parameters", self.parameters),
            ("activations", self.activations),
            ("gradients", self.gradients),
            ("optimiser", self.optimizer),
            ("history", self.history),
        ]
    }
}

impl fmt::Display for MemoryPlan {
    /// `310 MiB: data 200 MiB, activations 110 MiB`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |bytes: u64| match bytes {
            b if b < 10 << 10 => format!("{b} B"),
            b if b < 10 << 20 => format!("{} KiB", b.div_ceil(1 << 10)),
            b => format!("{} MiB", b.div_ceil(1 << 20)),
        };
        write!(f, "{}", size(self.total()))?;
        for (i, (name, bytes)) in self.parts().into_iter().filter(|(_, bytes)| *bytes > 0).enumerate() {
            write!(f, "{} {name} {}", if i == 0 { ":" } else { "," }, size(bytes))?;
        }
        Ok(())
    }
}

/// Elements of a schedule's matrices of some kinds.
fn tensors(schedule: &Schedule, counts: impl Fn(Storage) -> bool) -> usize {
    schedule.tensors.iter().filter(|tensor| counts(tensor.storage)).map(|tensor| tensor.len()).sum()
}

/// Bytes of an array of so many numbers: at least one.
fn bytes(elements: usize) -> u64 {
    (elements.max(1) * size_of::<f32>()) as u64
}
