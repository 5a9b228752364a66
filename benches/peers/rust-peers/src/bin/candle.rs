//! candle on the CPU: gradients written out by hand, which spares it the graph that its autograd walks every step.

use candle_core::{D, Device, Tensor};
use candle_nn::ops::{log_softmax, sigmoid};
use rust_peers::{Array, Given, Hidden, Output, Ready, Result, Shape, measure};

fn main() -> Result<()> {
    measure(prepare, ("candle-core", "0.11.1"))
}

fn prepare(given: &Given, _form: &str) -> Result<Box<dyn Ready>> {
    let weights = given.weights.iter().map(tensor).collect::<Result<Vec<_>>>()?;
    let (shape, rate, iterations) = (given.work.shape, given.work.rate, given.work.iterations);
    if given.work.predicts {
        let mut predicting = Predicting { shape, weights, x: tensor(&given.x)?, iterations: 1, a: None };
        predicting.run()?;
        predicting.iterations = iterations;
        return Ok(Box::new(predicting));
    }
    let batches =
        given.batches().iter().map(|(x, y)| Ok((tensor(x)?, tensor(y)?))).collect::<Result<Vec<_>>>()?;
    // One step on a copy wakes the threads.
    step(shape, rate, &mut weights.clone(), &batches[0])?;
    Ok(Box::new(Training { shape, rate, weights, batches, iterations, costs: Vec::new() }))
}

fn tensor(array: &Array) -> Result<Tensor> {
    Ok(Tensor::from_slice(&array.values, array.shape.as_slice(), &Device::Cpu)?)
}

fn array(tensor: &Tensor) -> Result<Array> {
    Ok(Array { shape: tensor.dims().to_vec(), values: tensor.flatten_all()?.to_vec1()? })
}

struct Training {
    shape: Shape,
    rate: f64,
    weights: Vec<Tensor>,
    batches: Vec<(Tensor, Tensor)>,
    iterations: usize,
    costs: Vec<Tensor>,
}

impl Ready for Training {
    fn run(&mut self) -> Result<()> {
        for i in 0..self.iterations {
            let batch = &self.batches[i % self.batches.len()];
            self.costs.push(step(self.shape, self.rate, &mut self.weights, batch)?);
        }
        Ok(())
    }

    fn result(self: Box<Self>) -> Result<Vec<Array>> {
        self.weights.iter().map(array).collect()
    }
}

struct Predicting {
    shape: Shape,
    weights: Vec<Tensor>,
    x: Tensor,
    iterations: usize,
    a: Option<Tensor>,
}

impl Ready for Predicting {
    fn run(&mut self) -> Result<()> {
        for _ in 0..self.iterations {
            let (_, z) = forward(self.shape, &self.weights, &self.x)?;
            self.a = Some(sigmoid(&z)?);
        }
        Ok(())
    }

    fn result(self: Box<Self>) -> Result<Vec<Array>> {
        self.a.iter().map(array).collect()
    }
}

/// The activations, x first, and the logits.
fn forward(shape: Shape, weights: &[Tensor], x: &Tensor) -> Result<(Vec<Tensor>, Tensor)> {
    let mut activations = vec![x.clone()];
    let mut layers = weights.chunks_exact(2).map(|pair| (&pair[0], &pair[1]));
    let last = layers.next_back().ok_or("a network has layers")?;
    for (w, b) in layers {
        let z = w.matmul(&activations[activations.len() - 1])?.broadcast_add(b)?;
        activations.push(match shape.hidden {
            Hidden::Tanh => z.tanh()?,
            Hidden::Relu => z.relu()?,
        });
    }
    let z = last.0.matmul(&activations[activations.len() - 1])?.broadcast_add(last.1)?;
    Ok((activations, z))
}

/// One step of gradient descent; the cost before it.
fn step(shape: Shape, rate: f64, weights: &mut [Tensor], (x, target): &(Tensor, Tensor)) -> Result<Tensor> {
    let (activations, z) = forward(shape, weights, x)?;
    let m = x.dim(D::Minus1)? as f64;
    let (cost, delta) = match shape.output {
        Output::Sigmoid => {
            // max(z, 0) - z y + ln(1 + exp(-|z|))
            let softplus = (z.relu()? + (z.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
            (((softplus - (&z * target)?)?.sum((D::Minus1, D::Minus2))? / m)?, (sigmoid(&z)? - target)?)
        }
        Output::Softmax => {
            let log_a = log_softmax(&z, D::Minus2)?;
            (((&log_a * target)?.sum_all()? / -m)?, (log_a.exp()? - target)?)
        }
    };
    let mut delta = (delta / m)?;
    for layer in (0..activations.len()).rev() {
        let a = &activations[layer];
        let dw = delta.matmul(&a.t()?)?;
        let db = delta.sum_keepdim(D::Minus1)?;
        if layer > 0 {
            let da = weights[2 * layer].t()?.matmul(&delta)?;
            delta = match shape.hidden {
                Hidden::Tanh => (da * a.sqr()?.affine(-1.0, 1.0)?)?,
                Hidden::Relu => (da * a.gt(0f32)?.to_dtype(a.dtype())?)?,
            };
        }
        weights[2 * layer] = (&weights[2 * layer] - (dw * rate)?)?;
        weights[2 * layer + 1] = (&weights[2 * layer + 1] - (db * rate)?)?;
    }
    Ok(cost)
}
