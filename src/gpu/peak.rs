//! What a device reaches at best in one kernel of multiply-adds and one that copies: the yardstick of a benchmark.

use web_time::Instant;

use super::arrays::{array, download, write};
use super::device::Device;
use super::grid::LOOP_LIMIT;
use super::kernels::Kernel;
use super::params::PeakParams;
use super::poll::submitted_work_done;
use super::program::{Bound, Program, params_buffer};
use crate::error::Result;
use crate::schedule::{PEAK_COPIED, PEAK_SECONDS, PEAK_TRIALS, Peak};

/// Operations of a round of shaders/peak.wgsl: eight chains, four components, multiply and add.
const OPERATIONS: u64 = 64;

/// Elements of four that are copied.
const COPIED: u32 = (PEAK_COPIED / size_of::<[f32; 4]>()) as u32;

/// Invocations that multiply and add, each with a result of its own.
const INVOCATIONS: u32 = 1 << 16;

/// Rounds that one run of them takes, at least and at most.
const FEWEST_ROUNDS: u32 = MOST_ROUNDS / 256;
/// See [`FEWEST_ROUNDS`].
const MOST_ROUNDS: u32 = LOOP_LIMIT / 16;

/// Measures a device; takes some tenths of a second after compiling.
///
/// # Errors
/// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
pub async fn peak(device: &Device) -> Result<Peak> {
    let first = array(device, "peak, first", 4 * COPIED as usize);
    let out = array(device, "peak, out", 4 * COPIED as usize);
    let geometry = device.geometry();
    let grid = geometry.over_elements(INVOCATIONS as usize, 1)?;
    let multiply_add = |rounds| {
        let params = PeakParams { size: INVOCATIONS, rounds };
        bind(device, Kernel::MultiplyAddPeak, params, &[&first, &out], grid)
    };
    // As many rounds as it takes to start them for nothing: what a fast device needs for that takes a slow one seconds.
    let long = 4.0 * PEAK_SECONDS;
    let mut rounds = FEWEST_ROUNDS;
    while rounds < MOST_ROUNDS && best_seconds(device, &multiply_add(rounds), 0.0).await? < long {
        rounds = MOST_ROUNDS.min(4 * rounds);
    }
    let operations = OPERATIONS * u64::from(rounds) * u64::from(INVOCATIONS);
    let gflops = operations as f64 / best_seconds(device, &multiply_add(rounds), PEAK_SECONDS).await? / 1e9;
    let grid = geometry.over_elements(COPIED as usize, 1)?;
    let copy = PeakParams { size: COPIED, rounds: 0 };
    let program = bind(device, Kernel::CopyPeak, copy, &[&first, &out], grid);
    let gbs = (2 * PEAK_COPIED) as f64 / best_seconds(device, &program, PEAK_SECONDS).await? / 1e9;
    Ok(Peak { gflops, gbs })
}

/// One run of either kernel on a few numbers, a multiple of four of them: the results of so many rounds of multiply-adds, and
/// the copies. From 2 on, the eight chains count the rounds: their sum is 52 + 24 * rounds.
///
/// # Errors
/// [`crate::Error::DeviceLost`] or [`crate::Error::Gpu`] when the device fails.
pub async fn run_peak_once(device: &Device, numbers: &[f32], rounds: u32) -> Result<[Vec<f32>; 2]> {
    let first = array(device, "peak, first", numbers.len());
    write(device, &first, numbers);
    let size = (numbers.len() / 4) as u32;
    let grid = device.geometry().over_elements(size as usize, 1)?;
    let mut results = [Vec::new(), Vec::new()];
    for (kernel, result) in [Kernel::MultiplyAddPeak, Kernel::CopyPeak].into_iter().zip(&mut results) {
        let out = array(device, "peak, out", numbers.len());
        let program = bind(device, kernel, PeakParams { size, rounds }, &[&first, &out], grid);
        program.submit(device, 1, usize::MAX);
        *result = download(device, &out, numbers.len()).await?;
        device.check("running a loop")?;
    }
    Ok(results)
}

fn bind(
    device: &Device,
    kernel: Kernel,
    params: PeakParams,
    arrays: &[&wgpu::Buffer],
    grid: super::grid::Grid,
) -> Program {
    let params = params_buffer(device, kernel.info().name, bytemuck::bytes_of(&params));
    Program::of(vec![Bound::new(device, kernel, device.pipeline(kernel, &[]), &params, arrays, grid)])
}

/// Seconds of one run, the least of several measurements of so many seconds at least, to be told from the submission.
pub(super) async fn best_seconds(device: &Device, program: &Program, at_least: f64) -> Result<f64> {
    let mut runs = 1;
    let mut best = f64::INFINITY;
    let mut measured = 0;
    while measured < PEAK_TRIALS {
        let begin = Instant::now();
        program.submit(device, runs, usize::MAX);
        submitted_work_done(&device.device, &device.queue).await?;
        device.check("measuring the device")?;
        let seconds = begin.elapsed().as_secs_f64();
        if seconds < at_least {
            runs *= 2;
            continue;
        }
        measured += 1;
        best = best.min(seconds / runs as f64);
    }
    Ok(best)
}
