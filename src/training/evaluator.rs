//! The executors that show cost and gradient of any parameters, for methods that choose their own steps.

#[cfg(feature = "cpu")]
use crate::cpu;
use crate::cpu_reference;
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu;
use crate::network::Parameters;

use super::executor::Executor;

/// An executor without steps of its own. Each method is the executor's own of the same name.
pub(super) enum Evaluator<'b> {
    CpuReference(Box<cpu_reference::Executor>),
    #[cfg(feature = "cpu")]
    Cpu(Box<cpu::Executor>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Executor<'b>>),
    /// Keeps the lifetime in builds without devices; cannot be made.
    #[cfg(not(feature = "gpu"))]
    #[expect(dead_code, reason = "it cannot be made")]
    Never(std::convert::Infallible, std::marker::PhantomData<&'b ()>),
}

/// Calls the same method on whichever executor it is; only that of a device is awaited.
macro_rules! delegate {
    ($evaluator:expr, $inner:ident => $host:expr, $gpu:expr) => {
        match $evaluator {
            Evaluator::CpuReference($inner) => $host,
            #[cfg(feature = "cpu")]
            Evaluator::Cpu($inner) => $host,
            #[cfg(feature = "gpu")]
            Evaluator::Gpu($inner) => $gpu,
            #[cfg(not(feature = "gpu"))]
            Evaluator::Never(never, _) => match *never {},
        }
    };
}

impl<'b> Evaluator<'b> {
    /// # Errors
    /// [`Error::InvalidArgument`] for an executor that runs whole iterations at a time.
    pub(super) fn new(executor: Executor<'b>) -> Result<Self> {
        match executor {
            Executor::CpuReference(executor) => Ok(Self::CpuReference(executor)),
            #[cfg(feature = "cpu")]
            Executor::Cpu(executor) => Ok(Self::Cpu(executor)),
            #[cfg(feature = "gpu")]
            Executor::Gpu(executor) => Ok(Self::Gpu(executor)),
            other => {
                let reason = "lbfgs asks for one gradient at a time; use --lowering layerwise";
                Err(Error::invalid("lowering", other.lowering(), reason))
            }
        }
    }

    /// How it runs the schedule.
    pub(super) fn lowering(&self) -> &'static str {
        match self {
            Self::CpuReference(_) => "loops",
            #[cfg(feature = "cpu")]
            Self::Cpu(_) => cpu::LOWERING,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => crate::schedule::Lowering::Layerwise.name(),
            #[cfg(not(feature = "gpu"))]
            Self::Never(never, _) => match *never {},
        }
    }

    /// A number as it can hold it: all but the reference compute in single precision. Infinite where that cannot.
    pub(super) fn rounded(&self, value: f64) -> f64 {
        match self {
            Self::CpuReference(_) => value,
            _ => f64::from(value as f32),
        }
    }

    pub(super) async fn cost_and_gradient(&mut self, parameters: &Parameters) -> Result<(f64, Vec<f64>)> {
        delegate!(self, e => e.cost_and_gradient(parameters), e.cost_and_gradient(parameters).await)
    }

    pub(super) fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        delegate!(self, e => e.set_parameters(parameters), e.set_parameters(parameters))
    }

    pub(super) async fn cost(&mut self) -> Result<f64> {
        delegate!(self, e => Ok(e.cost()), e.cost().await)
    }

    pub(super) async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        delegate!(self, e => e.predict(x, m), e.predict(x, m).await)
    }
}
