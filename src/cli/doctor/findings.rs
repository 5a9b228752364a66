//! What facts mean: what is wrong, what follows from it, and what to install or do, by system.

use std::collections::BTreeSet;

use gpu_nn::gpu::{AdapterSummary, WORKGROUP_SIZE};

use super::facts::{Adapter, DeviceFile, Facts, ManifestState};

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Works, but not as it should.
    Warning,
    /// Keeps a GPU from being used.
    Problem,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// Something to know about a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// A name for programs: `no-adapter`, `no-loader`, ...
    pub name: &'static str,
    pub severity: Severity,
    /// What is so.
    pub what: String,
    /// What follows from it.
    pub means: String,
    /// What to do.
    pub remedy: String,
}

/// The least workgroup memory that WebGPU grants, bytes.
const WORKGROUP_MEMORY: u32 = 16 << 10;
/// The least array that it grants, bytes.
const ARRAY: u64 = 128 << 20;

/// Whether the program computes on this adapter as on a GPU.
pub fn is_usable(adapter: &Adapter) -> bool {
    !adapter.summary.software && adapter.refused.is_none() && adapter.wrong.is_none()
}

/// Everything that is to be said, the worst first.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    manifests(facts, &mut findings);
    loader_and_adapters(facts, &mut findings);
    device_files(facts, &mut findings);
    for (number, adapter) in facts.adapters.iter().enumerate() {
        of_adapter(number, adapter, &mut findings);
    }
    cache(facts, &mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Manifests that lead nowhere. Beside an adapter that works they are none of a user's trouble.
fn manifests(facts: &Facts, findings: &mut Vec<Finding>) {
    let harmless = facts.variable.is_none() && facts.adapters.iter().any(is_usable);
    let severity = if harmless { Severity::Note } else { Severity::Problem };
    let named_by = facts.variable.map_or_else(String::new, |name| format!(", named by {name}"));
    for manifest in &facts.manifests {
        let path = manifest.path.display();
        let (name, what, means) = match &manifest.state {
            ManifestState::Good => continue,
            ManifestState::Missing => (
                "missing-manifest",
                format!("there is no {path}{named_by}"),
                "Vulkan looks for its drivers there and finds none",
            ),
            ManifestState::Damaged(why) => (
                "damaged-manifest",
                format!("{path}{named_by} is no manifest of a Vulkan driver: {why}"),
                "the Vulkan loader skips that driver",
            ),
            ManifestState::NoLibrary(library) => (
                "missing-driver-library",
                format!("{path}{named_by} names {library}, which is not there"),
                "the driver is half removed, or was made for another system; the loader skips it",
            ),
        };
        let remedy = match facts.variable {
            Some(variable) => format!("correct {variable}, or unset it: then the standard folders count"),
            None => "install the driver's package again, or remove the manifest".to_owned(),
        };
        findings.push(Finding { name, severity, what, means: means.to_owned(), remedy });
    }
    if facts.os == "linux" && facts.manifests.is_empty() {
        findings.push(Finding {
            name: "no-driver",
            severity: Severity::Problem,
            what: "no manifest of a Vulkan driver is in any of the standard folders (icd.d)".into(),
            means: "no Vulkan driver is installed, whatever card there is".into(),
            remedy: install_driver(facts),
        });
    }
}

fn loader_and_adapters(facts: &Facts, findings: &mut Vec<Finding>) {
    let none = facts.adapters.is_empty();
    if none && !facts.loader {
        let remedy = match facts.os {
            "windows" => "install the card's driver from its maker: it brings vulkan-1.dll",
            _ => {
                "install it (Debian, Ubuntu: apt install libvulkan1; Fedora: dnf install vulkan-loader; Arch: pacman -S \
                  vulkan-icd-loader)"
            }
        };
        findings.push(Finding {
            name: "no-loader",
            severity: Severity::Problem,
            what: "the Vulkan loader is not installed".into(),
            means: "without it no Vulkan driver can be reached".into(),
            remedy: remedy.into(),
        });
    }
    if none {
        findings.push(Finding {
            name: "no-adapter",
            severity: Severity::Problem,
            what: "no adapter was found".into(),
            means: "there is no GPU, or no driver for it, or it is hidden from this process".into(),
            remedy: install_driver(facts),
        });
    } else if facts.adapters.iter().all(|adapter| adapter.summary.software) {
        findings.push(Finding {
            name: "software-only",
            severity: Severity::Problem,
            what: format!("the only adapter is {}, a software driver", facts.adapters[0].summary.name),
            means: "it computes on the CPU, where --backend cpu is faster; it is good for tests".into(),
            remedy: install_driver(facts),
        });
    }
}

/// How a driver for the GPU is had on this system, by its maker where that is known.
fn install_driver(facts: &Facts) -> String {
    let by_maker = match facts.os {
        "macos" => return "Metal comes with macOS 10.13 and newer; virtual machines often have none".into(),
        "windows" => {
            return "install the card's driver from its maker (NVIDIA, AMD, Intel); Direct3D 12 needs Windows 10; a \
                    remote desktop or virtual machine may hide the card"
                .into();
        }
        _ if facts.wsl => {
            return "in WSL the GPU comes through Windows: install the card's Windows driver, then Mesa's dzn in WSL (apt \
                    install mesa-vulkan-drivers), or run gpu-nn.exe on Windows"
                .into();
        }
        _ => {
            let makers: BTreeSet<&str> =
                facts.device_files.iter().filter_map(|file| file.vendor.as_deref()).collect();
            makers.into_iter().filter_map(package).collect::<Vec<_>>()
        }
    };
    match (&by_maker[..], facts.device_files.is_empty()) {
        ([], true) => "this machine shows no GPU (/dev/dri has none): in a container pass it in (docker: --device /dev/dri, or \
                       --gpus all for NVIDIA), in a virtual machine pass the card through"
            .into(),
        ([], false) => {
            "install the card's Vulkan driver (Debian, Ubuntu: apt install mesa-vulkan-drivers, or nvidia-driver)".into()
        }
        (packages, _) => format!("install the card's Vulkan driver: {}", packages.join("; ")),
    }
}

/// The driver for a maker's cards on Linux.
fn package(vendor: &str) -> Option<&'static str> {
    match vendor {
        "0x10de" => Some("NVIDIA's own (Debian: apt install nvidia-driver; Ubuntu: ubuntu-drivers install)"),
        "0x1002" => Some("Mesa's RADV for AMD (Debian, Ubuntu: apt install mesa-vulkan-drivers)"),
        "0x8086" => Some("Mesa's ANV for Intel (Debian, Ubuntu: apt install mesa-vulkan-drivers)"),
        _ => None,
    }
}

