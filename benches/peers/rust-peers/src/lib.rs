//! What the Rust peers share: reading a work's file, the two clocks, the result file. No peer's own types.
//!
//! `PEER WORK FORM WORK_FILE RESULT_FILE`, as the Python peers are called (benches/peers/measure.py): runs the work once
//! and prints one JSON object. The files' tensors are described in benches/peers/works.py.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use cpu_time::ProcessTime;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Deserialize;

/// Anything that can go wrong ends the process with a message.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The fields of a work that a peer needs.
#[derive(Deserialize)]
pub struct Work {
    /// Steps of training, or calls of prediction.
    pub iterations: usize,
    /// Units of every layer, the features first.
    pub layers: Vec<usize>,
    /// What the layers compute.
    pub shape: Shape,
    /// Step size of gradient descent.
    pub rate: f64,
    /// Samples of a step; none: all.
    pub batch: Option<usize>,
    /// More than one: a population.
    pub networks: usize,
    /// Whether to predict, not to train.
    pub predicts: bool,
}

/// Activation of the hidden layers, and the output with its cost.
#[derive(Clone, Copy, Deserialize)]
pub struct Shape {
    /// Of all hidden layers.
    pub hidden: Hidden,
    /// Of the last layer.
    pub output: Output,
}

/// An activation.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Hidden {
    /// tanh
    Tanh,
    /// max(0, z)
    Relu,
}

/// An output with its cost.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// One unit, binary cross-entropy.
    Sigmoid,
    /// One unit a class, cross-entropy.
    Softmax,
}

/// A row-major array.
#[derive(Clone)]
pub struct Array {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// As many values.
    pub values: Vec<f32>,
}

impl Array {
    /// Columns `from` to `to` of a matrix, contiguous.
    fn columns(&self, from: usize, to: usize) -> Self {
        let rows = self.values.chunks_exact(self.shape[1]);
        Self {
            shape: vec![self.shape[0], to - from],
            values: rows.flat_map(|row| &row[from..to]).copied().collect(),
        }
    }

    /// Copies of it, `n` of them in a new first dimension.
    fn repeated(&self, n: usize) -> Self {
        Self { shape: [&[n], self.shape.as_slice()].concat(), values: self.values.repeat(n) }
    }
}

/// A work with its data.
pub struct Given {
    /// What to do.
    pub work: Work,
    /// Samples are columns: (features, m).
    pub x: Array,
    /// W1, b1, W2, b2, ...: (out, in) and (out, 1), in a population with the networks in front.
    pub weights: Vec<Array>,
    y: Vec<f32>,
}

impl Given {
    fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
        let description = metadata.metadata().as_ref().and_then(|entries| entries.get("work"));
        let work: Work = serde_json::from_str(description.ok_or("the file does not describe its work")?)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let array = |name: &str| -> Result<Array> {
            let tensor = file.tensor(name)?;
            let doubles = tensor.data().as_chunks::<8>().0.iter();
            let values = doubles.map(|bytes| f64::from_le_bytes(*bytes) as f32).collect();
            Ok(Array { shape: tensor.shape().to_vec(), values })
        };
        let names = (1..work.layers.len()).flat_map(|layer| [format!("W{layer}"), format!("b{layer}")]);
        let weights = names.map(|name| array(&name)).collect::<Result<_>>()?;
        Ok(Self { x: array("x")?, y: array("y")?.values, weights, work })
    }

    /// Every batch of an epoch: samples (features, n) and targets (outputs, n), in a population once for each network.
    pub fn batches(&self) -> Vec<(Array, Array)> {
        let (m, outputs) = (self.y.len(), self.work.layers[self.work.layers.len() - 1]);
        let is = |class: usize| self.y.iter().map(move |&y| f32::from(y as usize == class));
        let values = match self.work.shape.output {
            Output::Sigmoid => self.y.clone(),
            Output::Softmax => (0..outputs).flat_map(is).collect(),
        };
        let target = Array { shape: vec![outputs, m], values };
        let size = self.work.batch.unwrap_or(m);
        let batch = |from: usize| {
            let to = (from + size).min(m);
            let (x, target) = (self.x.columns(from, to), target.columns(from, to));
            match self.work.networks {
                1 => (x, target),
                n => (x.repeated(n), target.repeated(n)),
            }
        };
        (0..m).step_by(size).map(batch).collect()
    }
}

/// A work that has been compiled and tried out, and waits to be run once.
pub trait Ready {
    /// Does the work; returns when the device has done it.
    fn run(&mut self) -> Result<()>;

    /// The trained weights in their order, or the predictions (1, m) alone.
    fn result(self: Box<Self>) -> Result<Vec<Array>>;
}

/// The whole process but for `prepare`, which gets the work and the form.
pub fn measure(
    prepare: impl FnOnce(&Given, &str) -> Result<Box<dyn Ready>>,
    version: (&str, &str),
) -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [_work, form, given, result] = arguments.as_slice() else {
        return Err("usage: PEER WORK FORM WORK_FILE RESULT_FILE".into());
    };
    let begun = Instant::now();
    let given = Given::read(given.as_ref())?;
    let mut ready = prepare(&given, form)?;
    let setup_seconds = begun.elapsed().as_secs_f64();
    let (started, cpu_started) = (Instant::now(), ProcessTime::try_now()?);
    ready.run()?;
    let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), cpu_started.try_elapsed()?.as_secs_f64());
    write(result.as_ref(), &given.work, ready.result()?)?;
    let report = serde_json::json!({
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "setup_seconds": setup_seconds,
        "versions": {version.0: version.1},
    });
    println!("{report}");
    Ok(())
}

fn write(path: &Path, work: &Work, mut arrays: Vec<Array>) -> Result<()> {
    let named = |i: usize| match work.predicts {
        true => "a".to_owned(),
        false => format!("{}{}", ["W", "b"][i % 2], i / 2 + 1),
    };
    if let (true, [a]) = (work.predicts, arrays.as_mut_slice()) {
        a.shape = vec![a.values.len()];
    }
    let bytes =
        |array: &Array| array.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<Vec<u8>> = arrays.iter().map(bytes).collect();
    let views =
        arrays.iter().zip(&data).enumerate().map(|(i, (array, data))| {
            Ok((named(i), TensorView::new(Dtype::F32, array.shape.clone(), data)?))
        });
    let views = views.collect::<Result<BTreeMap<_, _>>>()?;
    Ok(safetensors::serialize_to_file(views, None, path)?)
}
