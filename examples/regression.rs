//! Real values: a noisy surface over two features, and how near the network comes to what can be known of it.
//!
//! `cargo run --release --example regression`
//!
//! Expected: the root mean squared error on new samples comes near 0.1, the noise that nobody can predict; a linear model (no
//! hidden layer) stays far above it.

use gpu_nn::data::{Dataset, NumpyRandom, Targets};
use gpu_nn::fit::Fit;
use gpu_nn::network::{Activation, Initializer};
use gpu_nn::schedule::Optimizer;
use gpu_nn::training::Metric;

const NOISE: f64 = 0.1;

/// y = sin(2 x1) + x2^2 / 2 with noise, for x1 and x2 around 0.
fn surface(m: usize, seed: u32) -> gpu_nn::Result<Dataset> {
    let mut random = NumpyRandom::new(seed);
    let x: Vec<f64> = (0..2 * m).map(|_| random.standard_normal()).collect();
    let (x1, x2) = x.split_at(m);
    let y = x1.iter().zip(x2).map(|(x1, x2)| (2.0 * x1).sin() + x2 * x2 / 2.0);
    let values = y.map(|y| y + NOISE * random.standard_normal()).collect();
    Dataset::new("surface", x, vec!["x1".into(), "x2".into()], Targets::Values { values, n_outputs: 1 })
}

fn main() -> gpu_nn::Result<()> {
    let (training, test) = (surface(2_000, 1)?, surface(1_000, 2)?);
    println!("{:>16}{:>10}{:>10}{:>10}{:>10}", "hidden layers", "epochs", "R2", "MAE", "RMSE");
    for hidden in ["none", "8", "32,32"] {
        let fit = Fit::builder()
            .hidden(hidden)
            .activation(Activation::Tanh)
            .init(Initializer::Xavier)
            .optimizer(Optimizer::ADAM)
            .learning_rate(0.005)
            .batch_size(64)
            .epochs(300)
            .validation(0.2)
            .patience(30)
            .fit(&training)?;
        let metrics = fit.score(&test)?;
        let of = |metric| metrics.get(metric).unwrap_or(f64::NAN);
        let (r2, mae, rmse) = (of(Metric::R2), of(Metric::Mae), of(Metric::Rmse));
        println!("{hidden:>16}{:>10}{r2:>10.4}{mae:>10.4}{rmse:>10.4}", fit.looks().len());
    }
    println!("the noise alone has a root mean square of {NOISE}");
    Ok(())
}