fn device_files(facts: &Facts, findings: &mut Vec<Finding>) {
    for DeviceFile { path, refused, .. } in &facts.device_files {
        let Some(why) = refused else { continue };
        let usable = facts.adapters.iter().any(is_usable);
        findings.push(Finding {
            name: "no-permission",
            severity: if usable { Severity::Note } else { Severity::Problem },
            what: format!("{} cannot be opened: {why}", path.display()),
            means: "the driver cannot reach the card for this user, and hides it".into(),
            remedy: "join the group that owns it (sudo usermod -aG render,video $USER) and log in again"
                .into(),
        });
    }
}

fn of_adapter(number: usize, adapter: &Adapter, findings: &mut Vec<Finding>) {
    let Adapter { summary, refused, loops, wrong } = adapter;
    let name = format!("adapter {number}, {}", summary.name);
    if let Some(why) = refused {
        findings.push(Finding {
            name: "not-opened",
            severity: Severity::Problem,
            what: format!("{name}, cannot be opened: {why}"),
            means: "the driver lists the card and then fails to give it".into(),
            remedy: "update the driver, and close programs that use the card".into(),
        });
    }
    if let Some(kernels) = wrong {
        findings.push(Finding {
            name: "computes-wrongly",
            severity: Severity::Problem,
            what: format!("{name}, failed `gpu-nn verify`: {kernels}"),
            means: "what failed is not chosen any more".into(),
            remedy: "update the driver and run `gpu-nn verify` again; `gpu-nn verify --json` belongs into a bug report"
                .into(),
        });
    }
    if let Some(words) = loops {
        findings.push(Finding {
            name: "loops-end-early",
            severity: Severity::Warning,
            what: format!("{name}, {}: {words}", summary.driver),
            means: "a fault of old drivers (Mesa 22's software one); gpu-nn cuts its loops shorter, other programs may \
                    compute wrongly without a word"
                .into(),
            remedy: "update the driver (Mesa 25 is right)".into(),
        });
    }
    let small = small_limits(summary);
    if !small.is_empty() {
        findings.push(Finding {
            name: "small-limits",
            severity: Severity::Warning,
            what: format!("{name}, has {}", small.join(", ")),
            means: "less than WebGPU grants everywhere: some networks or data sets are refused there".into(),
            remedy: "update the driver, or use --backend cpu for what is refused".into(),
        });
    }
}

/// The limits of an adapter that are below what WebGPU grants.
fn small_limits(summary: &AdapterSummary) -> Vec<String> {
    let mut small = Vec::new();
    if summary.max_workgroup_invocations < WORKGROUP_SIZE {
        small.push(format!("{} invocations a workgroup", summary.max_workgroup_invocations));
    }
    if summary.max_workgroup_memory < WORKGROUP_MEMORY {
        small.push(format!("{} KiB of memory a workgroup", summary.max_workgroup_memory >> 10));
    }
    if summary.max_array_bytes < ARRAY {
        small.push(format!("arrays of {} MiB", summary.max_array_bytes >> 20));
    }
    if summary.max_workgroups_per_dimension < u32::from(u16::MAX) {
        small.push(format!("{} workgroups a dimension", summary.max_workgroups_per_dimension));
    }
    small
}

fn cache(facts: &Facts, findings: &mut Vec<Finding>) {
    if let Some(why) = &facts.cache {
        findings.push(Finding {
            name: "no-cache",
            severity: Severity::Warning,
            what: format!("nothing can be kept from run to run: {why}"),
            means: "every training measures anew which backend and lowering are fastest, so that the same command may take \
                    another way and end with other last bits; and what `gpu-nn verify` finds wrong is forgotten"
                .into(),
            remedy: "make that folder writable, or set XDG_CACHE_HOME to one that is".into(),
        });
    }
}
