//! What the user reads when a training has ended.

use std::time::Duration;

use gpu_nn::Result;
use gpu_nn::training::Stopped;

use super::{Args, Prepared};
use crate::cli::console::{self, Console, thousands};
use crate::cli::fit::{Fit, describe};
use crate::cli::pictures;
use crate::cli::run_folder::RunFolder;
use crate::cli::steps::describe_metrics;

/// Says how the training ended, how good the network is, and what was written.
pub(super) fn conclude(
    args: &Args,
    run: &Prepared,
    fit: &Fit,
    folder: &RunFolder,
    written: &[&str],
    console: &Console,
) -> Result<()> {
    match fit.trained.stopped {
        Some(Stopped::NoImprovement { .. }) => {
            let metric = args.validation.metric;
            console.line(&format!("stopped   no better {metric} for a while; the best network is kept"))?;
        }
        Some(Stopped::OutOfTime) => console.line("stopped   the time was up (--max-time)")?,
        Some(Stopped::Converged) => console.line("stopped   no step changes anything any more")?,
        Some(Stopped::Cancelled) | None => {}
    }
    let n = thousands(fit.trained.iteration);
    console.line(&format!("  cost after {n} iterations  {:.6}", fit.trained.cost_after_last))?;
    let best = fit.trained.looks.iter().rfind(|look| look.iteration == fit.trained.iteration);
    if let Some(metrics) = best.and_then(|look| look.validation.as_ref()) {
        console.line(&format!("watched   {}", describe_metrics(metrics)))?;
    }
    if let Some(metrics) = &fit.test {
        console.line(&format!("tested    {}", describe_metrics(metrics)))?;
    }
    if let Some(text) = describe(fit.score) {
        console.line(&format!("accuracy  {text}"))?;
    }
    let time = |seconds: f64| console::seconds(Duration::from_secs_f64(seconds));
    console.line(&format!(
        "time      {} of training after {} of setup",
        time(fit.seconds.train),
        time(fit.seconds.setup)
    ))?;
    let path = folder.path().display();
    console.line(&format!("wrote     {path}: {}", written.join(", ")))?;
    if !args.results.no_plots {
        say_why_no_boundary(run, console)?;
    }
    console.line(&format!("next      gpu-nn evaluate {path}   or   gpu-nn predict {path} --data FILE.csv"))
}

/// Says why there is no decision boundary, where there is none.
fn say_why_no_boundary(run: &Prepared, console: &Console) -> Result<()> {
    let dataset = &run.parts.training;
    if run.parts.streams.is_some() {
        return console.line("          (no decision boundary: that takes samples in memory)");
    }
    if pictures::check_drawable(dataset).is_ok() {
        return Ok(());
    }
    let (name, n_x) = (&dataset.name, dataset.n_features);
    console.line(&format!("          (no decision boundary: that takes 2 features, {name} has {n_x})"))
}
