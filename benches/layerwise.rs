//! What the layerwise lowering costs beyond its dispatches: microseconds an iteration of the course's network, beside
//! as many empty dispatches on the same device, of one invocation each and of as many workgroups as the samples take; and
//! what dispatches cost that compute for 10 us, which can be more than 10 us above empty ones, since who waits may sleep.
//!
//! `cargo bench --bench layerwise [-- NAME]` with part of an adapter's name; `VK_DRIVER_FILES` picks a driver. The
//! costs are checked against `cpu_reference` before anything is timed, and each timing ends with the device idle.

use std::time::{Duration, Instant};

use gpu_nn::cpu_reference;
use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::gpu::{AdapterRequest, Api, Device, Executor};
use gpu_nn::network::{Activation, Initializer, Loss, Network, initialize, parse_hidden};
use gpu_nn::schedule::Problem;

use empty::Kind;

/// Runs of each measurement, taken in turn; the median counts.
const RUNS: usize = 5;

/// Iterations of a run.
const ITERATIONS: usize = 1_000;

const LEARNING_RATE: f64 = 1.2;

/// How long a dispatch computes that is neither empty nor one of the network's.
const COMPUTING: Duration = Duration::from_micros(10);

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
    let rounds = empty.rounds_of(COMPUTING);
    let count = dispatches * ITERATIONS;
    empty.run(Kind::Empty, count);
    let (mut ours, mut theirs, mut wide, mut busy) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(time_training(&mut executor).await?);
        theirs.push(empty.run(Kind::Empty, count));
        wide.push(empty.run(Kind::Wide { workgroups }, count));
        busy.push(empty.run(Kind::Computing { rounds }, count));
    }
    let per_iteration = |times: &mut Vec<Duration>| {
        times.sort();
        1e6 * times[RUNS / 2].as_secs_f64() / ITERATIONS as f64
    };
    let (ours, theirs) = (per_iteration(&mut ours), per_iteration(&mut theirs));
    let (wide, busy) = (per_iteration(&mut wide), per_iteration(&mut busy));
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
    println!(
        "computing {COMPUTING:>4.0?}     {busy:>9.1} us               {:>7.2} us a dispatch",
        busy / dispatches as f64
    );
    println!("ratio              {:>9.2}  to empty dispatches", ours / theirs);
    println!("                   {:>9.2}  to empty ones of {workgroups} workgroups", ours / wide);
    println!(
        "                   {:>9.2}  of dispatches that compute for {COMPUTING:.0?} to empty ones",
        busy / theirs
    );
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

/// The driver's own cost: a kernel that does nothing but touch a buffer, so that each dispatch waits for the last; or computes
/// as well, round after round.
mod empty {
    use std::time::{Duration, Instant};

    use gpu_nn::gpu::AdapterRequest;

    /// Dispatches a submission, about as many as a training puts into one.
    const PER_SUBMISSION: usize = 2_000;

    /// Invocations of a workgroup, as the kernels have them on a software driver.
    pub const INVOCATIONS: usize = 16;

    const KERNELS: &str = "@group(0) @binding(0) var<storage, read_write> word: array<u32, 2>;
        override SIZE: u32;
        @compute @workgroup_size(SIZE) fn empty() { word[0] = 1u; }
        @compute @workgroup_size(SIZE) fn computing() {
            var value = 1u;
            for (var i = 0u; i < word[1]; i++) { value = value * 1664525u + 1013904223u; }
            word[0] = value;
        }";

    /// What a dispatch does.
    #[derive(Clone, Copy)]
    pub enum Kind {
        /// One invocation, which does nothing.
        Empty,
        /// As many workgroups as the kernels have, none of which does anything.
        Wide { workgroups: u32 },
        /// One workgroup, which computes.
        Computing { rounds: u32 },
    }

    pub struct Dispatches {
        device: wgpu::Device,
        queue: wgpu::Queue,
        buffer: wgpu::Buffer,
        /// Empty, of one invocation a workgroup and of as many as the kernels have; and computing.
        pipelines: [(wgpu::ComputePipeline, wgpu::BindGroup); 3],
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
                source: wgpu::ShaderSource::Wgsl(KERNELS.into()),
            });
            let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: 8,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let entries = [("empty", 1), ("empty", INVOCATIONS), ("computing", INVOCATIONS)];
            let pipelines = entries.map(|(entry, size)| {
                let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: None,
                    layout: None,
                    module: &module,
                    entry_point: Some(entry),
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
            Self { device, queue, buffer, pipelines }
        }

        /// As many rounds as take a workgroup so long.
        pub fn rounds_of(&self, time: Duration) -> u32 {
            const ROUNDS: u32 = 30_000;
            const DISPATCHES: usize = 50;
            let mut times = [(); 5].map(|()| self.run(Kind::Computing { rounds: ROUNDS }, DISPATCHES));
            times.sort();
            let round = times[2].as_secs_f64() / (DISPATCHES as f64 * f64::from(ROUNDS));
            (time.as_secs_f64() / round) as u32
        }

        /// Runs that many dispatches and waits for them.
        pub fn run(&self, kind: Kind, dispatches: usize) -> Duration {
            let (which, workgroups, rounds) = match kind {
                Kind::Empty => (0, 1, 0),
                Kind::Wide { workgroups } => (1, workgroups, 0),
                Kind::Computing { rounds } => (2, 1, rounds),
            };
            let (pipeline, bind_group) = &self.pipelines[which];
            self.queue.write_buffer(&self.buffer, 4, &rounds.to_le_bytes());
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
