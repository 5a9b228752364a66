//! Which learning rates converge, which are too slow, and which swing?
//!
//! `cargo run --release --example learning_rates`
//!
//! Expected: up to 1.2 the cost never rises, though 0.001 and 0.01 have hardly begun after 5,000 steps (217 and 234 of
//! 400 right); from 2 on it rises in about half of all steps and yet sinks on the whole; from 20 on it jumps about and
//! ends high. Rounding decides the exact figures of the swinging runs, so other machines print slightly others.

use gpu_nn::cpu_reference::Executor;
use gpu_nn::data::{Generator, GeneratorOptions, generate};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, initialize};
use gpu_nn::schedule::Problem;

const ITERATIONS: usize = 5_000;

const LEARNING_RATES: [f64; 18] =
    [0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 20.0, 50.0, 100.0];

fn main() -> gpu_nn::Result<()> {
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    let (x, y, m) = (&flower.x, flower.y(), flower.m);
    let hidden = vec![Layer { units: 4, activation: Activation::Tanh }];
    let network = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy)?;

    println!("{network} on {m} points, {ITERATIONS} iterations:");
    println!("{:>8}{:>12}{:>12}{:>8}{:>8}  verdict", "rate", "last cost", "highest", "rises", "right");
    for learning_rate in LEARNING_RATES {
        let initial = initialize(&network, Initializer::COURSE, 2);
        let mut executor = Executor::new(&Problem::full_batch(&network, &initial, x, &y, m, learning_rate))?;
        let mut left = ITERATIONS;
        while left > 0 {
            left -= executor.run(left); // It may do fewer than asked for.
        }
        let mut costs = executor.take_costs();
        costs.push(executor.cost());
        let a = executor.predict(x, m)?;
        let right = a.iter().zip(&y).filter(|(a, y)| (**a > 0.5) == (**y == 1.0)).count();

        let rises = costs.windows(2).filter(|pair| pair[1] > pair[0]).count();
        let highest = costs.iter().copied().fold(f64::MIN, f64::max);
        let last = costs[ITERATIONS];
        let verdict = verdict(rises, last, &costs[ITERATIONS - 1_000..]);
        println!("{learning_rate:>8}{last:>12.6}{highest:>12.4}{rises:>8}{right:>8}  {verdict}");
    }
    Ok(())
}

/// Judges a run by how often its cost rose, where it ended, and its last 1,000 costs.
fn verdict(rises: usize, last: f64, end: &[f64]) -> &'static str {
    let highest_at_end = end.iter().copied().fold(f64::MIN, f64::max);
    match rises {
        0 if last > 0.5 => "converges, but too slowly",
        0 => "converges",
        _ if highest_at_end < 0.5 => "swings, yet sinks",
        _ => "swings and does not settle",
    }
}
