//! Dispatches made ready: pipelines, params and bind groups, created once and encoded many times.

use super::arrays::{Arrays, download};
use super::device::Device;
use super::grid::Grid;
use super::kernels::Kernel;
use super::lowering::Dispatch;
use crate::error::Result;

/// A dispatch with everything bound.
pub(super) struct Bound {
    name: &'static str,
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    grid: Grid,
}

/// A lowered schedule, ready to run on a device.
pub(super) struct Program {
    dispatches: Vec<Bound>,
}

impl Program {
    pub(super) fn new(device: &Device, dispatches: &[Dispatch], arrays: &Arrays) -> Self {
        Self { dispatches: dispatches.iter().map(|dispatch| bind(device, dispatch, arrays)).collect() }
    }

    /// Dispatches that are already bound.
    pub(super) fn of(dispatches: Vec<Bound>) -> Self {
        Self { dispatches }
    }

    /// Dispatches of one run.
    pub(super) fn len(&self) -> usize {
        self.dispatches.len()
    }

    /// Submits `runs` runs, one after the other, at most so many dispatches at once.
    pub(super) fn submit(&self, device: &Device, runs: usize, most: usize) {
        submit(device, std::iter::repeat_n(self, runs), most);
    }
}

impl Program {
    /// Submits one run with a clock around each dispatch: the kernels' names and seconds in order, or `None` where the
    /// adapter has no clock.
    pub(super) async fn profile(&self, device: &Device) -> Result<Option<Vec<(&'static str, f64)>>> {
        let Device { device: raw, queue, .. } = device;
        if !raw.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let mut found = Vec::with_capacity(self.dispatches.len());
        let queries = raw.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("profile"),
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let ticks = device.buffer("profile", 2 * u64::from(wgpu::QUERY_SIZE), usage);
        for dispatch in &self.dispatches {
            let mut encoder = raw.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            });
            let descriptor = wgpu::ComputePassDescriptor { label: Some(dispatch.name), timestamp_writes };
            dispatch.encode(&mut encoder.begin_compute_pass(&descriptor));
            encoder.resolve_query_set(&queries, 0..2, &ticks, 0);
            device.submit(encoder);
            let times: Vec<u64> = download(device, &ticks, 2).await?;
            let nanoseconds =
                times[1].saturating_sub(times[0]) as f64 * f64::from(queue.get_timestamp_period());
            found.push((dispatch.name, nanoseconds * 1e-9));
        }
        Ok(Some(found))
    }
}

/// Submits one run of each program, in order, at most so many dispatches at once.
pub(super) fn submit<'p>(device: &Device, programs: impl Iterator<Item = &'p Program>, most: usize) {
    let mut dispatches = programs.flat_map(|program| &program.dispatches).peekable();
    while dispatches.peek().is_some() {
        let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            dispatches.by_ref().take(most).for_each(|dispatch| dispatch.encode(&mut pass));
        }
        device.submit(encoder);
    }
}

fn bind(device: &Device, dispatch: &Dispatch, arrays: &Arrays) -> Bound {
    let info = dispatch.kernel.info();
    let pipeline = device.pipeline(dispatch.kernel, &dispatch.variant);
    let params = params_buffer(device, info.name, &dispatch.params);
    let arrays: Vec<_> = dispatch.arrays.iter().map(|&id| arrays.get(id)).collect();
    Bound::new(device, dispatch.kernel, pipeline, &params, &arrays, dispatch.grid)
}

/// A params struct on the device; not a uniform buffer, see `kernels`.
pub(super) fn params_buffer(device: &Device, label: &str, params: &[u8]) -> wgpu::Buffer {
    // Not mapped at its creation: that panics where there is no room.
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer = device.buffer(label, params.len() as u64, usage);
    device.queue.write_buffer(&buffer, 0, params);
    buffer
}

impl Bound {
    fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        let [x, y, z] = self.grid;
        pass.dispatch_workgroups(x, y, z);
    }

    /// Binds a params struct and the arrays, in the order of the kernel's table entry.
    pub(super) fn new(
        device: &Device,
        kernel: Kernel,
        pipeline: wgpu::ComputePipeline,
        params: &wgpu::Buffer,
        arrays: &[&wgpu::Buffer],
        grid: Grid,
    ) -> Self {
        let info = kernel.info();
        let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: params.as_entire_binding() }];
        for (&(binding, _), array) in info.storage.iter().zip(arrays) {
            entries.push(wgpu::BindGroupEntry { binding, resource: array.as_entire_binding() });
        }
        let bind_group = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(info.name),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        Self { name: info.name, pipeline, bind_group, grid }
    }
}
