//! What goes wrong when the first weights are a thousand times too large?
//!
//! `cargo run --release --example large_initialisation`
//!
//! Expected: with weights times 1000, 99.6% of the hidden values are -1 or 1 to six digits, so their derivative is
//! nearly 0; the first step moves W1 by 6e-8 of its length, and after 5,000 steps the cost is still 31 and 254 of 400
//! are right, against 0.22 and 362 with the course's 0.01.

use gpu_nn::cpu_reference::{Executor, activate, cost_and_gradients, matmul_bias};
use gpu_nn::data::{Generator, GeneratorOptions, generate};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, initialize};
use gpu_nn::schedule::Problem;

const ITERATIONS: usize = 5_000;
const LEARNING_RATE: f64 = 1.2;

fn main() -> gpu_nn::Result<()> {
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    let (x, y, m) = (&flower.x, flower.y(), flower.m);
    let hidden = vec![Layer { units: 4, activation: Activation::Tanh }];
    let network = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy)?;

    println!("{ITERATIONS} iterations with learning rate {LEARNING_RATE}:");
    println!(
        "{:>8}{:>12}{:>14}{:>18}{:>14}{:>12}{:>8}",
        "weights", "saturated", "mean tanh'", "first step of W1", "first cost", "last cost", "right"
    );
    for scale in [0.01, 1.0, 10.0, 1000.0] {
        let initial = initialize(&network, Initializer::Normal { scale }, 2);

        // A1 = tanh(W1 X + b1), by hand: how many hidden values have reached the flat ends of tanh?
        let (mut z1, mut a1) = (vec![0.0; 4 * m], vec![0.0; 4 * m]);
        matmul_bias(initial.weight(0), x, initial.bias(0), &mut z1, m);
        activate(Activation::Tanh, &z1, &mut a1);
        let saturated = a1.iter().filter(|a| a.abs() > 0.999_999).count() as f64 / a1.len() as f64;
        let mean_derivative = a1.iter().map(|a| 1.0 - a * a).sum::<f64>() / a1.len() as f64;

        let (first_cost, gradients) = cost_and_gradients(&network, &initial, x, &y, m)?;
        let first_step = LEARNING_RATE * length(gradients.weight(0)) / length(initial.weight(0));

        let mut executor = Executor::new(&Problem::full_batch(&network, &initial, x, &y, m, LEARNING_RATE))?;
        let mut left = ITERATIONS;
        while left > 0 {
            left -= executor.run(left); // It may do fewer than asked for.
        }
        let a2 = executor.predict(x, m)?;
        let right = a2.iter().zip(&y).filter(|(a, y)| (**a > 0.5) == (**y == 1.0)).count();
        println!(
            "{:>8}{:>11.1}%{mean_derivative:>14.1e}{first_step:>18.1e}{first_cost:>14.4}{:>12.4}{right:>8}",
            format!("*{scale}"),
            100.0 * saturated,
            executor.cost()
        );
    }
    println!("\nWhere tanh is flat no error comes through to W1: only W2 and b2 learn, and slowly.");
    Ok(())
}

/// The length of the values as a vector.
fn length(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
