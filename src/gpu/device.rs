//! An open device: its queue, limits, errors and compiled kernels. Choosing the adapter is in `adapters`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::adapters::{AdapterRequest, AdapterSummary, choose};
use super::faults::Faults;
use super::grid::{Geometry, SOFTWARE_WORKGROUP_SIZE, WORKGROUP_SIZE};
use super::kernels::{Access, Kernel, KernelInfo};
use super::lowering::Settings;
use super::products::{Product, Products};
use crate::error::{Error, Result};
use crate::schedule::Lowering;

/// A device ready to run kernels. Cheap to share by reference; kernels are compiled when first needed, and once.
pub struct Device {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    summary: AdapterSummary,
    /// By which the adapter is found again.
    pub(super) info: wgpu::AdapterInfo,
    failures: Arc<Failures>,
    pub(super) checked: bool,
    /// Shared with those that take its place.
    pub(super) products: Arc<Mutex<Products>>,
    pub(super) faults: Arc<Faults>,
    /// The device that has taken its place since it was lost.
    pub(super) successor: Mutex<Option<Arc<Device>>>,
    /// Texts in the place of shader files'; none but in tests, see `seams`.
    pub(super) edits: Vec<(String, String)>,
    /// Lowerings that are not to be chosen, see `seams`.
    pub(super) avoided: Vec<Lowering>,
    /// The kernels that were made ready, a bit each, see `seams`.
    pub(super) used: AtomicU64,
    /// Shared with those that [`Device::share`] made; anew where a setting changes what is compiled.
    pub(super) compiled: Arc<Mutex<Compiled>>,
}

/// The kernels that were needed so far.
#[derive(Default)]
pub(super) struct Compiled {
    modules: HashMap<Kernel, wgpu::ShaderModule>,
    /// By their override constants.
    pipelines: HashMap<(Kernel, Constants), wgpu::ComputePipeline>,
}

