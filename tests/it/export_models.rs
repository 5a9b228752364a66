//! Models for the export tests: every activation and output kind with parameters that matter, and what they answer.

use gpu_nn::cpu_reference::Executor;
use gpu_nn::data::{ColumnStep, NumpyRandom, Partition, Preprocessing, Step};
use gpu_nn::model::Model;
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, Parameters, initialize};
use gpu_nn::schedule::Problem;

/// Every activation function.
pub const ACTIVATIONS: [Activation; 9] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.1 },
    Activation::Identity,
    Activation::Elu,
    Activation::Softplus,
    Activation::Gelu,
    Activation::Silu,
];

/// Every output kind with a number of outputs it may have.
pub const OUTPUTS: [(Loss, usize); 4] = [
    (Loss::BinaryCrossEntropy, 1),
    (Loss::SoftmaxCrossEntropy, 3),
    (Loss::SquaredError, 1),
    (Loss::SquaredError, 2),
];

/// Samples to compare.
pub const M: usize = 50;

/// A model with weights and biases of about one, exact in single precision if `single`.
pub fn model(hidden: Vec<Layer>, (loss, n_outputs): (Loss, usize), single: bool) -> Model {
    let network = Network::new(3, hidden, n_outputs, loss).unwrap();
    let mut parameters = initialize(&network, Initializer::Normal { scale: 1.0 }, 5);
    let mut random = NumpyRandom::new(6);
    for value in parameters.values_mut() {
        *value += 0.1 * random.standard_normal();
        if single {
            *value = f64::from(*value as f32);
        }
    }
    let names = |prefix: &str, n: usize| -> Vec<String> {
        (0..n).map(|i| format!("{prefix} \"{i}\", größer?")).collect()
    };
    Model {
        preprocessing: Preprocessing::identity(&names("feature", 3)),
        class_names: names("class", network.n_classes()),
        network,
        parameters,
        single_precision: single,
        data: None,
        partition: Partition::default(),
    }
}

/// Two hidden layers of an activation, the second narrower.
pub fn two_layers(activation: Activation) -> Vec<Layer> {
    vec![Layer { units: 7, activation }, Layer { units: 4, activation }]
}

/// All activations with all outputs, and networks without hidden layers.
pub fn all_models(single: bool) -> Vec<Model> {
    let hidden = ACTIVATIONS.map(two_layers).into_iter().chain([Vec::new()]);
    hidden.flat_map(|hidden| OUTPUTS.map(|output| model(hidden.clone(), output, single))).collect()
}

/// The same with a first column that lies far from zero, a second whose missing values are filled in, and a text.
pub fn prepared(mut model: Model) -> Model {
    let step = |name: &str, step| ColumnStep { name: name.into(), step };
    model.preprocessing.columns = vec![
        step("year", Step::Number { fill: None, shift: 2000.0625, scale: 0.3 }),
        step("height", Step::Number { fill: Some(1.7), shift: -1.0, scale: 7.0 }),
        step("colour", Step::Category { fill: None, names: vec!["red".into()] }),
    ];
    model
}

/// Raw columns for [`prepared`], in rows, (M, 3), exact in single precision, and the features that they become.
pub fn raw_samples() -> (Vec<f64>, Vec<f64>) {
    let mut raw = samples();
    for row in raw.chunks_exact_mut(3) {
        // Sixteenths are exact beside 2000.
        row[0] = 2000.0 + (16.0 * row[0].clamp(-1.0, 1.0)).round() / 16.0;
        row[2] = f64::from(row[2] > 0.0);
    }
    raw[1] = f64::NAN;
    let feature = |(i, x): (usize, &f64)| match i % 3 {
        0 => (x - 2000.0625) / 0.3,
        1 => (if x.is_nan() { 1.7 } else { *x } + 1.0) / 7.0,
        _ => *x,
    };
    let features = raw.iter().enumerate().map(feature).collect();
    (raw, features)
}

/// Samples in rows, (M, 3), exact in single precision; the last one saturates every function.
pub fn samples() -> Vec<f64> {
    let mut random = NumpyRandom::new(7);
    let mut x: Vec<f64> = (0..3 * M).map(|_| f64::from(2.0 * random.standard_normal() as f32)).collect();
    x[3 * M - 3..].copy_from_slice(&[150.0, -150.0, 150.0]);
    x
}

/// What `cpu_reference` answers for samples in rows: (m, n_L), a sample a row.
pub fn answers(network: &Network, parameters: &Parameters, x: &[f64]) -> Vec<f64> {
    let n = network.n_features();
    let m = x.len() / n;
    let columns: Vec<f64> = (0..n * m).map(|i| x[i % m * n + i / m]).collect();
    let y = vec![0.0; network.target_rows() * m];
    let executor = Executor::new(&Problem::full_batch(network, parameters, &columns, &y, m, 1.0)).unwrap();
    let a = executor.predict(&columns, m).unwrap();
    let outputs = network.n_outputs();
    (0..outputs * m).map(|i| a[i % outputs * m + i / outputs]).collect()
}

/// The generated code of ONNX's messages and what it is generated from are those that were generated together; whether they
/// fit, `cargo test --manifest-path tests/onnx/Cargo.toml` asks the generator.
#[test]
fn the_code_of_onnx_is_as_it_was_generated() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export/onnx");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let checksum = |text: &str| {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        format!("{:08x}", crc.sum())
    };
    let (proto, file) = (text("onnx.proto"), text("proto.rs"));
    let (head, code) = file.split_once("\n\n").unwrap();
    let found = format!("//! CRC-32: onnx.proto {}, the code {}", checksum(&proto), checksum(code));
    assert_eq!(head.lines().last(), Some(&found[..]), "one was changed without the other, or by hand");
}
