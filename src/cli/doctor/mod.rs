//! `gpu-nn doctor`: whether this machine has a GPU that can be used, and if not, why and what to do.

mod facts;
mod findings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use gpu_nn::gpu::{AdapterRequest, Api, Device, adapters};
use gpu_nn::verify::{Effort, Probe};
use gpu_nn::{Error, Result};
use serde_json::json;

use self::facts::{Adapter, Facts, ManifestState, Place};
use self::findings::{Finding, diagnose, is_usable};
use super::info::describe_json;
use super::{choices, console, verdicts};

/// Say whether this machine has a GPU that can be used, and if not, why and what to do.
///
/// Exit code 0 where a GPU can be used, 1 where only the CPU can.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let root = if cfg!(windows) { "C:\\" } else { "/" };
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let place =
        Place { os: std::env::consts::OS, root: root.into(), variables, cache: choices::cache_file() };
    let facts = place.facts(examined().await);
    let findings = diagnose(&facts);
    if args.json {
        console::print_json(&report(&facts, &findings))?;
    } else {
        console::print(&text(&facts, &findings))?;
    }
    if facts.adapters.iter().any(is_usable) {
        return Ok(());
    }
    let reason =
        "see what `gpu-nn doctor` lists; --backend cpu works here, on all cores, and is what auto takes";
    Err(Error::NoAdapter { wanted: "training on a GPU".into(), reason: reason.into() })
}

/// All adapters, each opened and asked how far its loops go.
async fn examined() -> Vec<Adapter> {
    let mut examined = Vec::new();
    for (number, summary) in adapters(Api::Any).await.into_iter().enumerate() {
        let request = AdapterRequest { api: Api::Any, name: Some(number.to_string()), software: true };
        let (mut refused, mut loops) = (None, None);
        match Device::open(&request).await {
            Ok(device) => {
                let check = Probe::loops().run(&device, Effort::Quick).await;
                loops = check.note.clone();
                if check.failed() {
                    refused = Some(format!("it fails at a first kernel: {:?}", check.verdict));
                }
            }
            Err(error) => refused = Some(error.to_string()),
        }
        let wrong = verdicts::wrong_kernels([&summary.api, &summary.name, &summary.driver]);
        examined.push(Adapter { summary, refused, loops, wrong });
    }
    examined
}

fn text(facts: &Facts, findings: &[Finding]) -> String {
    let mut text = format!("gpu-nn {} on {}\n\n", env!("CARGO_PKG_VERSION"), facts.os);
    for (number, adapter) in facts.adapters.iter().enumerate() {
        let summary = &adapter.summary;
        let state = match adapter {
            _ if is_usable(adapter) => "can be used",
            Adapter { refused: Some(_), .. } => "cannot be opened",
            Adapter { wrong: Some(_), .. } => "computes wrongly",
            _ => "computes on the CPU",
        };
        text += &format!("{number}: {} ({}), {}: {state}\n", summary.name, summary.kind, summary.driver);
    }
    let good = facts.manifests.iter().filter(|manifest| manifest.state == ManifestState::Good).count();
    if facts.os == "linux" {
        let loader = if facts.loader { "installed" } else { "not found" };
        let files = facts.device_files.len();
        text += &format!(
            "Vulkan loader {loader}, drivers with a manifest {good}, device files of cards {files}\n"
        );
    }
    for Finding { severity, what, means, remedy, .. } in findings {
        text += &format!(
            "\n{}: {}\n  means  {means}\n  do     {remedy}\n",
            severity.name(),
            console::clean(what)
        );
    }
    if findings.is_empty() {
        text += "\nNothing is wrong. `gpu-nn verify` checks that the GPU computes right.\n";
    }
    text
}

fn report(facts: &Facts, findings: &[Finding]) -> serde_json::Value {
    let adapters = facts.adapters.iter().enumerate().map(|(number, adapter)| {
        let mut described = describe_json(Some(number), &adapter.summary);
        described["usable"] = is_usable(adapter).into();
        described["refused"] = json!(adapter.refused);
        described["loops"] = json!(adapter.loops);
        described["wrong_kernels"] = json!(adapter.wrong);
        described
    });
    let manifests = facts.manifests.iter().map(|manifest| {
        json!({
            "path": manifest.path.display().to_string(),
            "good": manifest.state == ManifestState::Good,
        })
    });
    let findings = findings.iter().map(|finding| {
        json!({
            "name": finding.name,
            "severity": finding.severity.name(),
            "what": finding.what,
            "means": finding.means,
            "do": finding.remedy,
        })
    });
    json!({
        "gpu_nn": env!("CARGO_PKG_VERSION"),
        "system": { "os": facts.os, "arch": std::env::consts::ARCH, "wsl": facts.wsl },
        "gpu": facts.adapters.iter().any(is_usable),
        "adapters": adapters.collect::<Vec<_>>(),
        "loader": facts.loader,
        "manifests": manifests.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}