/// Values of override constants, by name.
pub(super) type Constants = Vec<(&'static str, u32)>;

/// What the device reported outside of any call: of each kind the first, since later ones are consequences.
#[derive(Default)]
struct Failures(Mutex<Reported>);

#[derive(Default)]
struct Reported {
    lost: Option<String>,
    /// There was no room for a buffer. Not by an error scope: those are waited for, and buffers are made where nobody waits.
    no_room: Option<String>,
    error: Option<String>,
}

impl Failures {
    fn lock(&self) -> MutexGuard<'_, Reported> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    /// Opens the adapter that the request describes, with all its limits.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] when none answers to it; [`Error::Gpu`] when the driver refuses to open it.
    pub async fn open(request: &AdapterRequest) -> Result<Self> {
        Self::of_adapter(&choose(request).await?).await
    }

    pub(super) async fn of_adapter(adapter: &wgpu::Adapter) -> Result<Self> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("gpu-nn"),
            required_limits: adapter.limits(),
            // For profiles, where the adapter has a clock.
            required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            ..Default::default()
        };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|error| Error::Gpu { during: "opening the device", message: error.to_string() })?;
        let failures = Arc::new(Failures::default());
        let on_error = Arc::clone(&failures);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let mut reported = on_error.lock();
            let (slot, message) = match &error {
                wgpu::Error::OutOfMemory { source } => (&mut reported.no_room, source.to_string()),
                error => (&mut reported.error, error.to_string()),
            };
            slot.get_or_insert(one_line(&message));
        }));
        let on_lost = Arc::clone(&failures);
        device.set_device_lost_callback(move |reason, message| {
            let destroyed = reason == wgpu::DeviceLostReason::Destroyed;
            let message = if destroyed { "it was destroyed".into() } else { one_line(&message) };
            on_lost.lock().lost.get_or_insert(message);
        });
        let (summary, info) = (AdapterSummary::new(adapter), adapter.get_info());
        let usual = if summary.software { Product::Registers } else { Product::Workgroup };
        Ok(Self {
            device,
            queue,
            summary,
            info,
            failures,
            checked: false,
            products: Arc::new(Mutex::new(Products::all(usual))),
            faults: Arc::default(),
            successor: Mutex::default(),
            edits: Vec::new(),
            avoided: Vec::new(),
            used: AtomicU64::new(0),
            compiled: Arc::default(),
        })
    }

    /// The same open device for another owner, with the kernels that either of them compiles. What is lost or full is so for both;
    /// ways to multiply, lowerings to avoid and the record of used kernels are each one's own.
    pub fn share(&self) -> Self {
        let living = self.living();
        Self {
            device: living.device.clone(),
            queue: living.queue.clone(),
            summary: living.summary.clone(),
            info: living.info.clone(),
            failures: Arc::clone(&living.failures),
            checked: living.checked,
            products: Arc::new(Mutex::new(living.products())),
            faults: Arc::default(),
            successor: Mutex::default(),
            edits: living.edits.clone(),
            avoided: living.avoided.clone(),
            used: AtomicU64::new(0),
            compiled: Arc::clone(&living.compiled),
        }
    }

    /// What the adapter says of itself.
    pub fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    /// The shape of its dispatches.
    pub fn geometry(&self) -> Geometry {
        let best = if self.summary.software { SOFTWARE_WORKGROUP_SIZE } else { WORKGROUP_SIZE };
        Geometry { workgroup_size: best, per_dimension: self.summary.max_workgroups_per_dimension }
    }

    /// How it lowers schedules.
    pub(super) fn settings(&self) -> Settings {
        Settings { geometry: self.geometry(), fused: true, n_batches: 1, products: self.products() }
    }

    /// With bounds checks and loop counters in every kernel, also in those that are proved not to need them: what a test
    /// of that proof compares with.
    pub fn with_checks(mut self) -> Self {
        self.checked = true;
        self.compiled = Arc::default();
        self
    }

    /// With another way to multiply the matrices of wide layers. The sums of each way have their own order, and so their own
    /// last bits.
    pub fn with_products(self, product: Product) -> Self {
        self.set_products(Products::all(product));
        self
    }

    /// The ways to multiply the matrices of wide layers.
    pub fn products(&self) -> Products {
        *self.products.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other ways, for whatever is lowered from now on: those that [`Device::calibrate`] found in an earlier run.
    pub fn set_products(&self, products: Products) {
        *self.products.lock().unwrap_or_else(PoisonError::into_inner) = products;
    }

    /// The first error that the device has reported, if any. That there was no room is reported once: what there is room for
    /// works as before.
    pub(super) fn check(&self, during: &'static str) -> Result<()> {
        let mut reported = self.failures.lock();
        if let Some(message) = reported.lost.clone() {
            return Err(Error::DeviceLost { message });
        }
        if let Some(message) = reported.no_room.take() {
            // Of using what there was no room for.
            reported.error = None;
            return Err(Error::OutOfMemory { during, message });
        }
        match reported.error.clone() {
            Some(message) => Err(Error::Gpu { during, message }),
            None => Ok(()),
        }
    }

    /// Whether a kernel sees an array of so many elements whole.
    pub fn binds(&self, elements: usize) -> bool {
        self.check_array("array", elements).is_ok()
    }

    /// A buffer that nothing is in yet. Whether there was room for it, [`Device::check`] tells.
    pub(super) fn buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        if self.faults.lacks_room() {
            self.failures.lock().no_room.get_or_insert("on purpose".into());
        }
        let descriptor =
            wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        self.device.create_buffer(&descriptor)
    }

    /// Hands commands to the device.
    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder) {
        if self.faults.loses() {
            self.device.destroy();
        }
        self.queue.submit([encoder.finish()]);
    }

    /// Refuses arrays that a kernel could not see whole.
    pub(super) fn check_array(&self, what: &str, elements: usize) -> Result<()> {
        let bytes = elements as u64 * size_of::<f32>() as u64;
        let limit = self.summary.max_array_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(Error::DeviceLimit {
            what: what.into(),
            needed: mebibytes(bytes),
            device: self.summary.name.clone(),
            limit: format!("{} an array", mebibytes(limit)),
            hint: "use fewer samples or narrower layers, or --backend cpu-reference".into(),
        })
    }

    pub(super) fn pipeline(&self, kernel: Kernel, variant: &[u32]) -> wgpu::ComputePipeline {
        let mut constants = vec![("WORKGROUP_SIZE", self.geometry().workgroup_size)];
        constants.extend(kernel.info().variants.iter().copied().zip(variant.iter().copied()));
        self.pipeline_with(kernel, constants)
    }

    /// The kernel with these override constants, all that it has.
    pub(super) fn pipeline_with(&self, kernel: Kernel, constants: Constants) -> wgpu::ComputePipeline {
        self.used.fetch_or(1 << kernel as u32, Ordering::Relaxed);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let Compiled { modules, pipelines } = &mut *compiled;
        let key = (kernel, constants);
        if let Some(found) = pipelines.get(&key) {
            return found.clone();
        }
        let module = modules.entry(kernel).or_insert_with(|| self.module(kernel.info()));
        let pipeline = self.compile(kernel.info(), module, &key.1);
        pipelines.insert(key, pipeline.clone());
        pipeline
    }

    fn compile(
        &self,
        info: &KernelInfo,
        module: &wgpu::ShaderModule,
        constants: &Constants,
    ) -> wgpu::ComputePipeline {
        let storage = |&(binding, access): &(u32, Access)| {
            let read_only = access == Access::Read;
            layout_entry(binding, wgpu::BufferBindingType::Storage { read_only })
        };
        let mut entries = vec![layout_entry(0, wgpu::BufferBindingType::Storage { read_only: true })];
        entries.extend(info.storage.iter().map(storage));
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(info.name),
            entries: &entries,
        });
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(info.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let constants: Vec<_> = constants.iter().map(|&(name, value)| (name, f64::from(value))).collect();
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(info.name),
            layout: Some(&layout),
            module,
            entry_point: Some(info.entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Each kernel writes its workgroup memory before it reads it; clearing costs seconds on one driver.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}

impl Device {
    fn module(&self, info: &KernelInfo) -> wgpu::ShaderModule {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(info.name),
            source: wgpu::ShaderSource::Wgsl(info.source_with(&self.edits).into()),
        };
        // What is proved is proved of the text as it is.
        if self.checked || !info.proved || !self.edits.is_empty() {
            return self.device.create_shader_module(descriptor);
        }
        // SAFETY: these kernels index by the sizes in their tables, params and override constants alone, and their loops count
        // up to those. `Shape` and `Blocks` make sizes and buffers from one validated network and data set; `Lowering::proved`
        // holds those of products against the matrices that the buffers are made for. Without checks drivers unroll the
        // loops, twice as fast; `gpu_population` and `gpu_layerwise` run both ways.
        unsafe {
            self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }
}

fn layout_entry(binding: u32, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

/// Driver messages run over many lines; errors here take one.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
