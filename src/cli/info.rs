//! `gpu-nn info`: adapters, drivers, limits, and what `--backend auto` would choose.

use gpu_nn::Result;
use gpu_nn::gpu::{AdapterSummary, Api, adapters};
use gpu_nn::training::{Backend, BackendChoice};
use serde_json::json;

use super::{console, verdicts};

/// Adapters, drivers and limits, and which would be chosen.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let found = adapters(Api::Any).await;
    let (backend, why) = Backend::open(BackendChoice::Auto, None).await?;
    let (backend, why) = verdicts::heed(backend, why, true);
    if args.json {
        let adapters: Vec<_> =
            found.iter().enumerate().map(|(number, a)| describe_json(Some(number), a)).collect();
        return console::print_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "adapters": adapters,
            "auto": { "backend": backend.name(), "adapter": backend.adapter(), "why": why },
        }));
    }
    let mut text = format!("gpu-nn {}\n\n", env!("CARGO_PKG_VERSION"));
    if found.is_empty() {
        text += "No adapter. For a GPU install its Vulkan driver; Mesa's has a software one too\n\
                 (Debian, Ubuntu: apt install mesa-vulkan-drivers libvulkan1).\n";
    }
    for (number, adapter) in found.iter().enumerate() {
        text += &describe(number, adapter);
    }
    let chosen = backend.adapter().map_or_else(String::new, |adapter| format!(", {adapter}"));
    text += &format!("\n--backend auto chooses {}{chosen}: {why}\n", backend.name());
    console::print(&text)
}

/// What is known of an adapter's memory: `7,962 MiB`, or `at least 2,048 MiB`.
pub fn known_memory(adapter: &AdapterSummary) -> String {
    let mebibytes = console::thousands((adapter.memory_bytes >> 20) as usize);
    if adapter.software && cfg!(target_os = "linux") {
        format!("{mebibytes} MiB")
    } else {
        format!("at least {mebibytes} MiB")
    }
}

fn describe(number: usize, adapter: &AdapterSummary) -> String {
    format!(
        "{number}: {}\n   {}, {}, driver {}\n   {} of memory, arrays up to {} MiB, {} workgroups a dimension, {} invocations \
         and {} KiB of memory a workgroup\n",
        adapter.name,
        adapter.kind,
        adapter.api,
        adapter.driver,
        known_memory(adapter),
        adapter.max_array_bytes >> 20,
        console::thousands(adapter.max_workgroups_per_dimension as usize),
        console::thousands(adapter.max_workgroup_invocations as usize),
        adapter.max_workgroup_memory >> 10,
    )
}

/// An adapter in a report, with its number where that is known.
pub fn describe_json(number: Option<usize>, adapter: &AdapterSummary) -> serde_json::Value {
    json!({
        "number": number,
        "name": adapter.name,
        "driver": adapter.driver,
        "api": adapter.api,
        "kind": adapter.kind,
        "software": adapter.software,
        "memory_bytes": adapter.memory_bytes,
        "max_array_bytes": adapter.max_array_bytes,
        "max_workgroups_per_dimension": adapter.max_workgroups_per_dimension,
        "max_workgroup_invocations": adapter.max_workgroup_invocations,
        "max_workgroup_memory": adapter.max_workgroup_memory,
    })
}
