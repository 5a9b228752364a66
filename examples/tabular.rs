//! Classes from a table: a CSV file with a header, watched on a part that is held out, stopped when that gets no better.
//!
//! `cargo run --release --example tabular` learns Fisher's irises (1936), 150 flowers of 3 species; another file as
//! `... --example tabular -- people.csv income`, with the name of the column to learn.
//!
//! Expected: it stops long before the last epoch, and the kept network knows nearly all of the 30 irises it never saw.

use std::ops::ControlFlow;

use gpu_nn::data::{FileSource, Impute, ReadOptions, TargetKind};
use gpu_nn::fit::Fit;
use gpu_nn::network::Initializer;
use gpu_nn::schedule::Optimizer;
use gpu_nn::training::Metric;

fn main() -> gpu_nn::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "examples/iris.csv".into());
    let source = FileSource { label: arguments.next(), ..FileSource::new(path) };
    let table = source.read(&ReadOptions { target: Some(TargetKind::Classes), ..ReadOptions::default() })?;
    println!("{}: {} rows of {} columns", table.name(), table.m(), table.columns().len());

    // Numbers are standardised and texts become a feature a category without being asked for.
    let fit = Fit::builder()
        .hidden("32:relu,16:relu")
        .init(Initializer::He)
        .optimizer(Optimizer::ADAM)
        .learning_rate(0.003)
        .batch_size(32)
        .epochs(500)
        .l2(1e-4)
        .impute(Impute::Median)
        .validation(0.15)
        .test(0.2)
        .patience(30)
        .on_look(|look| {
            if let Some(metrics) = look.validation.as_ref().filter(|_| look.best) {
                let cost = metrics.get(Metric::Cost).unwrap_or(f64::NAN);
                println!("  iteration {:>5}  validation cost {cost:.4}  best so far", look.iteration);
            }
            ControlFlow::Continue(())
        })
        .fit_table(&table)?;

    println!(
        "{} on {}, kept after {} iterations",
        fit.model().network,
        fit.backend().name(),
        fit.iteration()
    );
    if let Some(test) = fit.test() {
        for (metric, value) in test.values() {
            println!("  test {:<18} {value:.4}", metric.name());
        }
    }
    let first = fit.predict_classes(&table)?[0] as usize;
    println!("the first row is taken for {}", fit.model().class_names[first]);
    Ok(())
}
