//! Predictions on a device, block by block.

use super::arrays::{Arrays, Shared, array, download, upload};
use super::device::Device;
use super::lowering::layerwise;
use super::program::Program;
use super::revival::Held;
use super::room::in_blocks_that_fit;
use crate::error::Result;
use crate::network::{Network, Parameters};
use crate::schedule::{self, Schedule, Storage};

/// Samples predicted at a time at most.
const MAX_BLOCK: usize = 1 << 16;

/// Operations of a submission at most: a tenth of a second for a slow GPU, and nothing for a fast one.
const MOST_WORK: u64 = 4_000_000_000;

/// Samples of a block, of which m are to be predicted.
fn block_of(network: &Network, m: usize) -> usize {
    let work = schedule::prediction(network, 1).product_flops().max(1);
    let affordable = usize::try_from(MOST_WORK / work).unwrap_or(MAX_BLOCK);
    m.min(affordable).clamp(1, MAX_BLOCK)
}

/// A trained network on a device.
pub struct Predictor<'d> {
    device: Held<'d>,
    network: Network,
    schedule: Schedule,
    arrays: Arrays,
    forward: Program,
}

impl<'d> Predictor<'d> {
    /// Uploads the parameters, rounded to f32; `m` is the number of samples to be predicted at a time, if known.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLimit`] when a matrix is too large for the device; [`crate::Error::OutOfMemory`] when it has no room;
    /// [`crate::Error::Data`] for a value beyond f32.
    pub fn new(device: &'d Device, network: &Network, parameters: &Parameters, m: usize) -> Result<Self> {
        let device = device.living();
        let arena = arena(&device, network, parameters)?;
        Self::sharing(device, network, arena, block_of(network, m))
    }

    /// A predictor of so many samples at a time, with the parameters of a running training.
    fn sharing(device: Held<'d>, network: &Network, parameters: wgpu::Buffer, block: usize) -> Result<Self> {
        let schedule = schedule::prediction(network, block);
        let lowered = layerwise(&schedule, device.settings())?;
        let arrays = Arrays::new(&device, &schedule, Shared { parameters, samples: None }, &lowered)?;
        let forward = Program::new(&device, &lowered.dispatches, &arrays);
        device.check("building the forward pass")?;
        Ok(Self { device, network: network.clone(), schedule, arrays, forward })
    }

    /// The network's output; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x is not (n_0, m); [`crate::Error::DeviceLost`], [`crate::Error::OutOfMemory`] or [`crate::Error::Gpu`] when the
    /// device fails.
    pub async fn predict(&self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        schedule::check_features(&self.network, x.len(), m)?;
        let block = self.schedule.m;
        let input = self.arrays.of(&self.schedule, Storage::Input).expect("a prediction has an input");
        let last = self.schedule.ops.last().and_then(|op| op.output());
        let output = super::arrays::ArrayId::Tensor(last.expect("a prediction ends with its output matrix"));
        let mut result = vec![0.0; self.network.n_outputs() * m];
        let mut padded = vec![0.0; self.network.n_features() * block];
        for start in (0..m).step_by(block) {
            // The last block is filled up with whatever was there: a sample's output does not depend on the others.
            let width = block.min(m - start);
            for (to, from) in padded.chunks_exact_mut(block).zip(x.chunks_exact(m)) {
                to[..width].copy_from_slice(&from[start..start + width]);
            }
            upload(&self.device, input, "features", &padded)?;
            self.forward.submit(&self.device, 1, usize::MAX);
            let count = self.network.n_outputs() * block;
            let values: Vec<f32> = download(&self.device, self.arrays.get(output), count).await?;
            for (to, from) in result.chunks_exact_mut(m).zip(values.chunks_exact(block)) {
                for (to, &from) in to[start..start + width].iter_mut().zip(from) {
                    *to = f64::from(from);
                }
            }
        }
        Ok(result)
    }
}

/// The parameters on a device.
fn arena(device: &Device, network: &Network, parameters: &Parameters) -> Result<wgpu::Buffer> {
    parameters.check_for(network)?;
    let arena = array(device, "parameters", parameters.values().len());
    upload(device, &arena, "parameters", parameters.values())?;
    device.check("uploading the parameters")?;
    Ok(arena)
}

/// A predictor with what was asked of it.
pub(super) struct Kept<'d> {
    wanted: usize,
    predictor: Predictor<'d>,
}

/// The output of a network whose parameters are on the device, in blocks that it has room for; the predictor is kept for the
/// next samples.
pub(super) async fn predict_in_blocks<'d>(
    kept: &mut Option<Kept<'d>>,
    device: &Held<'d>,
    network: &Network,
    parameters: &wgpu::Buffer,
    x: &[f64],
    m: usize,
) -> Result<Vec<f64>> {
    schedule::check_features(network, x.len(), m)?;
    let wanted = block_of(network, m);
    let mut block =
        kept.as_ref().filter(|kept| kept.wanted == wanted).map_or(wanted, |kept| kept.predictor.schedule.m);
    let predict = async |block| {
        let predictor = match kept.take() {
            Some(Kept { predictor, .. }) if predictor.schedule.m == block => predictor,
            _ => Predictor::sharing(device.clone(), network, parameters.clone(), block)?,
        };
        let outputs = predictor.predict(x, m).await?;
        *kept = Some(Kept { wanted, predictor });
        Ok(outputs)
    };
    in_blocks_that_fit(&mut block, 1, predict).await
}

/// The output of a trained network, in blocks of samples that the device has room for; x (n_0, m) -> A_L (n_L, m).
///
/// # Errors
/// As [`Predictor::new`] and [`Predictor::predict`].
pub async fn predict_samples(
    device: &Device,
    network: &Network,
    parameters: &Parameters,
    x: &[f64],
    m: usize,
) -> Result<Vec<f64>> {
    predict_on(&device.living(), network, parameters, x, m).await
}

pub(super) async fn predict_on(
    device: &Held<'_>,
    network: &Network,
    parameters: &Parameters,
    x: &[f64],
    m: usize,
) -> Result<Vec<f64>> {
    let arena = arena(device, network, parameters)?;
    predict_in_blocks(&mut None, device, network, &arena, x, m).await
}
