//! Where to compute: on the CPU, fast or as the reference does, or on a device; and how to choose between them.

use std::fmt;
use std::str::FromStr;

use super::executor::{Executor, whole};
#[cfg(feature = "cpu")]
use crate::cpu;
use crate::cpu_reference;
use crate::data::Dataset;
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu::{self, AdapterRequest, Api};
use crate::network::{Network, Parameters};
use crate::schedule::{EVALUATION_BLOCK, Lowering, Problem};

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// A GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// A GPU through whatever API; software drivers do not count.
    Gpu,
    /// Vulkan, with a software driver too.
    Vulkan,
    /// Metal.
    Metal,
    /// Direct3D 12.
    Dx12,
    /// All cores of the CPU, in `f32`.
    Cpu,
    /// Plain `f64` loops on one thread.
    CpuReference,
}

impl BackendChoice {
    /// All choices, in the order of the help text.
    pub const ALL: [Self; 7] =
        [Self::Auto, Self::Gpu, Self::Vulkan, Self::Metal, Self::Dx12, Self::Cpu, Self::CpuReference];

    /// The name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
            Self::Cpu => "cpu",
            Self::CpuReference => "cpu-reference",
        }
    }
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BackendChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|choice| choice.name()).collect();
            Error::invalid("backend", text, format!("use one of {}", names.join(", ")))
        })
    }
}

/// An open backend.
pub enum Backend {
    /// `cpu_reference`.
    CpuReference,
    /// `cpu`.
    #[cfg(feature = "cpu")]
    Cpu,
    /// A device.
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Device>),
}

impl Backend {
    /// Opens what was asked for and says in a sentence why it is that.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] when a GPU was asked for by name and none answers; [`Error::InvalidArgument`] for an
    /// adapter name with the CPU.
    pub async fn open(choice: BackendChoice, adapter: Option<&str>) -> Result<(Self, String)> {
        use BackendChoice::{Auto, Cpu, CpuReference};
        match (choice, adapter) {
            (Cpu | CpuReference, Some(name)) => Err(Error::invalid(
                "adapter",
                name,
                format!("--backend {choice} uses no adapter; leave --adapter out"),
            )),
            (CpuReference, None) => Ok((Self::CpuReference, format!("asked for with --backend {choice}"))),
            #[cfg(feature = "cpu")]
            (Cpu, None) => Ok((Self::Cpu, format!("asked for with --backend {choice}"))),
            #[cfg(not(feature = "cpu"))]
            (Cpu, None) => Err(Error::invalid(
                "backend",
                choice,
                "this build lacks it; build with the feature `cpu`, or use --backend cpu-reference",
            )),
            (Auto, None) => Ok(Self::best().await),
            _ => Self::open_gpu(choice, adapter).await,
        }
    }

    /// The fastest that needs no device.
    pub fn host() -> Self {
        #[cfg(feature = "cpu")]
        return Self::Cpu;
        #[cfg(not(feature = "cpu"))]
        Self::CpuReference
    }

    #[cfg(feature = "gpu")]
    async fn best() -> (Self, String) {
        let request = AdapterRequest { api: Api::Any, name: None, software: false };
        match gpu::Device::open(&request).await {
            Ok(device) => {
                let why = format!("the best of this machine's GPUs ({})", device.summary().kind);
                (Self::Gpu(Box::new(device)), why)
            }
            Err(Error::NoAdapter { .. }) => {
                let software = gpu::adapters(Api::Any).await;
                let why = match software.first() {
                    Some(found) => format!(
                        "no GPU was found; the software driver {} is used only when asked for (--backend vulkan)",
                        found.name
                    ),
                    None => "no GPU was found".into(),
                };
                (Self::host(), why)
            }
            Err(error) => (Self::host(), format!("a GPU was found but cannot be used: {error}")),
        }
    }

    #[cfg(not(feature = "gpu"))]
    async fn best() -> (Self, String) {
        (Self::host(), "this build has no GPU support (feature `gpu`)".into())
    }

