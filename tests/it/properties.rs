//! Properties of whatever comes: random networks give the reference's numbers on every executor, no text makes a parser
//! panic, and what is written is read.
//!
//! A failure prints the smallest case that fails, and `PROPTEST_CASES=1000` looks further.

use std::fmt::Write as _;

use gpu_nn::data::{Cells, Generator, Impute, Scale, Targets};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Descent, Dropout, Lowering, Optimizer, Problem};
use gpu_nn::training::{Backend, BackendChoice, Executor, Metric};
use pollster::block_on;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};

use crate::arrays::npy;
use crate::command::Desk;
use crate::gpu_support::{ACTIVATIONS, share};
use crate::tables::Sheet;

/// Iterations of a training: enough for every batch and for what an optimiser remembers.
const ITERATIONS: usize = 5;

/// So many cases, or as many as the environment says.
fn cases(n: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    Config { cases: asked.unwrap_or(n), failure_persistence: None, ..Config::default() }
}

/// A training of any kind.
#[derive(Clone, Debug)]
struct Case {
    network: Network,
    m: usize,
    batch_size: usize,
    shuffle: Option<u32>,
    descent: Descent,
    dropout: Option<Dropout>,
    weighted: bool,
    seed: u32,
}

/// With a large epsilon: with a small one, a gradient near 0 takes a whole step to one side or the other, as its rounding
/// will have it.
const OPTIMISERS: [&str; 6] = [
    "sgd",
    "momentum",
    "nesterov",
    "rmsprop:epsilon=0.01",
    "adam:epsilon=0.01",
    "adamw:epsilon=0.01,weight_decay=0.1",
];

