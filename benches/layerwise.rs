//! What the layerwise lowering costs beyond its dispatches: microseconds an iteration of the course's network, beside
//! as many empty dispatches on the same device, of one invocation each and of as many workgroups as the samples take.
//!
//! `cargo bench --bench layerwise [-- NAME]` with part of an adapter's name; `VK_DRIVER_FILES` picks a driver. The
//! costs are checked against `cpu_reference` before anything is timed, and each timing ends with the device idle.

use std::time::{Duration, Instant};

use gpu_nn::cpu_reference;
use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::gpu::{AdapterRequest, Api, Device, Executor};
use gpu_nn::network::{Activation, Initializer, Loss, Network, initialize, parse_hidden};
use gpu_nn::schedule::Problem;

/// Runs of each measurement, taken in turn; the median counts.
const RUNS: usize = 5;

/// Iterations of a run.
const ITERATIONS: usize = 1_000;

const LEARNING_RATE: f64 = 1.2;

/// Samples that an invocation of the kernels takes.
const SAMPLES_AN_INVOCATION: usize = 4;

fn main() -> gpu_nn::Result<()> {
    let name = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    pollster::block_on(run(AdapterRequest { api: Api::Any, name, software: true }))
}

async fn run(request: AdapterRequest) -> gpu_nn::Result<()> {
    let device = Device::open(&request).await?;
    println!("{} ({})", device.summary().name, device.summary().driver);
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    let hidden = parse_hidden("4", Activation::Tanh)?;
    let network = Network::new(flower.n_features, hidden, 1, Loss::BinaryCrossEntropy)?;
    let parameters = initialize(&network, Initializer::COURSE, 2);
    let mut executor = Executor::new(
        &device,
        &Problem::full_batch(&network, &parameters, &flower.x, &flower.y(), flower.m, LEARNING_RATE),
    )?;
    check(&mut executor, &network, &flower).await?;

    let dispatches = executor.dispatches_per_iteration();
    let empty = empty::Dispatches::new(&request).await;
    let workgroups = flower.m.div_ceil(empty::INVOCATIONS * SAMPLES_AN_INVOCATION) as u32;
    empty.run(dispatches * ITERATIONS, 1);
    let (mut ours, mut theirs, mut wide) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(time_training(&mut executor).await?);
        theirs.push(empty.run(dispatches * ITERATIONS, 1));
        wide.push(empty.run(dispatches * ITERATIONS, workgroups));
    }
    let per_iteration = |times: &mut Vec<Duration>| {
        times.sort();
        1e6 * times[RUNS / 2].as_secs_f64() / ITERATIONS as f64
    };
    let (ours, theirs) = (per_iteration(&mut ours), per_iteration(&mut theirs));
    let wide = per_iteration(&mut wide);
    println!(
        "{network}, m = {}, {dispatches} dispatches an iteration; median of {RUNS} runs of {ITERATIONS}",
        flower.m
    );
    println!(
        "layerwise          {ours:>9.1} us an iteration  {:>7.2} us a dispatch",
        ours / dispatches as f64
    );
    println!(
        "empty dispatches   {theirs:>9.1} us               {:>7.2} us a dispatch",
        theirs / dispatches as f64
    );
    println!(
        "{workgroups} workgroups each   {wide:>9.1} us               {:>7.2} us a dispatch",
        wide / dispatches as f64
    );
    println!("ratio              {:>9.2}  to empty dispatches", ours / theirs);
    println!("                   {:>9.2}  to empty ones of {workgroups} workgroups", ours / wide);
    Ok(())
}

/// Trains for a while on both sides and compares the costs; also warms the device up.
async fn check(executor: &mut Executor<'_>, network: &Network, data: &Dataset) -> gpu_nn::Result<()> {
    time_training(executor).await?;
    let costs = executor.take_costs().await?;
    let parameters = initialize(network, Initializer::COURSE, 2);
    let mut reference = cpu_reference::Executor::new(&Problem::full_batch(
        network,
        &parameters,
        &data.x,
        &data.y(),
        data.m,
        LEARNING_RATE,
    ))?;
    let mut left = ITERATIONS;
    while left > 0 {
        left -= reference.run(left);
    }
    let worst = costs.iter().zip(reference.take_costs()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(costs.len() == ITERATIONS && worst <= 2e-5, "costs differ from cpu_reference by up to {worst:e}");
    println!("checked: {ITERATIONS} costs within {worst:.1e} of cpu_reference");
    Ok(())
}

async fn time_training(executor: &mut Executor<'_>) -> gpu_nn::Result<Duration> {
    let start = Instant::now();
    let mut left = ITERATIONS;
    while left > 0 {
        left -= executor.run(left).await?;
    }
    Ok(start.elapsed())
}

/// The driver's own cost: a kernel that does nothing but touch a buffer, so that each dispatch waits for the last.
mod empty {
    use std::time::{Duration, Instant};

    use gpu_nn::gpu::AdapterRequest;

    /// Dispatches a submission, about as many as a training puts into one.
    const PER_SUBMISSION: usize = 2_000;

    /// Invocations of a workgroup, as the kernels have them on a software driver.
    pub const INVOCATIONS: usize = 16;

    const KERNEL: &str = "@group(0) @binding(0) var<storage, read_write> word: array<u32>;
        override SIZE: u32;
        @compute @workgroup_size(SIZE) fn empty() { word[0] = 1u; }";

    pub struct Dispatches {
        device: wgpu::Device,
        queue: wgpu::Queue,
        /// Of one invocation a workgroup, and of as many as the kernels have.
        pipelines: [(wgpu::ComputePipeline, wgpu::BindGroup); 2],
    }

    impl Dispatches {
        /// On the adapter whose name contains the request's, or the first.
        pub async fn new(request: &AdapterRequest) -> Self {
            let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
            let wanted = request.name.clone().unwrap_or_default().to_lowercase();
            let adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
            let adapter = adapters.into_iter().find(|a| a.get_info().name.to_lowercase().contains(&wanted));
            let adapter = adapter.expect("the benchmark has just opened such an adapter");
            let (device, queue) =
                adapter.request_device(&wgpu::DeviceDescriptor::default()).await.expect("it opened before");
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: None,
                source: wgpu::ShaderSource::Wgsl(KERNEL.into()),
            });
            let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: 4,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            });
            let pipelines = [1, INVOCATIONS].map(|size| {
                let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: None,
                    layout: None,
                    module: &module,
                    entry_point: None,
                    compilation_options: wgpu::PipelineCompilationOptions {
                        constants: &[("SIZE", size as f64)],
                        ..wgpu::PipelineCompilationOptions::default()
                    },
                    cache: None,
                });
                let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: None,
                    layout: &pipeline.get_bind_group_layout(0),
                    entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
                });
                (pipeline, bind_group)
            });
            Self { device, queue, pipelines }
        }

        /// Runs that many, of so many workgroups each, and waits for them.
        pub fn run(&self, dispatches: usize, workgroups: u32) -> Duration {
            let (pipeline, bind_group) = &self.pipelines[usize::from(workgroups > 1)];
            let start = Instant::now();
            for first in (0..dispatches).step_by(PER_SUBMISSION) {
                let mut encoder =
                    self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for _ in first..dispatches.min(first + PER_SUBMISSION) {
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, bind_group, &[]);
                    pass.dispatch_workgroups(workgroups, 1, 1);
                }
                drop(pass);
                self.queue.submit([encoder.finish()]);
                self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
            }
            start.elapsed()
        }
    }
}
