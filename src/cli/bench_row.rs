//! One row of `gpu-nn bench`: a backend in one lowering, checked and timed.

use std::time::Instant;

use cpu_time::ProcessTime;
use gpu_nn::schedule::{self, Lowering, Problem};
use gpu_nn::training::{Backend, BackendChoice, Executor};
use gpu_nn::{Error, Result, cpu, cpu_reference, gpu};
use serde::{Deserialize, Serialize};

use super::bench::{Args, Way, Work};

/// Iterations that are checked, and samples at most: the reference takes its time.
const CHECKED: usize = 3;
const CHECKED_SAMPLES: usize = 20_000;

/// So far may costs and parameters be from those of cpu-reference, relative to the largest.
const TOLERANCE: f64 = 1e-4;

/// Seconds of one run, unless the iterations are given.
const SECONDS: f64 = 0.5;

/// A measured row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    #[serde(flatten)]
    pub way: Way,
    pub adapter_name: Option<String>,
    pub driver: Option<String>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    Measured(Timing),
    Wrong { error: f64, tolerance: f64 },
    Failed { reason: String },
}

/// The figures of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timing {
    pub iterations: usize,
    pub us_per_iteration: f64,
    /// User and system time of all threads.
    pub cpu_us_per_iteration: f64,
    pub samples_per_s: f64,
    /// Of the products alone.
    pub gflops: f64,
    /// Features and targets, each read once an iteration in single precision.
    pub gbs: f64,
    /// Of the multiply-adds a second that the device was measured to reach.
    pub percent_of_peak: Option<f64>,
    /// What the device was measured to reach in a kernel of multiply-adds, and in one that copies.
    pub peak_gflops: Option<f64>,
    pub peak_gbs: Option<f64>,
    /// From the start of the process to the end of the first iteration.
    pub setup_s: f64,
    pub peak_memory_mib: Option<f64>,
    /// With --profile: each kernel of an iteration and its microseconds by the adapter's clock, the median of the runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernels: Option<Vec<(String, f64)>>,
    /// The largest difference from cpu-reference, relative to the largest value.
    pub error: f64,
}

impl Row {
    /// The profile, if there is one.
    pub fn kernels(&self) -> &[(String, f64)] {
        match &self.verdict {
            Verdict::Measured(timing) => timing.kernels.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }

    pub fn failed(way: &Way, reason: String) -> Self {
        Self { way: way.clone(), adapter_name: None, driver: None, verdict: Verdict::Failed { reason } }
    }
}

pub async fn measure(args: &Args, way: &Way, start: Instant) -> Result<Row> {
    let (backend, lowering) = open(way).await?;
    let work = Work::new(args, args.m)?;
    // Which a training has to do once on a device, and not in each run.
    let begin = Instant::now();
    if lowering == Lowering::Layerwise && !args.predict {
        backend.calibrate(&work.problem(), None).await?;
    }
    let start = start + begin.elapsed();
    let mut executor = backend.executor(&work.problem(), lowering)?;
    if args.predict {
        executor.predict(&work.dataset.x, work.dataset.m).await?;
    } else {
        executor.run(1).await?;
    }
    let setup_s = start.elapsed().as_secs_f64();
    let error = check(args, &backend, lowering).await?;
    let verdict = if error <= TOLERANCE {
        let mut timing = time(args, &work, &mut executor, setup_s, error).await?;
        if args.profile {
            timing.kernels = profile(&mut executor, args.runs).await?;
        }
        let peak = match &backend {
            Backend::CpuReference => None,
            Backend::Cpu => Some(cpu::peak()),
            Backend::Gpu(device) => Some(gpu::peak(device).await?),
        };
        if let Some(peak) = peak {
            timing.percent_of_peak = Some(100.0 * timing.gflops / peak.gflops);
            timing.peak_gflops = Some(peak.gflops);
            timing.peak_gbs = Some(peak.gbs);
        }
        Verdict::Measured(timing)
    } else {
        Verdict::Wrong { error, tolerance: TOLERANCE }
    };
    let adapter_name = backend.adapter().map(str::to_owned);
    let driver = backend.driver().map(str::to_owned);
    Ok(Row { way: way.clone(), adapter_name, driver, verdict })
}

async fn open(way: &Way) -> Result<(Backend, Lowering)> {
    let choice = match way.adapter {
        Some(_) => BackendChoice::Gpu,
        None => way.backend.parse()?,
    };
    let adapter = way.adapter.map(|number| number.to_string());
    let (backend, _) = Backend::open(choice, adapter.as_deref()).await?;
    let lowering = way.lowering.as_deref().map_or(Ok(Lowering::Layerwise), str::parse)?;
    Ok((backend, lowering))
}

/// The largest difference from cpu-reference after a few iterations on the first samples.
async fn check(args: &Args, backend: &Backend, lowering: Lowering) -> Result<f64> {
    let work = Work::new(args, args.m.min(CHECKED_SAMPLES))?;
    let problem = work.problem();
    let mut reference = Executor::CpuReference(Box::new(cpu_reference::Executor::new(&problem)?));
    let mut executor = backend.executor(&problem, lowering)?;
    let mut values = Vec::new();
    for executor in [&mut reference, &mut executor] {
        iterate(executor, CHECKED).await?;
        let mut found = executor.take_costs().await?;
        found.extend(executor.parameters().await?.values());
        if args.predict {
            found.extend(executor.predict(&work.dataset.x, work.dataset.m).await?);
        }
        values.push(found);
    }
    let (want, got) = (&values[0], &values[1]);
    let largest = want.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    // A NaN is as far off as can be.
    let difference = |(a, b): (&f64, &f64)| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() };
    Ok(want.iter().zip(got).map(difference).fold(0.0, f64::max) / largest)
}

