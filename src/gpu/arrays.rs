//! Device buffers: those of a schedule, uploads and readbacks.

use std::ops::Range;

use super::device::Device;
use super::lowering::Lowered;
use super::poll;
use super::room::in_blocks_that_fit;
use crate::error::{Error, Result};
use crate::schedule::{Descent, Schedule, StepSize, Storage, TensorId};

/// Costs the device keeps before the host must fetch them.
pub(super) const HISTORY_CAPACITY: usize = 65_536;

/// A buffer of a schedule, by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrayId {
    /// A matrix with a buffer of its own.
    Tensor(TensorId),
    /// The parameter arena.
    Parameters,
    /// The gradient arena.
    Gradients,
    /// Partial sums, shared by all operations.
    Scratch,
    /// The costs behind [`HISTORY_HEADER`] other words.
    History,
    /// Which parameters are weights, and what the optimiser remembers of each.
    State,
    /// The step sizes of the iterations, where the history has their costs.
    StepSizes,
    /// The features of all samples, of which an input takes a batch.
    AllFeatures,
    /// The targets of all samples.
    AllTargets,
}

/// The samples on a device, and the parameters that are trained on them.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) parameters: wgpu::Buffer,
    /// Features and targets, if there are any.
    pub(super) samples: Option<(wgpu::Buffer, wgpu::Buffer)>,
}

/// Words before the costs: how many there are, and the numbers of the next batch and of its epoch.
pub(super) const HISTORY_HEADER: usize = 3;

/// All buffers that a lowered schedule needs.
pub(super) struct Arrays {
    tensors: Vec<Option<wgpu::Buffer>>,
    shared: Shared,
    gradients: wgpu::Buffer,
    state: wgpu::Buffer,
    step_sizes: wgpu::Buffer,
    scratch: wgpu::Buffer,
    pub(super) history: wgpu::Buffer,
}

impl Arrays {
    /// Buffers for `schedule` as it was lowered; input and target are the samples themselves if these are of the same size.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] for a matrix that the device cannot bind whole.
    pub(super) fn new(
        device: &Device,
        schedule: &Schedule,
        shared: Shared,
        lowered: &Lowered,
    ) -> Result<Self> {
        let scratch = lowered.scratch;
        device.check_array("the parameters", schedule.n_parameters)?;
        device.check_array("the partial sums", scratch)?;
        let mut tensors = Vec::with_capacity(schedule.tensors.len());
        for (i, tensor) in schedule.tensors.iter().enumerate() {
            let whole = shared.samples.as_ref().filter(|(x, _)| holds(x, schedule, Storage::Input));
            tensors.push(match (tensor.storage, whole) {
                (Storage::Input, Some((x, _))) => Some(x.clone()),
                (Storage::Target, Some((_, y))) => Some(y.clone()),
                (Storage::Input | Storage::Target | Storage::Value, _) if lowered.uses(TensorId(i)) => {
                    let what = format!("{} ({} x {})", tensor.name, tensor.rows, tensor.cols);
                    device.check_array(&what, tensor.len())?;
                    Some(array(device, &tensor.name, tensor.len()))
                }
                _ => None,
            });
        }
        let descent = schedule.descent();
        let plain = descent.is_none_or(|descent| descent.is_plain());
        let state = state(device, schedule)?;
        Ok(Self {
            tensors,
            shared,
            gradients: array(device, "gradients", schedule.n_parameters),
            state,
            step_sizes: array(device, "step sizes", if plain { 1 } else { STEP_SIZE * HISTORY_CAPACITY }),
            scratch: array(device, "partial sums", scratch),
            history: array(device, "history", HISTORY_HEADER + HISTORY_CAPACITY),
        })
    }

    pub(super) fn get(&self, id: ArrayId) -> &wgpu::Buffer {
        match id {
            ArrayId::Tensor(id) => {
                self.tensors[id.0].as_ref().expect("lowering names only matrices with a buffer of their own")
            }
            ArrayId::Parameters => &self.shared.parameters,
            ArrayId::AllFeatures => &self.samples().0,
            ArrayId::AllTargets => &self.samples().1,
            ArrayId::Gradients => &self.gradients,
            ArrayId::Scratch => &self.scratch,
            ArrayId::History => &self.history,
            ArrayId::State => &self.state,
            ArrayId::StepSizes => &self.step_sizes,
        }
    }

    fn samples(&self) -> &(wgpu::Buffer, wgpu::Buffer) {
        self.shared.samples.as_ref().expect("only batches of samples are lowered to taking them")
    }

    /// Whether that matrix is written anywhere.
    pub(super) fn holds(&self, id: TensorId) -> bool {
        self.tensors[id.0].is_some()
    }

    /// The buffer of the first matrix with that storage.
    pub(super) fn of(&self, schedule: &Schedule, storage: Storage) -> Option<&wgpu::Buffer> {
        let position = schedule.tensors.iter().position(|tensor| tensor.storage == storage)?;
        self.tensors[position].as_ref()
    }
}

