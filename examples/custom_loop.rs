//! A training loop of one's own over an executor: the mean of the networks of the last epochs (Polyak & Juditsky 1992) beside
//! the last one.
//!
//! `cargo run --release --example custom_loop`
//!
//! Prints both costs on new samples, at a learning rate that keeps the network swinging. Single precision rounds differently on
//! other machines, so the figures differ a little there.

use std::ops::ControlFlow;

use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Descent, Lowering, Optimizer, Problem};
use gpu_nn::training::{Backend, BackendChoice, Executor};

const EPOCHS: usize = 400;

/// What the loop tells after an epoch.
struct Epoch<'a> {
    number: usize,
    /// The mean cost of its batches.
    cost: f64,
    executor: &'a Executor<'a>,
}

async fn train(
    mut executor: Executor<'_>,
    batches: usize,
    mut on_epoch: impl AsyncFnMut(Epoch<'_>) -> gpu_nn::Result<ControlFlow<()>>,
) -> gpu_nn::Result<Parameters> {
    for number in 1..=EPOCHS {
        let mut left = batches;
        while left > 0 {
            left -= executor.run(left).await?; // It may do fewer than asked for.
        }
        let costs = executor.take_costs().await?;
        let cost = costs.iter().sum::<f64>() / costs.len() as f64;
        if on_epoch(Epoch { number, cost, executor: &executor }).await?.is_break() {
            break;
        }
    }
    executor.parameters().await
}

fn moons(seed: u32) -> gpu_nn::Result<Dataset> {
    let options = GeneratorOptions { m: Some(600), seed: Some(seed), ..GeneratorOptions::default() };
    generate(Generator::NoisyMoons, &options)
}

async fn run() -> gpu_nn::Result<()> {
    let (data, fresh) = (moons(1)?, moons(2)?);
    let network = Network::new(2, parse_hidden("16,16", Activation::Tanh)?, 1, Loss::BinaryCrossEntropy)?;
    let parameters = initialize(&network, Initializer::Xavier, 2);
    let y = data.y();
    let problem = Problem {
        batch_size: 20,
        shuffle: Some(1),
        descent: Descent { optimizer: Optimizer::ADAM, ..Descent::sgd(0.05) },
        ..Problem::full_batch(&network, &parameters, &data.x, &y, data.m, 0.0)
    };
    let (backend, why) = Backend::open(BackendChoice::Auto, None).await?;
    println!("{network} on {} ({why})", backend.name());

    let (mut sum, mut count) = (vec![0.0; parameters.values().len()], 0.0);
    let executor = backend.executor(&problem, Lowering::Layerwise)?;
    let last = train(executor, problem.batches().count(), async |epoch| {
        if epoch.number > EPOCHS - 100 {
            let now = epoch.executor.parameters().await?;
            sum.iter_mut().zip(now.values()).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        if epoch.number % 100 == 0 {
            println!("  epoch {:>4}  cost {:.4}", epoch.number, epoch.cost);
        }
        Ok(match epoch.cost.is_finite() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    });
    let last = last.await?;

    let mean = Parameters::from_values(&network, sum.iter().map(|sum| sum / count).collect())?;
    println!("cost on new samples: {:.4} of the last network", backend.cost(&network, &last, &fresh).await?);
    println!(
        "                     {:.4} of the mean of {count}",
        backend.cost(&network, &mean, &fresh).await?
    );
    Ok(())
}

fn main() -> gpu_nn::Result<()> {
    pollster::block_on(run())
}
