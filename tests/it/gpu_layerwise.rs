//! The layerwise lowering of whole trainings: operations that share a kernel, and batches, against `cpu_reference`.

use gpu_nn::Error;
use gpu_nn::cpu_reference;
use gpu_nn::gpu::{self, Executor, Product};
use gpu_nn::network::{Activation, Layer, Loss, Network, Parameters};
use gpu_nn::schedule::{self, Contents, Descent, Op, Problem, Schedule, Storage};
use pollster::block_on;

use crate::gpu_support::{ACTIVATIONS, Numbers, SIZES, WITH_Z, assert_within, device, open, run_all, share};

/// What a dozen roundings change in numbers of order 1, with sums of a thousand terms among them.
const CLOSE: f64 = 2e-5;

/// A training step with numbers to start from, and NaN wherever something is to be written.
fn step(network: &Network, m: usize) -> (Schedule, Contents) {
    let schedule = schedule::training_step(network, m, &Descent::sgd(0.3));
    let mut numbers = Numbers::new(41);
    let mut before = Contents::zeros(&schedule);
    for (tensor, values) in schedule.tensors.iter().zip(&mut before.tensors) {
        match tensor.storage {
            Storage::Input => *values = numbers.normals(values.len()),
            Storage::Target => *values = numbers.targets(network.loss(), network.n_outputs(), m),
            _ => values.fill(f64::NAN),
        }
    }
    before.parameters = numbers.parameters(network).values().to_vec();
    before.gradients.fill(f64::NAN);
    (schedule, before)
}

/// Two hidden layers of every size, with each activation and loss among them.
fn networks() -> impl Iterator<Item = (Network, usize)> {
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 5), (Loss::SquaredError, 3)];
    SIZES.into_iter().enumerate().flat_map(move |(i, size)| {
        let all: Vec<Activation> = ACTIVATIONS.into_iter().chain(WITH_Z).collect();
        let layer = |units, i: usize| Layer { units, activation: all[i % all.len()] };
        let (loss, n_outputs) = losses[i % losses.len()];
        let wide = Network::new(3, vec![layer(size, i), layer(6, i + 1)], n_outputs, loss).unwrap();
        let (loss, n_outputs) = losses[(i + 1) % losses.len()];
        let long = Network::new(2, vec![layer(5, i + 2), layer(4, i + 3)], n_outputs, loss).unwrap();
        [(wide, 65), (long, size)]
    })
}

#[test]
fn shared_kernels_agree_with_the_reference() {
    let Some(device) = device() else { return };
    // Long enough for sums in chunks as well.
    let layers = vec![Layer { units: 4, activation: Activation::Tanh }];
    let long = Network::new(2, layers, 1, Loss::BinaryCrossEntropy).unwrap();
    for (network, m) in networks().chain([(long.clone(), 1_025), (long, 5_000)]) {
        let (schedule, before) = step(&network, m);
        let got = block_on(gpu::run_fused_once(device, &schedule, &before)).unwrap();
        let want = cpu_reference::run_once(&schedule, &before).unwrap();
        let mut left_out = Vec::new();
        for (i, tensor) in schedule.tensors.iter().enumerate() {
            let own = matches!(tensor.storage, Storage::Value | Storage::Input | Storage::Target);
            if own && got.tensors[i].is_empty() {
                left_out.push(tensor.name.as_str());
            } else if tensor.storage == Storage::Value {
                let what = format!("{network}, m = {m}: {}", tensor.name);
                let scale = want.tensors[i].iter().fold(1.0, |most: f64, v| most.max(v.abs()));
                assert_within(&what, &got.tensors[i], &want.tensors[i], |_| CLOSE * scale);
            }
        }
        let layers = network.hidden().iter().zip(1..).filter(|(layer, _)| !layer.activation.needs_z());
        let hidden: Vec<String> = layers.map(|(_, l)| format!("Z{l}")).collect();
        let inputs = (1..=network.hidden().len()).rev().map(|l| format!("dA{l}"));
        assert_eq!(left_out, hidden.into_iter().chain(inputs).collect::<Vec<_>>());
        for (what, got, want) in [
            ("gradients", &got.gradients, &want.gradients),
            ("parameters", &got.parameters, &want.parameters),
            ("cost", &got.costs, &want.costs),
        ] {
            let scale = want.iter().fold(1.0, |most: f64, v| most.max(v.abs()));
            assert_within(&format!("{network}, m = {m}: {what}"), got, want, |_| CLOSE * scale);
        }
    }
}

