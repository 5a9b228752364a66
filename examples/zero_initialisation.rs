//! Why do weights not start at zero, when the weights of logistic regression may?
//!
//! `cargo run --release --example zero_initialisation`
//!
//! Expected: from all zeros every gradient is exactly 0, nothing moves and 200 of 400 are right; from equal weights the
//! four hidden units stay copies of one another (262 right); random weights reach 362; logistic regression reaches its
//! optimum from zero, cost 0.673146.

use gpu_nn::cpu_reference::{Executor, cost_and_gradients};
use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, Parameters, initialize};
use gpu_nn::schedule::Problem;

const ITERATIONS: usize = 5_000;

fn main() -> gpu_nn::Result<()> {
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    let hidden = vec![Layer { units: 4, activation: Activation::Tanh }];
    let shallow = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy)?;

    let zeros = Parameters::zeros(&shallow);
    let (_, gradients) = cost_and_gradients(&shallow, &zeros, &flower.x, &flower.y(), flower.m)?;
    let moving = gradients.values().iter().filter(|&&g| g != 0.0).count();
    println!("At zero, {moving} of {} gradients are not exactly 0.\n", gradients.values().len());

    let mut equal = Parameters::zeros(&shallow);
    equal.weight_mut(0).fill(0.5);
    equal.weight_mut(1).fill(0.5);
    let random = initialize(&shallow, Initializer::COURSE, 2);
    println!("{ITERATIONS} iterations with learning rate 1.2:");
    println!("{:<22}{:>10}{:>9}  hidden units", "start", "cost", "right");
    for (start, initial) in [("all zero", zeros), ("all weights 0.5", equal), ("random * 0.01", random)] {
        let (cost, right, parameters) = train(&shallow, initial, &flower, 1.2)?;
        let units = if are_copies(&parameters) { "copies of one another" } else { "all different" };
        println!("{start:<22}{cost:>10.6}{right:>9}  {units}");
    }

    let logistic = Network::new(2, vec![], 1, Loss::BinaryCrossEntropy)?;
    let (cost, right, _) = train(&logistic, Parameters::zeros(&logistic), &flower, 0.5)?;
    println!("\nLogistic regression has no hidden units to tell apart, and may start at zero:");
    println!("cost {cost:.6}, {right} right, the best a straight line can do.");
    Ok(())
}

/// The final cost, how many samples are right, and the parameters.
fn train(
    network: &Network,
    initial: Parameters,
    data: &Dataset,
    learning_rate: f64,
) -> gpu_nn::Result<(f64, usize, Parameters)> {
    let y = data.y();
    let mut executor =
        Executor::new(&Problem::full_batch(network, &initial, &data.x, &y, data.m, learning_rate))?;
    let mut left = ITERATIONS;
    while left > 0 {
        left -= executor.run(left); // It may do fewer than asked for.
    }
    let a = executor.predict(&data.x, data.m)?;
    let right = a.iter().zip(&y).filter(|(a, y)| (**a > 0.5) == (**y == 1.0)).count();
    Ok((executor.cost(), right, executor.parameters().clone()))
}

/// Whether all hidden units have the same weights and bias, to the last bit.
fn are_copies(parameters: &Parameters) -> bool {
    let same = |values: &[f64], width: usize| values.chunks(width).all(|unit| unit == &values[..width]);
    same(parameters.weight(0), 2) && same(parameters.bias(0), 1) && same(parameters.weight(1), 1)
}
