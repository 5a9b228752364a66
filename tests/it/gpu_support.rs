//! What the GPU tests share: the device, single operations as schedules, numbers to try, and comparisons.

use std::sync::OnceLock;

use gpu_nn::data::NumpyRandom;
use gpu_nn::gpu::{self, AdapterRequest, Api, Device};
use gpu_nn::network::{Activation, Loss, Network, Parameters};
use gpu_nn::schedule::{Contents, Op, Schedule, Storage, Tensor, TensorId};
use gpu_nn::{Result, cpu_reference};

/// The most that rounding to f32 changes a number, relative: half a unit in the last place.
pub const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

/// Devices may flush what is smaller to zero.
pub const SMALLEST_NORMAL: f64 = f32::MIN_POSITIVE as f64;

/// One of each activation that every lowering has.
pub const ACTIVATIONS: [Activation; 7] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.25 },
    Activation::Identity,
    Activation::Elu,
    Activation::Softplus,
];

/// The others, whose derivative needs Z.
pub const WITH_Z: [Activation; 2] = [Activation::Gelu, Activation::Silu];

/// Around the width of a workgroup, below and far above.
pub const SIZES: [usize; 7] = [1, 7, 63, 64, 65, 127, 1000];

/// The test device, opened once: compiling the kernels takes software drivers longer than most tests. An error that
/// the device reports in one test shows in all that follow.
///
/// Without an adapter this is `None`, and a test ends after saying so; unless `GPU_NN_REQUIRE_GPU` is 1, since a test
/// that was not run must not look like one that passed.
pub fn device() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let device = DEVICE.get_or_init(open).as_ref();
    if device.is_none() {
        println!("skipped: no adapter");
    }
    device
}