#[test]
fn an_operation_by_itself_is_never_left_out() {
    let Some(device) = device() else { return };
    let layers = vec![Layer { units: 4, activation: Activation::Tanh }];
    let network = Network::new(2, layers, 1, Loss::BinaryCrossEntropy).unwrap();
    let (schedule, before) = step(&network, 65);
    let got = block_on(gpu::run_once(device, &schedule, &before)).unwrap();
    for op in &schedule.ops {
        let Some(out) = op.output().filter(|_| !matches!(op, Op::Cost { .. })) else { continue };
        let values = got.get(&schedule, out);
        assert!(!values.is_empty() && values.iter().all(|v| v.is_finite()), "{op:?}: {values:?}");
    }
}

/// A network with its data, to be trained in batches.
struct Work {
    network: Network,
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    m: usize,
}

impl Work {
    fn new(loss: Loss, n_outputs: usize, m: usize) -> Self {
        let layers = vec![
            Layer { units: 9, activation: Activation::Tanh },
            Layer { units: 5, activation: Activation::Relu },
        ];
        let network = Network::new(3, layers, n_outputs, loss).unwrap();
        let mut numbers = Numbers::new(42);
        let parameters = numbers.parameters(&network);
        let x = numbers.normals(3 * m);
        let y = numbers.targets(loss, n_outputs, m);
        Self { network, parameters, x, y, m }
    }

    fn problem(&self, batch_size: usize) -> Problem<'_> {
        let Self { network, parameters, x, y, m } = self;
        Problem { batch_size, ..Problem::full_batch(network, parameters, x, y, *m, 0.1) }
    }
}

#[test]
fn batches_agree_with_the_reference() {
    let Some(device) = device() else { return };
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 4), (Loss::SquaredError, 3)];
    // Batches of every size, with and without a shorter one at the end; of one, and of all but one.
    let cuts = [(3, 1), (15, 7), (64, 63), (128, 64), (200, 65), (128, 127), (1_001, 1_000), (2_100, 1_000)];
    for (i, (m, batch_size)) in cuts.into_iter().enumerate() {
        let (loss, n_outputs) = losses[i % losses.len()];
        let work = Work::new(loss, n_outputs, m);
        // Two epochs and some.
        let iterations = 2 * m.div_ceil(batch_size) + 1;
        let mut reference = cpu_reference::Executor::new(&work.problem(batch_size)).unwrap();
        let mut left = iterations;
        while left > 0 {
            left -= reference.run(left);
        }
        let mut executor = Executor::new(device, &work.problem(batch_size)).unwrap();
        run_all(&mut executor, iterations);
        let what = format!("{loss:?}, {m} in batches of {batch_size}");
        let costs = block_on(executor.take_costs()).unwrap();
        assert_within(&format!("{what}: costs"), &costs, &reference.take_costs(), |_| CLOSE);
        let parameters = block_on(executor.parameters()).unwrap();
        let want = reference.parameters().values();
        assert_within(&format!("{what}: parameters"), parameters.values(), want, |_| CLOSE);
        let cost = block_on(executor.cost()).unwrap();
        assert_within(&format!("{what}: cost of all"), &[cost], &[reference.cost()], |_| CLOSE);
    }
}

#[test]
fn an_evaluation_takes_every_sample_once() {
    let Some(device) = device() else { return };
    // Around the block that an evaluation takes at a time; batches are smaller.
    for m in [8_191, 8_192, 8_193, 16_385] {
        let work = Work::new(Loss::SquaredError, 1, m);
        let mut executor = Executor::new(device, &work.problem(100)).unwrap();
        let reference = cpu_reference::Executor::new(&work.problem(100)).unwrap().cost();
        let cost = block_on(executor.cost()).unwrap();
        assert_within(&format!("m = {m}"), &[cost], &[reference], |_| 1e-6 * reference);
    }
}

