//! What is a hidden layer worth without an activation function?
//!
//! `cargo run --release --example linear_collapse`
//!
//! Expected: nothing. W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2) is one linear function: 17 parameters end at the
//! cost, the 188 of 400 and, to ten digits, the decision function of logistic regression with its 3 parameters.

use gpu_nn::cpu_reference::Executor;
use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, Parameters, initialize};
use gpu_nn::schedule::Problem;

const ITERATIONS: usize = 5_000;

fn main() -> gpu_nn::Result<()> {
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    let hidden = vec![Layer { units: 4, activation: Activation::Identity }];
    let linear = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy)?;
    let logistic = Network::new(2, vec![], 1, Loss::BinaryCrossEntropy)?;

    let deep = train(&linear, initialize(&linear, Initializer::COURSE, 2), &flower)?;
    let collapsed = collapse(&deep);
    let flat = train(&logistic, Parameters::zeros(&logistic), &flower)?;
    let flat = [flat.weight(0)[0], flat.weight(0)[1], flat.bias(0)[0]];

    println!("Decision functions, class 1 where they are positive:");
    for (name, [w1, w2, b]) in [("collapsed", collapsed), ("logistic", flat)] {
        println!("{name:>10}: {w1:+.12} x1 {w2:+.12} x2 {b:+.12}");
    }
    let difference = collapsed.iter().zip(flat).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("\nThey differ by {difference:.0e} at most: without an activation, depth adds nothing.");
    Ok(())
}

/// Trains, prints what came of it, and returns the parameters.
fn train(network: &Network, initial: Parameters, data: &Dataset) -> gpu_nn::Result<Parameters> {
    let (n_parameters, y) = (initial.values().len(), data.y());
    let mut executor = Executor::new(&Problem::full_batch(network, &initial, &data.x, &y, data.m, 0.5))?;
    let mut left = ITERATIONS;
    while left > 0 {
        left -= executor.run(left); // It may do fewer than asked for.
    }
    let a = executor.predict(&data.x, data.m)?;
    let right = a.iter().zip(&y).filter(|(a, y)| (**a > 0.5) == (**y == 1.0)).count();
    let cost = executor.cost();
    println!("{network}: {n_parameters} parameters, cost {cost:.10}, {right} of {} right", data.m);
    Ok(executor.parameters().clone())
}

/// W2 W1 and W2 b1 + b2: the weights and the bias of the one linear function.
fn collapse(p: &Parameters) -> [f64; 3] {
    let (w1, b1, w2, b2) = (p.weight(0), p.bias(0), p.weight(1), p.bias(1));
    let mut result = [0.0, 0.0, b2[0]];
    for (i, w2_i) in w2.iter().enumerate() {
        result[0] += w2_i * w1[2 * i];
        result[1] += w2_i * w1[2 * i + 1];
        result[2] += w2_i * b1[i];
    }
    result
}