/// Whether a buffer has the size of the schedule's matrix of that storage.
fn holds(buffer: &wgpu::Buffer, schedule: &Schedule, storage: Storage) -> bool {
    let tensor = schedule.tensors.iter().find(|tensor| tensor.storage == storage);
    tensor.is_some_and(|tensor| buffer.size() == (tensor.len() * size_of::<f32>()) as u64)
}

/// Numbers of a step size in step.wgsl.
pub(super) const STEP_SIZE: usize = 3;

/// The step sizes of some iterations, as they lie on a device.
pub(super) fn step_sizes(descent: &Descent, iterations: Range<usize>) -> Vec<f32> {
    let of = |t| {
        let StepSize { rate, first, second } = descent.step_size(t);
        [rate, first, second].map(|number| number as f32)
    };
    iterations.flat_map(of).collect()
}

/// What a descent remembers of the parameters of a schedule, nothing so far, behind what penalties apply to: (1 + states, n);
/// nothing that matters for a plain descent.
///
/// # Errors
/// [`Error::DeviceLimit`] when the device cannot bind it whole.
pub(super) fn state(device: &Device, schedule: &Schedule) -> Result<wgpu::Buffer> {
    let Some(descent) = schedule.descent().filter(|descent| !descent.is_plain()) else {
        return Ok(array(device, "state of the optimiser", 1));
    };
    let elements = (1 + descent.optimizer.n_states()) * schedule.n_parameters;
    device.check_array("the state of the optimiser", elements)?;
    let buffer = array(device, "state of the optimiser", elements);
    let mask: Vec<f32> = schedule.weight_mask().into_iter().map(|weight| weight as f32).collect();
    write(device, &buffer, &mask);
    Ok(buffer)
}

/// A buffer for that many f32 (or u32), zeroed.
pub(super) fn array(device: &Device, label: &str, elements: usize) -> wgpu::Buffer {
    let bytes = (elements.max(1) * size_of::<f32>()) as u64;
    device.faults.add_bytes(bytes);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    device.buffer(label, bytes, usage)
}

/// Writes values, rounded to f32, to the start of a buffer.
///
/// # Errors
/// [`Error::Data`] for a finite value beyond the range of f32.
pub(super) fn upload(device: &Device, buffer: &wgpu::Buffer, what: &str, values: &[f64]) -> Result<()> {
    write(device, buffer, &single(what, values)?);
    Ok(())
}

/// Values rounded to f32.
///
/// # Errors
/// [`Error::Data`] for a finite value beyond the range of f32.
pub(super) fn single(what: &str, values: &[f64]) -> Result<Vec<f32>> {
    let rounded: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    if let Some(at) = rounded.iter().position(|v| !v.is_finite()) {
        return Err(Error::data(
            what,
            format!(
                "value {at} is {}, which single precision cannot hold; rescale it, or use --backend cpu-reference",
                values[at]
            ),
        ));
    }
    Ok(rounded)
}

/// Writes values to the start of a buffer as they are.
pub(super) fn write(device: &Device, buffer: &wgpu::Buffer, values: &[f32]) {
    write_at(device, buffer, 0, values);
}

/// Writes values as they are, from that element on.
pub(super) fn write_at(device: &Device, buffer: &wgpu::Buffer, element: usize, values: &[f32]) {
    let offset = (element * size_of::<f32>()) as u64;
    device.queue.write_buffer(buffer, offset, bytemuck::cast_slice(values));
}

/// Bytes that are read back at a time at most: a staging buffer lies beside what is read.
const READBACK: usize = 1 << 26;

/// The first `count` elements of a buffer as `T`, after all work submitted so far; in smaller pieces where the device has no room
/// for a large one.
pub(super) async fn download<T: bytemuck::Pod>(
    device: &Device,
    buffer: &wgpu::Buffer,
    count: usize,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let mut piece = READBACK / size_of::<T>();
    while found.len() < count {
        let read = async |piece: usize| {
            let piece = piece.min(count - found.len());
            download_piece(device, buffer, found.len(), piece).await
        };
        let values: Vec<T> = in_blocks_that_fit(&mut piece, 1, read).await?;
        if found.is_empty() {
            found = values;
        } else {
            found.extend(values);
        }
    }
    Ok(found)
}

async fn download_piece<T: bytemuck::Pod>(
    device: &Device,
    buffer: &wgpu::Buffer,
    first: usize,
    count: usize,
) -> Result<Vec<T>> {
    let bytes = |elements: usize| (elements * size_of::<T>()) as u64;
    let size = bytes(count);
    let staging =
        device.buffer("readback", size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(buffer, bytes(first), &staging, 0, size);
    device.submit(encoder);
    let mapped = poll::map_for_reading(&device.device, &staging).await;
    let during = "reading results back";
    // What the device says of itself tells more than that nothing could be mapped.
    device.check(during)?;
    mapped?;
    let view =
        staging.get_mapped_range(..).map_err(|error| Error::Gpu { during, message: error.to_string() })?;
    // Not a cast: a mapped range need not be aligned for T.
    Ok(bytemuck::pod_collect_to_vec(&view))
}