    #[cfg(feature = "gpu")]
    async fn open_gpu(choice: BackendChoice, adapter: Option<&str>) -> Result<(Self, String)> {
        let api = match choice {
            BackendChoice::Vulkan => Api::Vulkan,
            BackendChoice::Metal => Api::Metal,
            BackendChoice::Dx12 => Api::Dx12,
            _ => Api::Any,
        };
        let software = choice == BackendChoice::Vulkan;
        let request = AdapterRequest { api, name: adapter.map(str::to_owned), software };
        let device = gpu::Device::open(&request).await?;
        let why = match adapter {
            Some(name) => format!("asked for with --adapter {name}"),
            None => format!("asked for with --backend {choice}"),
        };
        Ok((Self::Gpu(Box::new(device)), why))
    }

    #[cfg(not(feature = "gpu"))]
    async fn open_gpu(choice: BackendChoice, _adapter: Option<&str>) -> Result<(Self, String)> {
        Err(Error::NoAdapter {
            wanted: format!("--backend {choice}"),
            reason:
                "this build has no GPU support; build with the feature `gpu`, or use --backend cpu-reference"
                    .into(),
        })
    }

    /// The backend's name for reports: `cpu`, `cpu-reference`, `vulkan`, `metal`, ...
    pub fn name(&self) -> &str {
        match self {
            Self::CpuReference => BackendChoice::CpuReference.name(),
            #[cfg(feature = "cpu")]
            Self::Cpu => BackendChoice::Cpu.name(),
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => &device.summary().api,
        }
    }

    /// The adapter's name, if there is one.
    pub fn adapter(&self) -> Option<&str> {
        match self {
            Self::CpuReference => None,
            #[cfg(feature = "cpu")]
            Self::Cpu => None,
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => Some(&device.summary().name),
        }
    }

    /// The driver's name and version, if there is one.
    pub fn driver(&self) -> Option<&str> {
        match self {
            Self::CpuReference => None,
            #[cfg(feature = "cpu")]
            Self::Cpu => None,
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => Some(&device.summary().driver),
        }
    }

