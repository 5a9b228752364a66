//! `gpu-nn gradcheck`: a network's gradients against central differences, and a step of a backend against those gradients.

use gpu_nn::cpu_reference::cost_and_gradients;
use gpu_nn::network::{Network, Parameters};
use gpu_nn::schedule::{Lowering, Problem};
use gpu_nn::training::{Backend, GRADIENT_TOLERANCE, MatrixCheck, gradient_check};
use gpu_nn::{Error, Result};
use serde_json::json;

use super::console;
use super::options::{BackendArgs, at_least_one};
use super::setup_options::{Setup, SetupArgs};

/// Compare a network's gradients with central differences of its cost, in double precision, and one step of a backend with
/// both.
///
/// Exit code 1 where they disagree. A relu has no derivative at 0: with many units, one of them may lie within the step of
/// it; another --init-seed tells.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Elements of each matrix to check at most, evenly spread
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one, allow_negative_numbers = true)]
    elements: usize,
    /// Print one JSON object
    #[arg(long, help_heading = "Results")]
    json: bool,
}

/// So far may a step in single precision lie from the gradient, relative to the largest.
const STEP_TOLERANCE: f64 = 1e-5;

pub async fn run(args: Args) -> Result<()> {
    let Setup { dataset, network, parameters, .. } = args.setup.setup()?;
    let (y, m) = (dataset.y(), dataset.m);
    let checks = gradient_check(&network, &parameters, &dataset.x, &y, m, args.elements)?;
    let (backend, why) = args.backend.open().await?;
    let problem = Problem::full_batch(&network, &parameters, &dataset.x, &y, m, 1.0);
    let step = step_error(&backend, &problem).await?;
    let wrong: Vec<&str> =
        checks.iter().filter(|check| !check.agrees()).map(|check| check.name.as_str()).collect();
    if args.json {
        let matrices = checks.iter().map(|check| {
            json!({
                "name": check.name, "elements": check.elements, "checked": check.checked,
                "largest_gradient": check.largest, "worst": check.worst, "agrees": check.agrees(),
            })
        });
        console::print_json(&json!({
            "network": network.to_string(),
            "tolerance": GRADIENT_TOLERANCE,
            "matrices": matrices.collect::<Vec<_>>(),
            "backend": backend.name(),
            "step": { "worst": step, "tolerance": STEP_TOLERANCE, "agrees": step <= STEP_TOLERANCE },
        }))?;
    } else {
        console::print(&table(&network, &checks, &why, step))?;
    }
    verdict(&wrong, &backend, step)
}

/// The largest difference of a step with learning rate 1 from the gradient, relative to the largest.
async fn step_error(backend: &Backend, problem: &Problem<'_>) -> Result<f64> {
    let Problem { network, parameters, x, y, m, .. } = *problem;
    let (_, gradients) = cost_and_gradients(network, parameters, x, y, m)?;
    let mut executor = backend.executor(problem, Lowering::Layerwise)?;
    executor.run(1).await?;
    let after: Parameters = executor.parameters().await?;
    let scale = gradients.values().iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let steps = parameters.values().iter().zip(after.values()).map(|(before, after)| before - after);
    let worst = steps.zip(gradients.values()).map(|(step, gradient)| (step - gradient).abs() / scale);
    Ok(worst.fold(0.0, |most, off| if off <= most { most } else { off }))
}

fn table(network: &Network, checks: &[MatrixCheck], why: &str, step: f64) -> String {
    let mut text = format!(
        "network   {network}\nbackend   {why}\n\n{:<8}{:>10}{:>10}{:>18}{:>22}\n",
        "matrix", "elements", "checked", "largest gradient", "largest difference"
    );
    for MatrixCheck { name, elements, checked, largest, worst } in checks {
        text += &format!("{name:<8}{elements:>10}{checked:>10}{largest:>18.3e}{worst:>22.1e}\n");
    }
    text + &format!(
        "\nDifferences are relative to the largest gradient of the network; up to {GRADIENT_TOLERANCE:.0e} is rounding.\n\
         A step of the backend differs by {step:.1e}; up to {STEP_TOLERANCE:.0e} is single precision.\n"
    )
}

fn verdict(wrong: &[&str], backend: &Backend, step: f64) -> Result<()> {
    if !wrong.is_empty() {
        let problem = format!(
            "the gradients of {} differ from central differences; try another --init-seed, and if it stays so report it",
            wrong.join(", ")
        );
        return Err(Error::data("gradcheck", problem));
    }
    if step > STEP_TOLERANCE || step.is_nan() {
        let problem = format!(
            "a step of {} differs by {step:.1e} from the gradient; report it with the output of `gpu-nn info`",
            backend.name()
        );
        return Err(Error::data("gradcheck", problem));
    }
    Ok(())
}