#[test]
fn batches_go_on_where_they_were() {
    let Some(device) = device() else { return };
    let work = Work::new(Loss::SoftmaxCrossEntropy, 4, 150);
    let train = |at_a_time: usize| {
        let mut executor = Executor::new(device, &work.problem(64)).unwrap();
        let mut costs = Vec::new();
        for _ in 0..60 / at_a_time {
            run_all(&mut executor, at_a_time);
            // Neither a look at the costs nor an evaluation disturbs the order.
            if at_a_time == 4 {
                costs.extend(block_on(executor.take_costs()).unwrap());
                block_on(executor.cost()).unwrap();
            }
        }
        costs.extend(block_on(executor.take_costs()).unwrap());
        costs.extend(block_on(executor.parameters()).unwrap().values());
        costs.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let first = train(60);
    for at_a_time in [60, 4, 1] {
        assert!(first == train(at_a_time), "other bits with {at_a_time} iterations at a time");
    }
}

/// The shapes of layers around the tiles of wide products: rows, columns (samples or units) and terms.
const WIDE: [(usize, usize, usize); 7] = [
    (16, 16, 16),
    (64, 63, 127),
    (127, 64, 65),
    (65, 127, 1_000),
    (63, 1_000, 64),
    (1_000, 65, 63),
    (40, 33, 5_000),
];

/// Two wide layers with m samples; the products between them are rows x columns x terms in every order.
fn wide_step((n_1, n_2, m): (usize, usize, usize)) -> (Schedule, Contents) {
    let layers = vec![
        Layer { units: n_1, activation: Activation::Tanh },
        Layer { units: n_2, activation: Activation::LeakyRelu { slope: 0.25 } },
    ];
    step(&Network::new(17, layers, 16, Loss::SoftmaxCrossEntropy).unwrap(), m)
}

#[test]
fn wide_products_agree_with_the_reference() {
    for products in [Product::Narrow, Product::Registers, Product::Workgroup] {
        let Some(device) = share() else { return };
        let device = &device.with_products(products);
        for shape in WIDE {
            let (schedule, before) = wide_step(shape);
            let want = cpu_reference::run_once(&schedule, &before).unwrap();
            let alone = block_on(gpu::run_once(device, &schedule, &before)).unwrap();
            let together = block_on(gpu::run_fused_once(device, &schedule, &before)).unwrap();
            for (how, got) in [("alone", alone), ("together", together)] {
                let close = |name: &str, got: &[f64], want: &[f64]| {
                    let scale = want.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
                    let what = format!("{products:?}, {shape:?}, {how}: {name}");
                    assert_within(&what, got, want, |_| CLOSE * scale);
                };
                for (i, tensor) in schedule.tensors.iter().enumerate() {
                    if tensor.storage == Storage::Value && !got.tensors[i].is_empty() {
                        close(&tensor.name, &got.tensors[i], &want.tensors[i]);
                    }
                }
                close("gradients", &got.gradients, &want.gradients);
                close("parameters", &got.parameters, &want.parameters);
                close("cost", &got.costs, &want.costs);
            }
        }
    }
}

#[test]
fn products_are_measured_once_and_only_where_there_is_a_choice() {
    let Some(device) = share() else { return };
    let (narrow, _) = wide_step((15, 15, 400));
    assert_eq!(block_on(device.calibrate(&narrow)).unwrap().to_string(), "---------");
    let (schedule, before) = wide_step((64, 63, 127));
    let products = block_on(device.calibrate(&schedule)).unwrap();
    let text = products.to_string();
    let measured: Vec<bool> = text.chars().map(|letter| letter != '-').collect();
    assert_eq!(measured, [true, false, false, true, false, false, true, false, false], "{text}");
    assert!(block_on(device.calibrate(&schedule)).unwrap() == products, "measured again");
    assert!(device.products() == products, "not kept");
    let want = cpu_reference::run_once(&schedule, &before).unwrap();
    // Any other mixture of ways computes the same.
    for ways in [text.as_str(), "n--r--w--", "r--w--n--", "w--n--r--"] {
        device.set_products(products.measured(ways).unwrap());
        let got = block_on(gpu::run_fused_once(&device, &schedule, &before)).unwrap();
        let scale = want.gradients.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        assert_within(ways, &got.gradients, &want.gradients, |_| CLOSE * scale);
    }
}

#[test]
fn unchecked_products_compute_what_checked_ones_do() {
    for products in [Product::Registers, Product::Workgroup] {
        let (Some(fast), Some(checked)) = (share(), open()) else { return };
        let (fast, checked) = (fast.with_products(products), checked.with_products(products).with_checks());
        for shape in WIDE {
            let (schedule, before) = wide_step(shape);
            let run = |device| block_on(gpu::run_fused_once(device, &schedule, &before)).unwrap();
            let bits = |contents: Contents| {
                let numbers = [contents.parameters, contents.gradients, contents.costs].concat();
                numbers.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
            };
            assert!(bits(run(&fast)) == bits(run(&checked)), "{products:?}, {shape:?}: other bits");
        }
    }
}

#[test]
fn an_operation_on_matrices_that_do_not_fit_is_refused() {
    let Some(device) = device() else { return };
    let (schedule, before) = wide_step((64, 32, 20));
    for (name, rows, cols) in [("W2", 33, 64), ("W2", 32, 65), ("b1", 63, 1), ("A1", 64, 19), ("dZ3", 16, 19)]
    {
        let (mut schedule, mut before) = (schedule.clone(), before.clone());
        let at = schedule.tensors.iter().position(|tensor| tensor.name == name).unwrap();
        (schedule.tensors[at].rows, schedule.tensors[at].cols) = (rows, cols);
        if !before.tensors[at].is_empty() {
            before.tensors[at].resize(rows * cols, 0.0);
        }
        for run in [
            block_on(gpu::run_once(device, &schedule, &before)),
            block_on(gpu::run_fused_once(device, &schedule, &before)),
        ] {
            assert!(matches!(run, Err(Error::Shape { .. })), "{name} as {rows} x {cols}: {:?}", run.is_ok());
        }
    }
}
