//! Are tanh units better in the hidden layer than sigmoid units, and does ReLU learn faster?
//!
//! `cargo run --release --example tanh_against_sigmoid`
//!
//! Expected: with the course's learning rate 1.2, tanh has the lower cost in 10 of 10 seeds (0.5: 9 of 10), for its
//! values lie around 0 and those of a sigmoid around 1/2. ReLU, often said to learn faster, comes last with only four
//! units: 277 and 257 right in the median.

use gpu_nn::cpu_reference::Executor;
use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, initialize};
use gpu_nn::schedule::Problem;

const ITERATIONS: usize = 5_000;

fn main() -> gpu_nn::Result<()> {
    let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
    for learning_rate in [0.5, 1.2] {
        println!("4 hidden units, {ITERATIONS} iterations, learning rate {learning_rate}, seeds 2 to 11:");
        println!("{:<10}{:>13}{:>14}", "hidden", "median cost", "median right");
        let mut tanh_costs = Vec::new();
        for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Relu] {
            let runs = (2..=11).map(|seed| train(&flower, activation, learning_rate, seed));
            let (costs, right): (Vec<f64>, Vec<f64>) =
                runs.collect::<gpu_nn::Result<Vec<_>>>()?.into_iter().unzip();
            println!("{:<10}{:>13.6}{:>14.1}", activation.to_string(), median(&costs), median(&right));
            match activation {
                Activation::Tanh => tanh_costs = costs,
                Activation::Sigmoid => {
                    let wins = tanh_costs.iter().zip(&costs).filter(|(tanh, sigmoid)| tanh < sigmoid).count();
                    println!("  tanh has the lower cost in {wins} of {} seeds", costs.len());
                }
                _ => println!(),
            }
        }
    }
    Ok(())
}

/// The final cost and how many samples are right.
fn train(
    data: &Dataset,
    activation: Activation,
    learning_rate: f64,
    seed: u32,
) -> gpu_nn::Result<(f64, f64)> {
    let network = Network::new(2, vec![Layer { units: 4, activation }], 1, Loss::BinaryCrossEntropy)?;
    let initial = initialize(&network, Initializer::COURSE, seed);
    let y = data.y();
    let mut executor =
        Executor::new(&Problem::full_batch(&network, &initial, &data.x, &y, data.m, learning_rate))?;
    let mut left = ITERATIONS;
    while left > 0 {
        left -= executor.run(left); // It may do fewer than asked for.
    }
    let a = executor.predict(&data.x, data.m)?;
    let right = a.iter().zip(&y).filter(|(a, y)| (**a > 0.5) == (**y == 1.0)).count();
    Ok((executor.cost(), right as f64))
}

/// The mean of the two middle values of an even number of values.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    (sorted[half - 1] + sorted[half]) / 2.0
}
