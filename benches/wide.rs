//! A training step of wide layers, layerwise: wall and CPU time of each way to multiply, beside the floating-point
//! operations of the products.
//!
//! `cargo bench --bench wide [-- NAME]` with part of an adapter's name; `VK_DRIVER_FILES` picks a driver. The ways are checked
//! against each other before anything is timed; `tests/it/gpu_layerwise.rs` holds them against `cpu_reference`.

use std::time::Instant;

use cpu_time::ProcessTime;
use gpu_nn::data::linear_classes;
use gpu_nn::gpu::{AdapterRequest, Api, Device, Executor, Product};
use gpu_nn::network::{Activation, Initializer, Loss, Network, initialize, parse_hidden};
use gpu_nn::schedule::{Descent, Problem, training_step};

/// Runs of each measurement, taken in turn; the median counts.
const RUNS: usize = 5;

/// Steps of a run.
const STEPS: usize = 8;

const M: usize = 1_280;
const BATCH: usize = 128;

fn main() -> gpu_nn::Result<()> {
    let name = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    pollster::block_on(run(AdapterRequest { api: Api::Any, name, software: true }))
}

async fn run(request: AdapterRequest) -> gpu_nn::Result<()> {
    let data = linear_classes(M, 784, 10, 1)?;
    let y = data.y();
    let network =
        Network::new(784, parse_hidden("512,512", Activation::Relu)?, 10, Loss::SoftmaxCrossEntropy)?;
    let parameters = initialize(&network, Initializer::He, 2);
    let full_batch = Problem::full_batch(&network, &parameters, &data.x, &y, M, 0.01);
    let problem = Problem { batch_size: BATCH, ..full_batch };
    let flops = training_step(&network, BATCH, &Descent::sgd(0.01)).product_flops() as f64;
    let ways = [Product::Narrow, Product::Registers, Product::Workgroup];
    let mut devices = Vec::new();
    for way in ways {
        devices.push(Device::open(&request).await?.with_products(way));
    }
    println!("{} ({})", devices[0].summary().name, devices[0].summary().driver);
    println!(
        "{network}, batches of {BATCH}; {:.0} MFLOP a step; median of {RUNS} runs of {STEPS}",
        flops / 1e6
    );
    let mut executors = Vec::new();
    for device in &devices {
        let mut executor = Executor::new(device, &problem)?;
        time(&mut executor).await?;
        executors.push(executor);
    }
    check(&mut executors).await?;
    let mut times = vec![Vec::new(); ways.len()];
    for _ in 0..RUNS {
        for (executor, times) in executors.iter_mut().zip(&mut times) {
            times.push(time(executor).await?);
        }
    }
    for (way, times) in ways.iter().zip(&mut times) {
        let median = |pick: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = times.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            values[RUNS / 2]
        };
        let (wall, cpu) = (median(|t| t.0), median(|t| t.1));
        println!(
            "{:<10} wall {:>7.1} ms a step   cpu {:>7.1} ms   {:>5.2} GFLOP a CPU second",
            format!("{way:?}"),
            1e3 * wall,
            1e3 * cpu,
            flops / cpu / 1e9
        );
    }
    Ok(())
}

/// All ways learn the same.
async fn check(executors: &mut [Executor<'_>]) -> gpu_nn::Result<()> {
    let mut costs = Vec::new();
    for executor in executors {
        costs.push(executor.take_costs().await?);
    }
    for other in &costs[1..] {
        let worst = costs[0].iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(other.len() == STEPS && worst <= 1e-4, "costs differ by up to {worst:e}");
    }
    Ok(())
}

/// Wall and CPU seconds of a step.
async fn time(executor: &mut Executor<'_>) -> gpu_nn::Result<(f64, f64)> {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let mut left = STEPS;
    while left > 0 {
        left -= executor.run(left).await?;
    }
    Ok((wall.elapsed().as_secs_f64() / STEPS as f64, cpu.elapsed().as_secs_f64() / STEPS as f64))
}
