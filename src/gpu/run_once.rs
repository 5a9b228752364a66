//! One run of any schedule with every matrix in sight: what a test or a check of the device compares with
//! `cpu_reference::run_once`.

use super::arrays::{ArrayId, Arrays, HISTORY_HEADER, Shared, array, download, step_sizes, write, write_at};
use super::device::Device;
use super::lowering::{Settings, layerwise};
use super::products::{Product, Products};
use super::program::Program;
use crate::error::Result;
use crate::schedule::{Contents, Op, Schedule, TensorId};

/// Runs `schedule` once from `before` and returns everything as it is afterwards.
///
/// Values are rounded to f32 and not looked at: NaN and infinities reach the kernels.
///
/// # Errors
/// [`crate::Error::Shape`] when the contents are not those of the schedule; [`crate::Error::DeviceLimit`] when a matrix
/// is too large for the device; [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
pub async fn run_once(device: &Device, schedule: &Schedule, before: &Contents) -> Result<Contents> {
    run(device, schedule, before, Settings { fused: false, ..device.settings() }).await
}

/// The same with as few kernels as a training has: a matrix that these leave out is empty afterwards.
///
/// # Errors
/// As [`run_once`].
pub async fn run_fused_once(device: &Device, schedule: &Schedule, before: &Contents) -> Result<Contents> {
    run(device, schedule, before, device.settings()).await
}

/// The same with either way to multiply the matrices of wide layers, whichever is the device's own; as [`run_once`] or, if
/// the operations are to be taken `together`, as [`run_fused_once`].
///
/// # Errors
/// As [`run_once`].
pub async fn run_products_once(
    device: &Device,
    products: Product,
    together: bool,
    schedule: &Schedule,
    before: &Contents,
) -> Result<Contents> {
    let products = Products::all(products);
    run(device, schedule, before, Settings { products, fused: together, ..device.settings() }).await
}

async fn run(
    device: &Device,
    schedule: &Schedule,
    before: &Contents,
    settings: Settings,
) -> Result<Contents> {
    before.check_for(schedule)?;
    let lowered = layerwise(schedule, settings)?;
    let parameters = array(device, "parameters", schedule.n_parameters);
    let arrays = Arrays::new(device, schedule, Shared { parameters, samples: None }, &lowered)?;
    let held = |(i, _): &(usize, &Vec<f64>)| arrays.holds(TensorId(*i));
    let tensors = || before.tensors.iter().enumerate().filter(held);
    for (i, values) in tensors() {
        write(device, arrays.get(ArrayId::Tensor(TensorId(i))), &rounded(values));
    }
    write(device, arrays.get(ArrayId::Parameters), &rounded(&before.parameters));
    write(device, arrays.get(ArrayId::Gradients), &rounded(&before.gradients));
    if let Some(descent) = schedule.descent().filter(|descent| !descent.is_plain()) {
        write_at(device, arrays.get(ArrayId::State), schedule.n_parameters, &rounded(&before.state));
        write(device, arrays.get(ArrayId::StepSizes), &step_sizes(&descent, before.step..before.step + 1));
    }
    Program::new(device, &lowered.dispatches, &arrays).submit(device, 1, usize::MAX);
    device.check("running a schedule once")?;

    let fetch = async |id, count| -> Result<Vec<f64>> {
        let words: Vec<f32> = download(device, arrays.get(id), count).await?;
        Ok(words.into_iter().map(f64::from).collect())
    };
    let mut after = before.clone();
    after.tensors.iter_mut().for_each(Vec::clear);
    for (i, values) in tensors() {
        after.tensors[i] = fetch(ArrayId::Tensor(TensorId(i)), values.len()).await?;
    }
    after.parameters = fetch(ArrayId::Parameters, schedule.n_parameters).await?;
    after.gradients = fetch(ArrayId::Gradients, schedule.n_parameters).await?;
    let n_states = before.state.len();
    if n_states > 0 {
        let n = schedule.n_parameters;
        after.state = fetch(ArrayId::State, n + n_states).await?.split_off(n);
    }
    let n_costs = schedule.ops.iter().filter(|op| matches!(op, Op::Cost { .. })).count();
    after.costs = fetch(ArrayId::History, HISTORY_HEADER + n_costs).await?.split_off(HISTORY_HEADER);
    Ok(after)
}

fn rounded(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}
