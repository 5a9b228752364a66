//! Device buffers: those of a schedule, uploads and readbacks.

use super::device::Device;
use super::poll;
use crate::error::{Error, Result};
use crate::schedule::{Schedule, Storage, TensorId};

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
    /// A count and the costs.
    History,
}

/// All buffers that a schedule needs.
pub(super) struct Arrays {
    tensors: Vec<Option<wgpu::Buffer>>,
    pub(super) parameters: wgpu::Buffer,
    gradients: wgpu::Buffer,
    scratch: wgpu::Buffer,
    pub(super) history: wgpu::Buffer,
}

impl Arrays {
    /// Buffers for `schedule`, with a parameter arena that others may share and `scratch` elements for partial sums.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] for a matrix that the device cannot bind whole.
    pub(super) fn new(
        device: &Device,
        schedule: &Schedule,
        parameters: wgpu::Buffer,
        scratch: usize,
    ) -> Result<Self> {
        device.check_array("the parameters", schedule.n_parameters)?;
        device.check_array("the partial sums", scratch)?;
        let mut tensors = Vec::with_capacity(schedule.tensors.len());
        for tensor in &schedule.tensors {
            tensors.push(match tensor.storage {
                Storage::Input | Storage::Target | Storage::Value => {
                    let what = format!("{} ({} x {})", tensor.name, tensor.rows, tensor.cols);
                    device.check_array(&what, tensor.len())?;
                    Some(array(device, &tensor.name, tensor.len()))
                }
                _ => None,
            });
        }
        Ok(Self {
            tensors,
            parameters,
            gradients: array(device, "gradients", schedule.n_parameters),
            scratch: array(device, "partial sums", scratch),
            history: array(device, "history", 1 + HISTORY_CAPACITY),
        })
    }

    pub(super) fn get(&self, id: ArrayId) -> &wgpu::Buffer {
        match id {
            ArrayId::Tensor(id) => {
                self.tensors[id.0].as_ref().expect("lowering names only matrices with a buffer of their own")
            }
            ArrayId::Parameters => &self.parameters,
            ArrayId::Gradients => &self.gradients,
            ArrayId::Scratch => &self.scratch,
            ArrayId::History => &self.history,
        }
    }

    /// The buffer of the first matrix with that storage.
    pub(super) fn of(&self, schedule: &Schedule, storage: Storage) -> Option<&wgpu::Buffer> {
        let position = schedule.tensors.iter().position(|tensor| tensor.storage == storage)?;
        self.tensors[position].as_ref()
    }
}

/// A buffer for that many f32 (or u32), zeroed.
pub(super) fn array(device: &Device, label: &str, elements: usize) -> wgpu::Buffer {
    device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: (elements.max(1) * size_of::<f32>()) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
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

/// The first `count` 32-bit words of a buffer as `T`, after all work submitted so far.
pub(super) async fn download<T: bytemuck::Pod>(
    device: &Device,
    buffer: &wgpu::Buffer,
    count: usize,
) -> Result<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let size = (count * size_of::<T>()) as u64;
    let staging = device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("readback"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, size);
    device.queue.submit([encoder.finish()]);
    poll::map_for_reading(&device.device, &staging).await?;
    let during = "reading results back";
    device.check(during)?;
    let view =
        staging.get_mapped_range(..).map_err(|error| Error::Gpu { during, message: error.to_string() })?;
    // Not a cast: a mapped range need not be aligned for T.
    Ok(bytemuck::pod_collect_to_vec(&view))
}
