//! The executors behind one face: what a training needs of them, and nothing else.

#[cfg(feature = "cpu")]
use crate::cpu;
use crate::cpu_reference;
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu;
use crate::network::Parameters;
#[cfg(feature = "gpu")]
use crate::schedule::Lowering;
use crate::schedule::{Problem, RateSchedule, Window};

use super::lbfgs::Lbfgs;

/// A network in training on one of the backends. Each method is the executor's own of the same name.
pub enum Executor<'b> {
    /// On the host, in double precision.
    CpuReference(Box<cpu_reference::Executor>),
    /// On the host, in single precision, with vectors and threads.
    #[cfg(feature = "cpu")]
    Cpu(Box<cpu::Executor>),
    /// On a device, in single precision.
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Executor<'b>>),
    /// On a device, in single precision, whole iterations at a time; a population of one.
    #[cfg(feature = "gpu")]
    GpuWhole(Box<gpu::Population<'b>>),
    /// One of the others, which L-BFGS asks for its gradients.
    Lbfgs(Box<Lbfgs<'b>>),
    /// Keeps the lifetime in builds without devices; cannot be made.
    #[cfg(not(feature = "gpu"))]
    #[doc(hidden)]
    Never(std::convert::Infallible, std::marker::PhantomData<&'b ()>),
}

/// Calls the same method on whichever executor it is; only those of a device are awaited.
macro_rules! delegate {
    ($executor:expr, $inner:ident => $host:expr, $gpu:expr, $whole:expr) => {
        match $executor {
            Executor::CpuReference($inner) => $host,
            #[cfg(feature = "cpu")]
            Executor::Cpu($inner) => $host,
            #[cfg(feature = "gpu")]
            Executor::Gpu($inner) => $gpu,
            #[cfg(feature = "gpu")]
            Executor::GpuWhole($inner) => $whole,
            Executor::Lbfgs($inner) => $gpu,
            #[cfg(not(feature = "gpu"))]
            Executor::Never(never, _) => match *never {},
        }
    };
}

impl<'b> Executor<'b> {
    /// The same network in training by L-BFGS, which asks this executor for costs and gradients; `state` is that of an earlier
    /// training, or empty.
    ///
    /// # Errors
    /// Those of [`Lbfgs::new`].
    pub fn with_lbfgs(self, problem: &Problem<'_>, history: usize, state: &[f64]) -> Result<Self> {
        Ok(Executor::Lbfgs(Box::new(Lbfgs::new(self, problem, history, state)?)))
    }
}

impl Executor<'_> {
    /// How it runs the schedule: `loops` or `blocks` on the CPU, the lowering's name on a device.
    pub fn lowering(&self) -> &'static str {
        match self {
            Self::CpuReference(_) => "loops",
            #[cfg(feature = "cpu")]
            Self::Cpu(_) => cpu::LOWERING,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => Lowering::Layerwise.name(),
            #[cfg(feature = "gpu")]
            Self::GpuWhole(population) => population.lowering().name(),
            Self::Lbfgs(lbfgs) => lbfgs.lowering(),
            #[cfg(not(feature = "gpu"))]
            Self::Never(never, _) => match *never {},
        }
    }

    /// Whether no further step would change anything.
    pub fn has_converged(&self) -> bool {
        matches!(self, Self::Lbfgs(lbfgs) if lbfgs.has_converged())
    }

    /// Runs at most `iterations` training steps and says how many; zero only for zero.
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn run(&mut self, iterations: usize) -> Result<usize> {
        delegate!(self, e => Ok(e.run(iterations)), e.run(iterations).await, e.run(iterations).await)
    }

    /// Runs one iteration with a clock around each of a device's dispatches: the kernels' names and seconds in order; `None`
    /// where there is no such clock.
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn profile(&mut self) -> Result<Option<Vec<(&'static str, f64)>>> {
        delegate!(self, e => { let _ = e; Ok(None) }, e.profile().await, e.profile().await)
    }

    /// The costs of all iterations since the last call, each of the parameters before its update.
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn take_costs(&mut self) -> Result<Vec<f64>> {
        delegate!(self, e => Ok(e.take_costs()), e.take_costs().await, Ok(e.take_costs().await?.swap_remove(0)))
    }

    /// The current parameters.
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn parameters(&self) -> Result<Parameters> {
        delegate!(self, e => Ok(e.parameters().to_owned()), e.parameters().await, Ok(e.parameters().await?.swap_remove(0)))
    }

    /// Replaces the parameters; what the optimiser remembers stays.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network; [`crate::Error::Data`] for a value beyond f32.
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        delegate!(self, e => e.set_parameters(parameters), e.set_parameters(parameters), e.set_parameters(0, parameters))
    }

    /// Replaces what becomes of the learning rate from the next iteration on; for a training whose rate is not constant, as
    /// one that is compiled into kernels cannot change.
    pub fn set_rates(&mut self, rates: RateSchedule) {
        delegate!(self, e => e.set_rates(rates), e.set_rates(rates), e.set_rates(rates));
    }

    /// What the optimiser remembers, (states, parameters).
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn state(&self) -> Result<Vec<f64>> {
        delegate!(self, e => Ok(e.state().to_vec()), e.state().await, Ok(e.states().await?.swap_remove(0)))
    }

    /// The cost of the current parameters.
    ///
    /// # Errors
    /// Failures of the device.
    pub async fn cost(&mut self) -> Result<f64> {
        delegate!(self, e => Ok(e.cost()), e.cost().await, Ok(e.cost().await?.swap_remove(0)))
    }

    /// Samples that [`block_costs`](Self::block_costs) takes at a time, where `window` samples are whole batches.
    pub(super) fn evaluation_block(&self, window: usize) -> usize {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(e) => e.evaluation_block(),
            _ => window,
        }
    }

    /// Puts other samples in the place of those it has, for an executor made for windows of samples.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an executor that holds all samples.
    pub fn set_samples(&mut self, window: &Window<'_>) -> Result<()> {
        let _ = window;
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu(e) => {
                e.set_samples(window);
                Ok(())
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(e) => {
                e.set_samples(window);
                Ok(())
            }
            other => Err(whole(other.lowering())),
        }
    }

    /// The costs of samples in their own order, summed as [`cost`](Self::cost) sums them: block by block. It may leave the
    /// executor with other samples than it had.
    ///
    /// # Errors
    /// As [`set_samples`](Self::set_samples), and failures of the device.
    pub(super) async fn block_costs(&mut self, window: &Window<'_>) -> Result<Vec<f64>> {
        let _ = window;
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu(e) => {
                e.set_samples(window);
                Ok(e.block_costs())
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(e) => Ok(vec![e.block_cost(window).await?]),
            other => Err(whole(other.lowering())),
        }
    }

    /// The mean cost of m samples from those of their blocks.
    pub(super) fn mean_cost(&self, block_costs: &[f64], m: usize) -> f64 {
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu(e) => e.mean_cost(block_costs, m),
            _ => block_costs.iter().sum::<f64>() / m as f64,
        }
    }

    /// The output of the current network for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x does not fit; failures of the device.
    pub async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        delegate!(self, e => e.predict(x, m), e.predict(x, m).await, e.predict(0, x, m).await)
    }
}

/// The error of an executor that cannot do with a part of the samples.
pub(super) fn whole(lowering: &str) -> Error {
    let reason = "it holds all samples at once; use --lowering layerwise on a GPU, or --backend cpu, or do without --stream";
    Error::invalid("way to train on streamed samples", lowering, reason)
}