    /// With lowerings that are not to be chosen, since they were found to compute wrongly; they still run when asked for.
    pub fn avoiding(self, lowerings: Vec<Lowering>) -> Self {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => Self::Gpu(Box::new(device.avoiding(lowerings))),
            host => {
                let _ = lowerings;
                host
            }
        }
    }

    /// The lowerings that are not to be chosen.
    pub fn avoided(&self) -> &[Lowering] {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => device.avoided(),
            _ => &[],
        }
    }

    /// Whether it computes in single precision, so that parameters fit `f32` without loss.
    pub fn single_precision(&self) -> bool {
        !matches!(self, Self::CpuReference)
    }

    /// On a device, measures how the wide layers of a problem are best multiplied, as far as `known`, the text of an earlier
    /// measurement, does not say: see [`gpu::Device::calibrate`]. What is known now, if there is a device. Which way it is
    /// decides the last bits of sums, so this is for callers who keep the text.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a text of another form; failures of the device.
    #[cfg(feature = "gpu")]
    pub async fn calibrate(&self, problem: &Problem<'_>, known: Option<&str>) -> Result<Option<String>> {
        let Self::Gpu(device) = self else { return Ok(None) };
        if let Some(known) = known {
            device.set_products(device.products().measured(known)?);
        }
        Ok(Some(device.calibrate(&problem.schedule(problem.batch_size)).await?.to_string()))
    }

    /// What is known of how wide layers are best multiplied on this device, if it is one.
    #[cfg(feature = "gpu")]
    pub fn calibrated(&self) -> Option<String> {
        match self {
            Self::Gpu(device) => Some(device.products().to_string()),
            _ => None,
        }
    }

    /// The training of a problem, on a device in that lowering.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::InvalidArgument`] when the parts of the problem do not fit each other; on a device
    /// also its limits, those of the lowering, and failures.
    pub fn executor(&self, problem: &Problem<'_>, lowering: Lowering) -> Result<Executor<'_>> {
        #[cfg(not(feature = "gpu"))]
        let _ = lowering;
        match self {
            Self::CpuReference => {
                Ok(Executor::CpuReference(Box::new(cpu_reference::Executor::new(problem)?)))
            }
            #[cfg(feature = "cpu")]
            Self::Cpu => Ok(Executor::Cpu(Box::new(cpu::Executor::new(problem)?))),
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => match lowering {
                Lowering::Layerwise => Ok(Executor::Gpu(Box::new(gpu::Executor::new(device, problem)?))),
                whole => {
                    let population = gpu::Population::new(device, std::slice::from_ref(problem), whole)?;
                    Ok(Executor::GpuWhole(Box::new(population)))
                }
            },
        }
    }

    /// Whether it holds an array of so many elements whole.
    pub fn binds(&self, elements: usize) -> bool {
        let _ = elements;
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => device.binds(elements),
            _ => true,
        }
    }

    /// The same in that lowering, or where the device has no room for it, in another that it has room for
    /// and that is not avoided.
    ///
    /// # Errors
    /// As [`Backend::executor`]; [`Error::OutOfMemory`] when there is room for none.
    pub fn executor_with_room(&self, problem: &Problem<'_>, lowering: Lowering) -> Result<Executor<'_>> {
        let no_room = match self.executor(problem, lowering) {
            Err(error @ Error::OutOfMemory { .. }) => error,
            result => return result,
        };
        // What keeps no matrices first.
        let others = [Lowering::Fused, Lowering::Resident, Lowering::Layerwise];
        let may_be = |other: &Lowering| *other != lowering && !self.avoided().contains(other);
        let mut made = others.into_iter().filter(may_be);
        made.find_map(|other| self.executor(problem, other).ok()).ok_or(no_room)
    }

    /// Opens a device that was lost again; its executors are lost, new ones are made on the new one. Nothing on the host.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] when the adapter does not answer any more; [`Error::Gpu`] when the driver refuses to open it.
    pub async fn revive(&self) -> Result<()> {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => device.revive().await,
            _ => Ok(()),
        }
    }

    /// The training of a problem on `samples` samples, of which the executor gets a window at a time
    /// ([`Executor::set_samples`]): as many as the problem has at most, two batches or more. On a device layer by layer.
    ///
    /// # Errors
    /// As [`executor`](Self::executor); [`Error::InvalidArgument`] for a backend that holds all samples.
    pub fn window_executor(&self, problem: &Problem<'_>, samples: usize) -> Result<Executor<'_>> {
        let _ = (problem, samples);
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu => Ok(Executor::Cpu(Box::new(cpu::Executor::new(problem)?))),
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => {
                Ok(Executor::Gpu(Box::new(gpu::Executor::over_windows(device, problem, samples)?)))
            }
            Self::CpuReference => Err(whole(self.name())),
        }
    }

    /// The cost of a trained network on a data set.
    ///
    /// # Errors
    /// [`Error::Shape`] when data and network do not fit; on a device also its limits and failures.
    pub async fn cost(&self, network: &Network, parameters: &Parameters, dataset: &Dataset) -> Result<f64> {
        let (m, y) = (dataset.m, dataset.y());
        // No step is taken, so the learning rate does not matter.
        let problem = Problem {
            batch_size: m.min(EVALUATION_BLOCK),
            ..Problem::full_batch(network, parameters, &dataset.x, &y, m, 1.0)
        };
        self.executor(&problem, Lowering::Layerwise)?.cost().await
    }

    /// The output of a trained network; x (n_0, m) -> A_L (n_L, m). A device that is lost meanwhile is opened again, once.
    ///
    /// # Errors
    /// [`Error::Shape`] when x does not fit; on a device also its limits and failures.
    pub async fn predict(
        &self,
        network: &Network,
        parameters: &Parameters,
        x: &[f64],
        m: usize,
    ) -> Result<Vec<f64>> {
        match self {
            Self::CpuReference => cpu_reference::predict_samples(network, parameters, x, m),
            #[cfg(feature = "cpu")]
            Self::Cpu => cpu::predict_samples(network, parameters, x, m),
            #[cfg(feature = "gpu")]
            Self::Gpu(device) => match gpu::predict_samples(device, network, parameters, x, m).await {
                Err(error) if error.is_passing() => {
                    if let Error::DeviceLost { .. } = error {
                        self.revive().await?;
                    }
                    gpu::predict_samples(device, network, parameters, x, m).await
                }
                result => result,
            },
        }
    }
}
