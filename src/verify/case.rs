//! Schedules put together by hand, an operation or a few, with the numbers they start from.

use crate::cpu_reference;
use crate::error::Result;
use crate::gpu::{self, Device};
use crate::schedule::{Contents, Op, Schedule, Storage, Tensor, TensorId};

/// A schedule put together by hand, with the numbers it starts from.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operations and their matrices.
    pub schedule: Schedule,
    /// What they start from.
    pub before: Contents,
}

impl Case {
    /// Without operations, on m samples.
    pub fn new(m: usize) -> Self {
        let schedule = Schedule { ops: Vec::new(), tensors: Vec::new(), m, n_parameters: 0 };
        let before = Contents::zeros(&schedule);
        Self { schedule, before }
    }

    fn tensor(&mut self, name: &str, shape: (usize, usize), storage: Storage, values: Vec<f64>) -> TensorId {
        let (rows, cols) = shape;
        self.schedule.tensors.push(Tensor { name: name.into(), rows, cols, storage });
        self.before.tensors.push(values);
        TensorId(self.schedule.tensors.len() - 1)
    }

    /// A matrix of its own with m columns that holds `values`.
    pub fn filled(&mut self, name: &str, values: Vec<f64>) -> TensorId {
        let m = self.schedule.m;
        self.tensor(name, (values.len() / m, m), Storage::Value, values)
    }

    /// A matrix (rows, m) of its own to be written; a kernel that leaves out an element leaves a NaN.
    pub fn empty(&mut self, name: &str, rows: usize) -> TensorId {
        self.filled(name, vec![f64::NAN; rows * self.schedule.m])
    }

    /// The targets, (rows, m).
    pub fn target(&mut self, values: Vec<f64>) -> TensorId {
        let m = self.schedule.m;
        self.tensor("Y", (values.len() / m, m), Storage::Target, values)
    }

    /// A slice of the parameter arena behind three numbers of padding: offsets must be heeded.
    pub fn parameter(&mut self, name: &str, shape: (usize, usize), values: &[f64]) -> TensorId {
        let offset = self.pad();
        self.grow(values);
        self.tensor(name, shape, Storage::Parameters { offset }, Vec::new())
    }

    /// A slice of the gradient arena to be written, likewise.
    pub fn gradient(&mut self, name: &str, shape: (usize, usize)) -> TensorId {
        let offset = self.pad();
        self.grow(&vec![f64::NAN; shape.0 * shape.1]);
        self.tensor(name, shape, Storage::Gradients { offset }, Vec::new())
    }

    fn pad(&mut self) -> usize {
        self.grow(&[-1.0, -2.0, -3.0]);
        self.schedule.n_parameters
    }

    /// Appends to both arenas.
    pub fn grow(&mut self, values: &[f64]) {
        self.before.parameters.extend(values);
        self.before.gradients.extend(values);
        self.schedule.n_parameters += values.len();
    }

    /// The history of costs.
    pub fn costs(&mut self) -> TensorId {
        self.tensor("J", (1, 1), Storage::Costs, Vec::new())
    }

    /// Adds an operation.
    pub fn op(&mut self, op: Op) {
        self.schedule.ops.push(op);
    }

    /// What the device makes of it.
    ///
    /// # Errors
    /// As [`gpu::run_once`].
    pub async fn on_device(&self, device: &Device) -> Result<Contents> {
        gpu::run_once(device, &self.schedule, &self.before).await
    }

    /// What it is in double precision.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when the contents do not fit the schedule.
    pub fn on_reference(&self) -> Result<Contents> {
        cpu_reference::run_once(&self.schedule, &self.before)
    }
}
