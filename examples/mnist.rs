//! Handwritten digits: the IDX files of MNIST, dropout, a cosine schedule, and the digits that are told apart worst.
//!
//! `cargo run --release --example mnist -- train-images-idx3-ubyte.gz t10k-images-idx3-ubyte.gz [EPOCHS]`; the files of the
//! labels are found beside those of the images.
//!
//! Expected: 15 epochs of 469 batches reach what the same settings of `gpu-nn train` do, about 98.5 % on the 10,000 test images.

use std::ops::ControlFlow;
use std::time::Instant;

use gpu_nn::data::{FileSource, ReadOptions, TargetKind};
use gpu_nn::fit::{Fit, Rates};
use gpu_nn::network::Initializer;
use gpu_nn::schedule::Optimizer;
use gpu_nn::training::Metric;

fn main() -> gpu_nn::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [training, test, rest @ ..] = &arguments[..] else {
        let reason = "give the files of the training images and of the test images";
        return Err(gpu_nn::Error::invalid("arguments", arguments.join(" "), reason));
    };
    let epochs = rest.first().and_then(|epochs| epochs.parse().ok()).unwrap_or(15);
    let options = ReadOptions { target: Some(TargetKind::Classes), ..ReadOptions::default() };
    let training = FileSource::new(training).read(&options)?;
    let test = FileSource::new(test).read(&options)?;
    println!("{} images to learn from, {} to be tested on", training.m(), test.m());

    let begin = Instant::now();
    // Bytes are pixels: they are divided by 255 without being asked for.
    let fit = Fit::builder()
        .hidden("512:relu,512:relu")
        .init(Initializer::He)
        .optimizer(Optimizer::ADAM)
        .batch_size(128)
        .epochs(epochs)
        .rates(Rates::Cosine)
        .dropout(0.2)
        .on_look(|look| {
            println!(
                "  {:>6} steps  cost {:.4}  {:.0?}",
                look.iteration,
                look.training_cost,
                begin.elapsed()
            );
            ControlFlow::Continue(())
        })
        .fit_table(&training)?;

    let metrics = fit.score(&test)?;
    let accuracy = metrics.accuracy_percent().unwrap_or(f64::NAN);
    let log_loss = metrics.get(Metric::LogLoss).unwrap_or(f64::NAN);
    println!("{}: {accuracy:.2} % of the test images, log loss {log_loss:.4}", fit.model().network);

    let predicted = fit.predict_classes(&test)?;
    let labels = test.targets().map(|targets| targets.of_rows(&test.rows()));
    if let Some(gpu_nn::data::Targets::Classes { labels, names }) = labels {
        let mut wrong = vec![0; names.len() * names.len()];
        for (&truth, &answer) in labels.iter().zip(&predicted).filter(|(truth, answer)| truth != answer) {
            wrong[truth as usize * names.len() + answer as usize] += 1;
        }
        let worst = (0..wrong.len()).max_by_key(|&pair| wrong[pair]).unwrap_or(0);
        let (truth, answer) = (&names[worst / names.len()], &names[worst % names.len()]);
        println!("most often, a {truth} is taken for a {answer}: {} times", wrong[worst]);
    }
    Ok(())
}