/// A device of its own for a test that means to provoke it; `None` as above.
pub fn open() -> Option<Device> {
    let request = AdapterRequest { api: Api::Any, name: None, software: true };
    match pollster::block_on(Device::open(&request)) {
        Ok(device) => Some(device),
        Err(error) => {
            let required = std::env::var("GPU_NN_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "GPU_NN_REQUIRE_GPU is 1, but: {error}");
            println!("skipped: {error}");
            None
        }
    }
}

/// A schedule put together by hand, with the numbers it starts from.
pub struct Case {
    pub schedule: Schedule,
    pub before: Contents,
}

impl Case {
    pub fn new(m: usize) -> Self {
        let schedule = Schedule { ops: Vec::new(), tensors: Vec::new(), m, n_parameters: 0 };
        let before = Contents::zeros(&schedule);
        Self { schedule, before }
    }

    fn tensor(&mut self, name: &str, shape: (usize, usize), storage: Storage, values: Vec<f64>) -> TensorId {
        let (rows, cols) = shape;
        self.schedule.tensors.push(Tensor { name: name.into(), rows, cols, storage });
        self.before.tensors.push(values);
        TensorId(self.schedule.tensors.len() - 1)
    }

    /// A matrix of its own with m columns that holds `values`.
    pub fn filled(&mut self, name: &str, values: Vec<f64>) -> TensorId {
        let m = self.schedule.m;
        self.tensor(name, (values.len() / m, m), Storage::Value, values)
    }

    /// A matrix (rows, m) of its own to be written; a kernel that leaves out an element leaves a NaN.
    pub fn empty(&mut self, name: &str, rows: usize) -> TensorId {
        self.filled(name, vec![f64::NAN; rows * self.schedule.m])
    }

    /// The targets.
    pub fn target(&mut self, values: Vec<f64>) -> TensorId {
        let m = self.schedule.m;
        self.tensor("Y", (values.len() / m, m), Storage::Target, values)
    }

    /// A slice of the parameter arena behind three numbers of padding: offsets must be heeded.
    pub fn parameter(&mut self, name: &str, shape: (usize, usize), values: &[f64]) -> TensorId {
        let offset = self.pad();
        self.grow(values);
        self.tensor(name, shape, Storage::Parameters { offset }, Vec::new())
    }

    /// A slice of the gradient arena to be written, likewise.
    pub fn gradient(&mut self, name: &str, shape: (usize, usize)) -> TensorId {
        let offset = self.pad();
        self.grow(&vec![f64::NAN; shape.0 * shape.1]);
        self.tensor(name, shape, Storage::Gradients { offset }, Vec::new())
    }

    fn pad(&mut self) -> usize {
        self.grow(&[-1.0, -2.0, -3.0]);
        self.schedule.n_parameters
    }

    /// Appends to both arenas.
    pub fn grow(&mut self, values: &[f64]) {
        self.before.parameters.extend(values);
        self.before.gradients.extend(values);
        self.schedule.n_parameters += values.len();
    }

    /// The history of costs.
    pub fn costs(&mut self) -> TensorId {
        self.tensor("J", (1, 1), Storage::Costs, Vec::new())
    }

    /// Adds an operation.
    pub fn op(&mut self, op: Op) {
        self.schedule.ops.push(op);
    }

    /// Runs both sides: (device, reference).
    pub fn run(&self, device: &Device) -> (Contents, Contents) {
        (self.run_on(device).unwrap(), cpu_reference::run_once(&self.schedule, &self.before).unwrap())
    }

    /// Runs the device's side.
    pub fn run_on(&self, device: &Device) -> Result<Contents> {
        pollster::block_on(gpu::run_once(device, &self.schedule, &self.before))
    }
}

/// Holds one matrix against the reference, each element within its own `bound`.
#[track_caller]
pub fn assert_within(what: &str, got: &[f64], want: &[f64], bound: impl Fn(usize) -> f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let far: Vec<String> = got
        .iter()
        .zip(want)
        .enumerate()
        // Written so that a NaN on either side fails.
        .filter(|(i, (got, want))| !((*got - *want).abs() <= bound(*i) || got == want))
        .map(|(i, (got, want))| format!("  [{i}] got {got:e}, want {want:e}, limit {:.3e}", bound(i)))
        .collect();
    let shown = far[..far.len().min(5)].join("\n");
    assert!(far.is_empty(), "{what}: {} of {} values differ\n{shown}", far.len(), got.len());
}

/// A seeded stream of test numbers, each exactly an f32.
pub struct Numbers(NumpyRandom);

impl Numbers {
    pub fn new(seed: u32) -> Self {
        Self(NumpyRandom::new(seed))
    }

    /// Normals, and among them every now and then a zero, a large number and a tiny one.
    pub fn awkward(&mut self, count: usize) -> Vec<f64> {
        (0..count)
            .map(|_| {
                let normal = self.0.standard_normal();
                single(match self.0.bounded(15) {
                    0 => 0.0,
                    1 => 1e4 * normal.clamp(-1.0, 1.0),
                    2 => 1e-30 * normal,
                    3 => 10.0 * normal,
                    _ => normal,
                })
            })
            .collect()
    }

    /// Standard normals.
    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| single(self.0.standard_normal())).collect()
    }

    /// Class indices below `n_classes`, or real values; (target_rows, m).
    pub fn targets(&mut self, loss: Loss, n_outputs: usize, m: usize) -> Vec<f64> {
        let n_classes = match loss {
            loss if loss.predicts_values() => return self.normals(n_outputs * m),
            Loss::BinaryCrossEntropy => 2,
            _ => n_outputs,
        };
        (0..m).map(|_| self.0.bounded(n_classes as u64 - 1) as f64).collect()
    }

    /// Normals divided by sqrt(n_prev), with biases that are not zero.
    pub fn parameters(&mut self, network: &Network) -> Parameters {
        let mut values = Vec::new();
        for l in 0..network.n_layers() {
            let (n_l, n_prev) = network.weight_shape(l);
            let scale = 1.0 / (n_prev as f64).sqrt();
            values.extend(self.normals(n_l * n_prev).into_iter().map(|w| single(w * scale)));
            values.extend(self.normals(n_l).into_iter().map(|b| single(0.1 * b)));
        }
        Parameters::from_values(network, values).unwrap()
    }
}

/// Rounds to f32, so that both sides start from the same number.
pub fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Runs exactly `iterations` steps: the executor may stop earlier and be called again.
pub fn run_all(executor: &mut gpu::Executor<'_>, iterations: usize) {
    let mut left = iterations;
    while left > 0 {
        left -= pollster::block_on(executor.run(left)).unwrap();
    }
}
