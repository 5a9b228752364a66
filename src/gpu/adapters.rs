//! Finding adapters and choosing one: a real GPU before a software driver, by name or API where asked for.

use super::grid::MAX_ARRAY_ELEMENTS;
use crate::error::{Error, Result};

/// The graphics API to reach a GPU through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Whatever the machine has.
    Any,
    /// Vulkan (Linux, Windows, Android).
    Vulkan,
    /// Metal (macOS).
    Metal,
    /// Direct3D 12 (Windows).
    Dx12,
}

impl Api {
    fn backends(self) -> wgpu::Backends {
        match self {
            Self::Any => wgpu::Backends::PRIMARY,
            Self::Vulkan => wgpu::Backends::VULKAN,
            Self::Metal => wgpu::Backends::METAL,
            Self::Dx12 => wgpu::Backends::DX12,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Any => "gpu",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
        }
    }
}

/// Which adapter is wanted.
#[derive(Clone, Debug)]
pub struct AdapterRequest {
    /// Through which API.
    pub api: Api,
    /// Part of the adapter's or driver's name, in any case, or its number in [`adapters`].
    pub name: Option<String>,
    /// Whether a software driver, which computes on the CPU, will do.
    pub software: bool,
}

/// What an adapter says of itself.
#[derive(Clone, Debug)]
pub struct AdapterSummary {
    /// The adapter's name.
    pub name: String,
    /// Driver and its version.
    pub driver: String,
    /// `vulkan`, `metal`, `dx12` or `webgpu`.
    pub api: String,
    /// `discrete GPU`, `integrated GPU`, `virtual GPU`, `software (CPU)` or `unknown kind`.
    pub kind: &'static str,
    /// Whether it computes on the CPU.
    pub software: bool,
    /// The largest array a kernel can see, bytes.
    pub max_array_bytes: u64,
    /// The memory it has, bytes: of a software driver the machine's where that is known; of others at least this much, since
    /// wgpu tells no more than the largest buffer.
    pub memory_bytes: u64,
    /// The most invocations a workgroup.
    pub max_workgroup_invocations: u32,
    /// Workgroup memory, bytes.
    pub max_workgroup_memory: u32,
    /// The most workgroups a dimension of a dispatch.
    pub max_workgroups_per_dimension: u32,
}

impl AdapterSummary {
    pub(super) fn new(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let driver = [info.driver.as_str(), info.driver_info.as_str()];
        Self {
            name: info.name.clone(),
            driver: driver.iter().filter(|s| !s.is_empty()).copied().collect::<Vec<_>>().join(" "),
            api: info.backend.to_string(),
            kind: kind(info.device_type),
            software: info.device_type == wgpu::DeviceType::Cpu,
            max_array_bytes: limits
                .max_storage_buffer_binding_size
                .min(limits.max_buffer_size)
                .min(MAX_ARRAY_ELEMENTS * size_of::<f32>() as u64),
            memory_bytes: machine_memory(info.device_type).unwrap_or(limits.max_buffer_size),
            max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            max_workgroup_memory: limits.max_compute_workgroup_storage_size,
            max_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
        }
    }
}

fn kind(device_type: wgpu::DeviceType) -> &'static str {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete GPU",
        wgpu::DeviceType::IntegratedGpu => "integrated GPU",
        wgpu::DeviceType::VirtualGpu => "virtual GPU",
        wgpu::DeviceType::Cpu => "software (CPU)",
        wgpu::DeviceType::Other => "unknown kind",
    }
}

/// The memory of a driver that computes on the CPU, where the system tells.
fn machine_memory(device_type: wgpu::DeviceType) -> Option<u64> {
    if device_type != wgpu::DeviceType::Cpu {
        return None;
    }
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}

/// Best first: a card of its own, then one on the processor, then shared ones, software last.
fn rank(device_type: wgpu::DeviceType) -> u8 {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

async fn ranked(api: Api) -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = api.backends();
    let mut found = wgpu::Instance::new(descriptor).enumerate_adapters(api.backends()).await;
    found.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    found
}

/// All adapters of an API, the one that would be chosen first.
pub async fn adapters(api: Api) -> Vec<AdapterSummary> {
    ranked(api).await.iter().map(AdapterSummary::new).collect()
}

/// The adapter with that description, opened anew.
pub(super) async fn same(info: &wgpu::AdapterInfo) -> Result<wgpu::Adapter> {
    let api =
        [Api::Vulkan, Api::Metal, Api::Dx12].into_iter().find(|api| api.name() == info.backend.to_str());
    let found = ranked(api.unwrap_or(Api::Any)).await;
    let summaries: Vec<_> = found.iter().map(AdapterSummary::new).collect();
    found.into_iter().find(|adapter| adapter.get_info() == *info).ok_or_else(|| {
        let api = api.unwrap_or(Api::Any);
        no_adapter(&AdapterRequest { api, name: Some(info.name.clone()), software: true }, &summaries)
    })
}

/// The best adapter that answers to the request.
pub(super) async fn choose(request: &AdapterRequest) -> Result<wgpu::Adapter> {
    let found = ranked(request.api).await;
    let summaries: Vec<_> = found.iter().map(AdapterSummary::new).collect();
    let position = match &request.name {
        Some(name) => position_of(name, &summaries),
        None => summaries.iter().position(|summary| request.software || !summary.software),
    };
    found.into_iter().nth(position.unwrap_or(usize::MAX)).ok_or_else(|| no_adapter(request, &summaries))
}

fn position_of(name: &str, summaries: &[AdapterSummary]) -> Option<usize> {
    if let Ok(number) = name.parse::<usize>() {
        return Some(number).filter(|&n| n < summaries.len());
    }
    let name = name.to_lowercase();
    let matches = |text: &str| text.to_lowercase().contains(&name);
    summaries.iter().position(|summary| matches(&summary.name) || matches(&summary.driver))
}

fn no_adapter(request: &AdapterRequest, summaries: &[AdapterSummary]) -> Error {
    let wanted = match &request.name {
        Some(name) => format!("--adapter `{name}` through {}", request.api.name()),
        None => format!("--backend {}", request.api.name()),
    };
    let reason = if summaries.is_empty() {
        let install = match request.api {
            Api::Metal => "Metal needs macOS",
            Api::Dx12 => "Direct3D 12 needs Windows",
            Api::Any | Api::Vulkan => {
                "install your card's Vulkan driver, or Mesa's, which has a software one too \
                 (Debian, Ubuntu: apt install mesa-vulkan-drivers libvulkan1)"
            }
        };
        format!("none was found; {install}, or use --backend cpu-reference")
    } else {
        let names: Vec<_> =
            summaries.iter().enumerate().map(|(i, s)| format!("{i}: {} ({})", s.name, s.kind)).collect();
        format!(
            "found only {}; choose one of these with --adapter, or use --backend cpu-reference",
            names.join(", ")
        )
    };
    Error::NoAdapter { wanted, reason }
}