async fn iterate(executor: &mut Executor<'_>, iterations: usize) -> Result<()> {
    let mut done = 0;
    while done < iterations {
        done += executor.run(iterations - done).await?;
    }
    Ok(())
}

async fn time(
    args: &Args,
    work: &Work,
    executor: &mut Executor<'_>,
    setup_s: f64,
    error: f64,
) -> Result<Timing> {
    let mut iterations = args.iterations.unwrap_or(1);
    if args.iterations.is_none() {
        // As many as fill the time, from growing trials, which also warm up.
        loop {
            let seconds = run(args, work, executor, iterations).await?.0;
            if seconds >= SECONDS / 4.0 {
                iterations = ((iterations as f64 * SECONDS / seconds) as usize).max(1);
                break;
            }
            iterations *= 4;
        }
    }
    let mut times = Vec::with_capacity(args.runs);
    for _ in 0..args.runs {
        times.push(run(args, work, executor, iterations).await?);
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let per_iteration = |seconds: f64| seconds / iterations as f64;
    let wall = per_iteration(median(times.iter().map(|time| time.0).collect()));
    let cpu = per_iteration(median(times.iter().map(|time| time.1).collect()));
    let problem = work.problem();
    let samples = if args.predict { problem.m } else { problem.batch_size };
    Ok(Timing {
        iterations,
        us_per_iteration: wall * 1e6,
        cpu_us_per_iteration: cpu * 1e6,
        samples_per_s: samples as f64 / wall,
        gflops: flops(args, &problem, samples) / wall / 1e9,
        gbs: bytes(args, &problem, samples) / wall / 1e9,
        percent_of_peak: None,
        peak_gflops: None,
        peak_gbs: None,
        setup_s,
        peak_memory_mib: peak_memory_mib(),
        kernels: None,
        error,
    })
}

/// Microseconds of each kernel of an iteration, the median of several.
async fn profile(executor: &mut Executor<'_>, runs: usize) -> Result<Option<Vec<(String, f64)>>> {
    let mut all: Vec<Vec<(&'static str, f64)>> = Vec::with_capacity(runs);
    for _ in 0..runs {
        match executor.profile().await? {
            Some(kernels) => all.push(kernels),
            None => return Ok(None),
        }
    }
    let median = |k: usize| {
        let mut times: Vec<f64> = all.iter().map(|kernels| kernels[k].1).collect();
        times.sort_by(f64::total_cmp);
        1e6 * times[times.len() / 2]
    };
    Ok(Some(all[0].iter().enumerate().map(|(k, (name, _))| ((*name).to_owned(), median(k))).collect()))
}

/// Seconds of wall and of CPU time; the costs are fetched inside, so that everything has been computed.
async fn run(args: &Args, work: &Work, executor: &mut Executor<'_>, iterations: usize) -> Result<(f64, f64)> {
    let (wall, cpu) = (Instant::now(), ProcessTime::try_now().map_err(no_clock)?);
    if args.predict {
        for _ in 0..iterations {
            executor.predict(&work.dataset.x, work.dataset.m).await?;
        }
    } else {
        iterate(executor, iterations).await?;
        executor.take_costs().await?;
    }
    Ok((wall.elapsed().as_secs_f64(), cpu.try_elapsed().map_err(no_clock)?.as_secs_f64()))
}

fn no_clock(error: std::io::Error) -> Error {
    Error::data("bench", format!("the system does not tell CPU time: {error}"))
}

fn flops(args: &Args, problem: &Problem<'_>, samples: usize) -> f64 {
    let schedule = if args.predict {
        schedule::prediction(problem.network, samples)
    } else {
        schedule::training_step(problem.network, samples, &problem.descent)
    };
    schedule.product_flops() as f64
}

fn bytes(args: &Args, problem: &Problem<'_>, samples: usize) -> f64 {
    let targets = if args.predict { 0 } else { problem.network.target_rows() };
    ((problem.network.n_features() + targets) * samples * size_of::<f32>()) as f64
}

/// The most memory that this process has had, where the system tells.
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024.0)
}
