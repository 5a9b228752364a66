//! burn on wgpu (kernel fusion and autotuning on, as by default) and on flex, its CPU backend; gradients by hand.
//!
//! Autotuning happens while warming up. Nothing is read back during a run; it ends with a sync of the device.

use burn::prelude::*;
use burn::tensor::activation::{log_softmax, sigmoid, softplus};
use burn::tensor::{DeviceKind, TensorData};
use rust_peers::{Array, Given, Hidden, Output, Ready, Result, Shape, measure};

/// Tunes and compiles: autotuning decides in the first steps.
const WARM_UP: usize = 3;

fn main() -> Result<()> {
    measure(prepare, ("burn", "0.22.1"))
}

fn prepare(given: &Given, form: &str) -> Result<Box<dyn Ready>> {
    let device = match form {
        "flex" => Device::flex(),
        "wgpu" => Device::wgpu(DeviceKind::DefaultDevice),
        _ => return Err(format!("no backend {form}").into()),
    };
    match given.work.networks {
        1 => ready::<2>(given, device),
        _ => ready::<3>(given, device),
    }
}

/// `D`: 2 for a network, 3 for a population.
fn ready<const D: usize>(given: &Given, device: Device) -> Result<Box<dyn Ready>> {
    let (shape, rate, iterations) = (given.work.shape, given.work.rate, given.work.iterations);
    let weights: Vec<Tensor<D>> = given.weights.iter().map(|array| tensor(array, &device)).collect();
    if given.work.predicts {
        let x = tensor(&given.x, &device);
        let mut predicting = Predicting { shape, weights, x, device, iterations: WARM_UP, a: None };
        predicting.run()?;
        predicting.iterations = iterations;
        return Ok(Box::new(predicting));
    }
    let batches: Vec<_> =
        given.batches().iter().map(|(x, y)| (tensor(x, &device), tensor(y, &device))).collect();
    let first = weights.clone();
    let mut training = Training { shape, rate, weights, batches, device, costs: Vec::new() };
    // Every size of batch, from the last back to the first.
    for i in (0..training.batches.len()).rev().take(2).cycle().take(2 * WARM_UP) {
        training.step(i);
    }
    training.device.sync()?;
    training.weights = first;
    training.costs.clear();
    Ok(Box::new(TrainingRun { training, iterations }))
}

fn tensor<const D: usize>(array: &Array, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(array.values.clone(), array.shape.clone()), device)
}

fn array<const D: usize>(tensor: Tensor<D>) -> Result<Array> {
    Ok(Array { shape: tensor.dims().to_vec(), values: tensor.into_data().try_into_vec::<f32>()? })
}

struct Training<const D: usize> {
    shape: Shape,
    rate: f64,
    weights: Vec<Tensor<D>>,
    batches: Vec<(Tensor<D>, Tensor<D>)>,
    device: Device,
    costs: Vec<Tensor<D>>,
}

struct TrainingRun<const D: usize> {
    training: Training<D>,
    iterations: usize,
}

impl<const D: usize> Ready for TrainingRun<D> {
    fn run(&mut self) -> Result<()> {
        for i in 0..self.iterations {
            self.training.step(i % self.training.batches.len());
        }
        Ok(self.training.device.sync()?)
    }

    fn result(self: Box<Self>) -> Result<Vec<Array>> {
        self.training.weights.into_iter().map(array).collect()
    }
}

struct Predicting<const D: usize> {
    shape: Shape,
    weights: Vec<Tensor<D>>,
    x: Tensor<D>,
    device: Device,
    iterations: usize,
    a: Option<Tensor<D>>,
}

impl<const D: usize> Ready for Predicting<D> {
    fn run(&mut self) -> Result<()> {
        for _ in 0..self.iterations {
            let (_, z) = forward(self.shape, &self.weights, &self.x);
            self.a = Some(sigmoid(z));
            self.device.sync()?;
        }
        Ok(())
    }

    fn result(self: Box<Self>) -> Result<Vec<Array>> {
        self.a.into_iter().map(array).collect()
    }
}

/// The activations, x first, and the logits.
fn forward<const D: usize>(
    shape: Shape,
    weights: &[Tensor<D>],
    x: &Tensor<D>,
) -> (Vec<Tensor<D>>, Tensor<D>) {
    let mut activations = vec![x.clone()];
    let hidden = weights.len() / 2 - 1;
    for layer in 0..hidden {
        let z =
            weights[2 * layer].clone().matmul(activations[layer].clone()) + weights[2 * layer + 1].clone();
        activations.push(match shape.hidden {
            Hidden::Tanh => z.tanh(),
            Hidden::Relu => burn::tensor::activation::relu(z),
        });
    }
    let z = weights[2 * hidden].clone().matmul(activations[hidden].clone()) + weights[2 * hidden + 1].clone();
    (activations, z)
}

impl<const D: usize> Training<D> {
    /// One step of gradient descent on a batch; keeps the cost before it.
    fn step(&mut self, batch: usize) {
        let (x, target) = self.batches[batch].clone();
        let m = x.dims()[D - 1] as f64;
        let (activations, z) = forward(self.shape, &self.weights, &x);
        let (costs, delta) = match self.shape.output {
            Output::Sigmoid => (softplus(z.clone(), 1.0) - z.clone() * target.clone(), sigmoid(z) - target),
            Output::Softmax => {
                let log_a = log_softmax(z, D - 2);
                (log_a.clone().neg() * target.clone(), log_a.exp() - target)
            }
        };
        self.costs.push(costs.sum_dim(D - 1).sum_dim(D - 2) / m);
        let mut delta = delta / m;
        for layer in (0..activations.len()).rev() {
            let a = &activations[layer];
            let w = self.weights[2 * layer].clone();
            let dw = delta.clone().matmul(a.clone().swap_dims(D - 2, D - 1));
            let db = delta.clone().sum_dim(D - 1);
            if layer > 0 {
                let da = w.clone().swap_dims(D - 2, D - 1).matmul(delta.clone());
                delta = match self.shape.hidden {
                    Hidden::Tanh => da * (a.clone() * a.clone()).neg().add_scalar(1.0),
                    Hidden::Relu => da.mask_fill(a.clone().lower_equal_elem(0.0), 0.0),
                };
            }
            self.weights[2 * layer] = w - dw * self.rate;
            self.weights[2 * layer + 1] = self.weights[2 * layer + 1].clone() - db * self.rate;
        }
    }
}
