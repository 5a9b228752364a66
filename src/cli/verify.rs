//! `gpu-nn verify`: the user's own adapter held against the reference, as a table or a report to attach to a bug report.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gpu_nn::gpu::{AdapterRequest, AdapterSummary, Api, Device};
use gpu_nn::schedule::Lowering;
use gpu_nn::training::BackendChoice;
use gpu_nn::verify::{Check, Effort, Probe, Verdict, avoid, suspects};
use gpu_nn::{Error, Result};
use serde_json::{Value, json};

use super::console::{self, Console, thousands};
use super::info::describe_json;
use super::verdicts;

/// Prove this machine's GPU right: every kernel and lowering against plain double-precision loops.
///
/// Each check compares at awkward sizes: kernels alone, large arguments and NaN, long loops, gradients against central
/// differences, short trainings in every lowering, the same bits in three runs. A lowering that fails is named, and not
/// chosen any more on that adapter and driver. Exit code 1 where anything failed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which adapters: auto (a GPU, or else a software driver), gpu, vulkan, metal, dx12
    #[arg(long, value_name = "BACKEND", default_value = "auto", help_heading = "Backend")]
    backend: BackendChoice,
    /// Part of an adapter's or driver's name, or its number in `gpu-nn info`
    #[arg(long, value_name = "NAME", help_heading = "Backend")]
    adapter: Option<String>,
    /// Fewer sizes; every kernel all the same
    #[arg(long)]
    quick: bool,
    /// Print one JSON object: adapter, limits, versions and all checks
    #[arg(long)]
    json: bool,
}

impl Args {
    fn request(&self) -> Result<AdapterRequest> {
        let api = match self.backend {
            BackendChoice::Auto | BackendChoice::Gpu => Api::Any,
            BackendChoice::Vulkan => Api::Vulkan,
            BackendChoice::Metal => Api::Metal,
            BackendChoice::Dx12 => Api::Dx12,
            host @ (BackendChoice::Cpu | BackendChoice::CpuReference) => {
                let reason = "it has no kernels; `gpu-nn gradcheck --backend cpu` checks its gradients";
                return Err(Error::invalid("backend", host, reason));
            }
        };
        Ok(AdapterRequest { api, name: self.adapter.clone(), software: self.backend != BackendChoice::Gpu })
    }
}

pub async fn run(args: Args) -> Result<()> {
    let request = args.request()?;
    let device = Device::open(&request).await?;
    let adapter = device.summary().clone();
    let effort = if args.quick { Effort::Quick } else { Effort::Full };
    let console = Console::new(!args.json, 0);
    console.line(&heading(&adapter))?;
    let begin = Instant::now();
    let probes = Probe::all();
    let mut checks = Vec::with_capacity(probes.len());
    for probe in &probes {
        let check = probe.run(&device, effort).await;
        console.line(&row(&check))?;
        let stop = check.device_failed;
        checks.push(check);
        if stop {
            console.line("the device itself failed; what is left cannot be checked on it")?;
            break;
        }
    }
    verdicts::remember([&adapter.api, &adapter.name, &adapter.driver], &checks);
    let time = begin.elapsed();
    if args.json {
        console::print_json(&report(&adapter, effort, &checks, probes.len(), time))?;
    }
    conclude(&adapter, &checks, probes.len(), time, &console)
}

fn heading(adapter: &AdapterSummary) -> String {
    let AdapterSummary { name, api, driver, kind, .. } = adapter;
    format!(
        "adapter   {name} ({kind}), {api}, driver {driver}\n\n{:<36}{:>10}{:>14}{:>12}  verdict",
        "check", "numbers", "worst error", "tolerance"
    )
}

/// One line of the table, and what there is to say beneath it.
fn row(check: &Check) -> String {
    let (verdict, words) = match &check.verdict {
        Verdict::Passed => ("ok", check.note.as_deref()),
        Verdict::Failed(words) => ("FAILED", Some(words.as_str())),
        Verdict::Skipped(words) => ("skipped", Some(words.as_str())),
    };
    let Check { name, values, worst, tolerance, .. } = check;
    let numbers = thousands(*values);
    let mut text = format!("{name:<36}{numbers:>10}{worst:>14.1e}{tolerance:>12.1e}  {verdict}");
    if let Some(words) = words {
        text += &format!("\n    {}", console::clean(words));
    }
    text
}

fn conclude(
    adapter: &AdapterSummary,
    checks: &[Check],
    planned: usize,
    time: Duration,
    console: &Console,
) -> Result<()> {
    let failed = checks.iter().filter(|check| check.failed()).count();
    if failed == 0 {
        let kernels: BTreeSet<&str> = checks.iter().flat_map(|check| &check.kernels).copied().collect();
        let skipped = checks.iter().filter(|check| matches!(check.verdict, Verdict::Skipped(_))).count();
        let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} of them skipped") };
        return console.line(&format!(
            "\nall {} checks of {} kernels passed{skipped} in {}",
            checks.len(),
            kernels.len(),
            console::seconds(time)
        ));
    }
    let lowerings: Vec<&str> = avoid(checks).iter().map(|lowering| lowering.name()).collect();
    let consequence = match &lowerings[..] {
        [] => "no lowering depends on it".to_owned(),
        all if all.contains(&Lowering::Layerwise.name()) => {
            "--backend auto takes the CPU from now on instead of this adapter".to_owned()
        }
        some => format!("{} will not be chosen on this adapter any more", some.join(" and ")),
    };
    console.line(&format!("\n{failed} of {} checks failed; {consequence}", checks.len()))?;
    let kernels = suspects(checks);
    let kernels = if kernels.is_empty() { "the driver itself".to_owned() } else { kernels.join(", ") };
    Err(Error::Unproved { adapter: adapter.name.clone(), failed, checks: planned, kernels })
}

fn report(
    adapter: &AdapterSummary,
    effort: Effort,
    checks: &[Check],
    planned: usize,
    time: Duration,
) -> Value {
    let lowerings: Vec<&str> = avoid(checks).iter().map(|lowering| lowering.name()).collect();
    json!({
        "gpu_nn": env!("CARGO_PKG_VERSION"),
        "system": { "os": std::env::consts::OS, "arch": std::env::consts::ARCH },
        "adapter": describe_json(None, adapter),
        "effort": if effort == Effort::Quick { "quick" } else { "full" },
        "seconds": time.as_secs_f64(),
        "passed": !checks.iter().any(Check::failed),
        "checks_planned": planned,
        "wrong_kernels": suspects(checks),
        "avoided_lowerings": lowerings,
        "checks": checks.iter().map(check_json).collect::<Vec<_>>(),
    })
}

fn check_json(check: &Check) -> Value {
    let (verdict, words) = match &check.verdict {
        Verdict::Passed => ("passed", None),
        Verdict::Failed(words) => ("failed", Some(words)),
        Verdict::Skipped(words) => ("skipped", Some(words)),
    };
    json!({
        "name": check.name,
        "lowering": check.lowering.map(Lowering::name),
        "kernels": check.kernels,
        "numbers": check.values,
        // JSON has no infinity and no NaN: both are null.
        "worst_error": check.worst,
        "tolerance": check.tolerance,
        "verdict": verdict,
        "reason": words,
        "note": check.note,
        "seconds": check.seconds,
    })
}