fn loss() -> impl Strategy<Value = (Loss, usize)> {
    prop_oneof![
        Just((Loss::BinaryCrossEntropy, 1)),
        (2usize..6).prop_map(|n| (Loss::SoftmaxCrossEntropy, n)),
        (1usize..4).prop_map(|n| (Loss::SquaredError, n)),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let layer = (1usize..12, prop::sample::select(&ACTIVATIONS[..]));
    let layers =
        prop::collection::vec(layer.prop_map(|(units, activation)| Layer { units, activation }), 0..4);
    let network = (1usize..8, layers, loss()).prop_map(|(n_features, hidden, (loss, n_outputs))| {
        Network::new(n_features, hidden, n_outputs, loss).unwrap()
    });
    let batches = (1usize..70).prop_flat_map(|m| (Just(m), 1..=m));
    let descent = (prop::sample::select(&OPTIMISERS[..]), 0.001..0.05, 0.0..0.01, 0.0..0.01).prop_map(
        |(optimizer, rate, l1, l2)| {
            let optimizer: Optimizer = optimizer.parse().unwrap();
            Descent { optimizer, l1, l2, ..Descent::sgd(rate) }
        },
    );
    let dropout = prop::option::of((0.05..0.6, any::<u32>()));
    let rest = (prop::option::of(any::<u32>()), descent, dropout, any::<bool>(), 0u32..1_000);
    (network, batches, rest).prop_map(|(network, (m, batch_size), rest)| {
        let (shuffle, descent, dropout, weighted, seed) = rest;
        let dropout = dropout.map(|(rate, seed)| Dropout { rate, seed });
        Case { network, m, batch_size, shuffle, descent, dropout, weighted, seed }
    })
}

/// Numbers in [-1, 1) that look random.
fn numbers(n: usize, seed: u32) -> Vec<f64> {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

struct Data {
    parameters: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
}

impl Case {
    fn data(&self) -> Data {
        let Self { network, m, seed, .. } = self;
        let noise = numbers(network.target_rows() * m, seed + 1);
        let class = |n: f64| ((n + 1.0) / 2.0 * network.n_outputs().max(2) as f64).floor();
        let y = match network.loss() {
            Loss::SquaredError => noise,
            _ => noise.into_iter().map(class).collect(),
        };
        Data {
            parameters: initialize(network, Initializer::Xavier, *seed),
            x: numbers(network.n_features() * m, seed + 2),
            y,
            weights: numbers(*m, seed + 3).into_iter().map(|n| 1.0 + n / 2.0).collect(),
        }
    }

    fn problem<'a>(&'a self, data: &'a Data) -> Problem<'a> {
        Problem {
            weights: self.weighted.then_some(&data.weights),
            batch_size: self.batch_size,
            shuffle: self.shuffle,
            descent: self.descent,
            dropout: self.dropout,
            ..Problem::full_batch(&self.network, &data.parameters, &data.x, &data.y, self.m, 0.0)
        }
    }
}

/// Costs, parameters and outputs after some iterations.
fn outcome(mut executor: Executor<'_>, x: &[f64], m: usize) -> gpu_nn::Result<[Vec<f64>; 3]> {
    let mut left = ITERATIONS;
    while left > 0 {
        left -= block_on(executor.run(left))?;
    }
    let mut costs = block_on(executor.take_costs())?;
    costs.push(block_on(executor.cost())?);
    let parameters = block_on(executor.parameters())?.values().to_vec();
    Ok([costs, parameters, block_on(executor.predict(x, m))?])
}

/// An executor's numbers are the reference's, up to rounding.
fn check(case: &Case, backend: &Backend, lowering: Lowering) -> Result<(), TestCaseError> {
    let data = case.data();
    let problem = case.problem(&data);
    let reference = Backend::CpuReference.executor(&problem, Lowering::Layerwise).unwrap();
    let want = outcome(reference, &data.x, case.m).unwrap();
    let got = match backend.executor(&problem, lowering) {
        Ok(executor) => outcome(executor, &data.x, case.m).unwrap(),
        // A lowering for small networks takes small ones.
        Err(gpu_nn::Error::DeviceLimit { .. }) if lowering != Lowering::Layerwise => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    for (what, (got, want)) in ["cost", "parameter", "output"].iter().zip(got.iter().zip(&want)) {
        prop_assert_eq!(got.len(), want.len());
        for (i, (got, want)) in got.iter().zip(want).enumerate() {
            let near = (got - want).abs() <= 2e-5 * (1.0 + want.abs());
            prop_assert!(near, "{} {lowering}: {what} {i} is {got}, not {want}", backend.name());
        }
    }
    Ok(())
}

/// A lowering of a device, on some random networks: each has kernels of its own, which take long to compile.
fn check_on_device(lowering: Lowering) {
    let Some(device) = share() else { return };
    let backend = Backend::Gpu(Box::new(device));
    proptest!(cases(8), |(case in case())| check(&case, &backend, lowering)?);
}

#[test]
fn gpu_random_networks_layerwise() {
    check_on_device(Lowering::Layerwise);
}

#[test]
fn gpu_random_networks_fused() {
    check_on_device(Lowering::Fused);
}

#[test]
fn gpu_random_networks_resident() {
    check_on_device(Lowering::Resident);
}

/// What a table's cells are written as.
#[derive(Clone, Debug)]
struct Written {
    columns: Vec<Vec<Option<f64>>>,
    labels: Vec<String>,
    delimiter: char,
    end: &'static str,
}

fn written() -> impl Strategy<Value = Written> {
    let cell = prop::option::weighted(0.9, any::<f64>().prop_filter("finite", |value| value.is_finite()));
    // None that says that nothing is known, and no character that another file's cells are separated by.
    let label = prop::string::string_regex("l[ -+\\--:<-{}~äß\n\"]{0,8}[a-z]").unwrap().boxed();
    let ends = prop::sample::select(&["\n", "\r\n"][..]);
    (1usize..5, 2usize..30).prop_flat_map(move |(n, m)| {
        let columns = prop::collection::vec(prop::collection::vec(cell.clone(), m), n);
        let labels = prop::collection::vec(label.clone(), m);
        (columns, labels, prop::sample::select(&[',', ';', '\t'][..]), ends.clone()).prop_map(
            |(columns, mut labels, delimiter, end)| {
                // At least two classes.
                labels[0] = "first".into();
                labels[1] = "second".into();
                Written { columns, labels, delimiter, end }
            },
        )
    })
}

impl Written {
    fn text(&self) -> String {
        let Self { columns, labels, delimiter, end } = self;
        let names: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
        let mut text = names.join(&delimiter.to_string());
        write!(text, "{delimiter}label{end}").unwrap();
        for (row, label) in labels.iter().enumerate() {
            for column in columns {
                let cell = column[row].map_or_else(|| "NA".to_owned(), |value| format!("{value:?}"));
                write!(text, "{cell}{delimiter}").unwrap();
            }
            write!(text, "\"{}\"{end}", label.replace('"', "\"\"")).unwrap();
        }
        text
    }
}

/// A finite number as bytes of that type, and the number that they are.
fn element(descr: &str, value: f64) -> (Vec<u8>, f64) {
    let whole = value as i64;
    match descr {
        "<f8" => (value.to_le_bytes().into(), value),
        ">f8" => (value.to_be_bytes().into(), value),
        "<f4" => ((value as f32).to_le_bytes().into(), f64::from(value as f32)),
        ">i4" => ((whole as i32).to_be_bytes().into(), f64::from(whole as i32)),
        "<u2" => ((whole as u16).to_le_bytes().into(), f64::from(whole as u16)),
        "|i1" => (vec![whole as u8], f64::from(whole as i8)),
        _ => (vec![whole as u8], f64::from(whole as u8)),
    }
}

fn columns_of(cells: &Cells) -> Vec<Option<f64>> {
    (0..cells.len()).map(|row| cells.number(row)).collect()
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn random_networks_on_the_cpu(case in case()) {
        check(&case, &Backend::Cpu, Lowering::Layerwise)?;
    }

    #[test]
    fn what_is_written_as_text_is_read(written in written()) {
        let sheet = Sheet::new("data.csv", written.text());
        let table = sheet.read().unwrap();
        let bits = |cells: &[Option<f64>]| cells.iter().map(|c| c.map(f64::to_bits)).collect::<Vec<_>>();
        for (column, want) in table.columns().iter().zip(&written.columns) {
            prop_assert_eq!(bits(&columns_of(&column.cells)), bits(want));
        }
        let Some(Targets::Classes { labels, names }) = table.targets() else { panic!("classes") };
        for (label, want) in labels.iter().zip(&written.labels) {
            prop_assert_eq!(&names[*label as usize], want);
        }
    }

    #[test]
    fn what_is_written_as_an_array_is_read(
        descr in prop::sample::select(&["<f8", ">f8", "<f4", ">i4", "<u2", "|i1", "|u1"][..]),
        fortran in any::<bool>(),
        (columns, values) in (2usize..6, 1usize..40).prop_flat_map(|(columns, rows)| {
            (Just(columns), prop::collection::vec(-1e6..1e6, columns * rows))
        }),
    ) {
        let rows = values.len() / columns;
        let place = |i: usize| if fortran { i % rows * columns + i / rows } else { i };
        let bytes: Vec<u8> = (0..values.len()).flat_map(|i| element(descr, values[place(i)]).0).collect();
        let mut sheet = Sheet::new("data.npy", npy(descr, fortran, &format!("({rows}, {columns})"), &bytes));
        sheet.source.label = Some("1".into());
        let options = gpu_nn::data::ReadOptions {
            target: Some(gpu_nn::data::TargetKind::Values),
            ..Default::default()
        };
        let table = sheet.source.read(&options).unwrap();
        for (at, column) in table.columns().iter().enumerate() {
            let want: Vec<_> = (0..rows).map(|row| Some(element(descr, values[row * columns + at + 1]).1)).collect();
            prop_assert_eq!(columns_of(&column.cells), want);
        }
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_text_makes_a_parser_panic(text in prop_oneof!["[a-z0-9_:,=.()+-]{0,40}", ".{0,20}"]) {
        let _ = (parse_hidden(&text, Activation::Tanh), text.parse::<Initializer>());
        let _ = (text.parse::<BackendChoice>(), text.parse::<Lowering>(), text.parse::<Metric>());
        let _ = (text.parse::<Generator>(), text.parse::<Impute>(), text.parse::<Scale>());
        if let Ok(activation) = text.parse::<Activation>() {
            prop_assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
        }
        if let Ok(optimizer) = text.parse::<Optimizer>() {
            prop_assert_eq!(optimizer.to_string().parse::<Optimizer>().unwrap(), optimizer);
        }
    }
}

proptest! {
    #![proptest_config(cases(12))]

    /// As the command line takes them: a refusal is one line, not a panic.
    #[test]
    fn no_option_makes_the_command_panic(
        option in prop::sample::select(
            &["--hidden", "--optimizer", "--schedule", "--init", "--activation", "--class-weight", "--max-time"][..],
        ),
        text in "[a-z0-9_:,=.()+-]{1,12}",
    ) {
        let desk = Desk::new();
        let words = ["train", "--iterations", "1", "--quiet", "--no-plots", "--backend", "cpu", option, &text];
        let output = desk.command(&words).output().unwrap();
        prop_assert!(matches!(output.status.code(), Some(0..=2)), "{option} {text}: {output:?}");
    }
}
