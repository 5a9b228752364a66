//! Machines of all kinds, as folders and variables: what the doctor says of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gpu_nn::gpu::AdapterSummary;
use tempfile::TempDir;

use super::facts::{Adapter, Facts, Place};
use super::findings::{Finding, Severity, diagnose, is_usable};

/// A machine below a folder of its own.
struct Machine {
    root: TempDir,
    os: &'static str,
    variables: BTreeMap<String, String>,
    adapters: Vec<Adapter>,
    cache: String,
}

impl Machine {
    fn new(os: &'static str) -> Self {
        let cache = "cache/choices.json".to_owned();
        Self {
            root: tempfile::tempdir().unwrap(),
            os,
            variables: BTreeMap::new(),
            adapters: Vec::new(),
            cache,
        }
    }

    /// One with everything that a GPU takes on Linux.
    fn healthy() -> Self {
        let mut machine = Self::new("linux");
        machine.put("usr/lib/libvulkan.so.1", "");
        machine.put("usr/lib/libvulkan_radeon.so", "");
        machine.put("usr/share/vulkan/icd.d/radeon.json", &manifest("/usr/lib/libvulkan_radeon.so"));
        machine.put("dev/dri/renderD128", "");
        machine.adapters.push(adapter("Radeon", false));
        machine
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.root.path().join(path)).unwrap();
    }

    fn set(&mut self, variable: &str, path: &str) {
        let value = self.root.path().join(path).display().to_string();
        self.variables.insert(variable.into(), value);
    }

    fn facts(&self) -> Facts {
        let root = self.root.path().to_path_buf();
        let cache = Some(root.join(&self.cache));
        let place = Place { os: self.os, root, variables: self.variables.clone(), cache };
        place.facts(self.adapters.clone())
    }

    fn findings(&self) -> Vec<Finding> {
        diagnose(&self.facts())
    }

    /// The finding of a name, which has to be there.
    #[track_caller]
    fn finding(&self, name: &str) -> Finding {
        let all = self.findings();
        all.iter()
            .find(|finding| finding.name == name)
            .cloned()
            .unwrap_or_else(|| panic!("{name} is not in {all:?}"))
    }

    fn names(&self) -> Vec<&'static str> {
        self.findings().iter().map(|finding| finding.name).collect()
    }
}

fn manifest(library: &str) -> String {
    format!(
        r#"{{"file_format_version": "1.0.0", "ICD": {{"library_path": "{library}", "api_version": "1.3.0"}}}}"#
    )
}

fn adapter(name: &str, software: bool) -> Adapter {
    let summary = AdapterSummary {
        name: name.into(),
        driver: "a driver 1.2".into(),
        api: "vulkan".into(),
        kind: if software { "software (CPU)" } else { "discrete GPU" },
        software,
        memory_bytes: 8 << 30,
        max_array_bytes: 1 << 31,
        max_workgroup_invocations: 1_024,
        max_workgroup_memory: 32 << 10,
        max_workgroups_per_dimension: 65_535,
    };
    Adapter { summary, refused: None, loops: None, wrong: None }
}

#[test]
fn a_healthy_machine_has_nothing_to_be_said_of_it() {
    let machine = Machine::healthy();
    assert_eq!(machine.findings(), []);
    assert!(is_usable(&machine.adapters[0]));
}

#[test]
fn without_a_loader_it_is_to_be_installed() {
    let mut machine = Machine::healthy();
    machine.adapters.clear();
    machine.remove("usr/lib/libvulkan.so.1");
    let finding = machine.finding("no-loader");
    assert_eq!(finding.severity, Severity::Problem);
    assert!(finding.remedy.contains("libvulkan1"), "{finding:?}");
    // One in a folder of the user's own counts.
    machine.put("own/libvulkan.so.1", "");
    machine.set("LD_LIBRARY_PATH", "own");
    assert!(!machine.names().contains(&"no-loader"));
    let windows = Machine::new("windows");
    assert!(windows.finding("no-loader").remedy.contains("maker"));
    assert!(!Machine::new("macos").names().contains(&"no-loader"));
}

#[test]
fn without_an_adapter_each_system_has_its_own_way() {
    for (os, word) in [("windows", "Direct3D 12"), ("macos", "Metal"), ("linux", "docker")] {
        let finding = Machine::new(os).finding("no-adapter");
        assert!(finding.remedy.contains(word), "{os}: {finding:?}");
    }
    let wsl = Machine::new("linux");
    wsl.put("proc/version", "Linux version 5.15.0-microsoft-standard-WSL2");
    assert!(wsl.finding("no-adapter").remedy.contains("dzn"));
}

#[test]
fn a_card_without_its_driver_is_known_by_its_maker() {
    for (vendor, driver) in [("0x10de", "nvidia-driver"), ("0x1002", "RADV"), ("0x8086", "ANV")] {
        let machine = Machine::new("linux");
        machine.put("dev/dri/renderD128", "");
        machine.put("sys/class/drm/renderD128/device/vendor", &format!("{vendor}\n"));
        for name in ["no-adapter", "no-driver"] {
            assert!(machine.finding(name).remedy.contains(driver), "{vendor}");
        }
    }
}

#[test]
fn a_manifest_that_names_a_missing_library_is_found() {
    let mut machine = Machine::healthy();
    machine.adapters.clear();
    machine.remove("usr/lib/libvulkan_radeon.so");
    let finding = machine.finding("missing-driver-library");
    assert_eq!(finding.severity, Severity::Problem);
    assert!(
        finding.what.contains("radeon.json") && finding.what.contains("libvulkan_radeon.so"),
        "{finding:?}"
    );
    assert!(finding.remedy.contains("install"), "{finding:?}");
    // A bare name is looked for where libraries are, a relative one beside the manifest.
    machine.put("usr/share/vulkan/icd.d/radeon.json", &manifest("libvulkan_lvp.so"));
    machine.finding("missing-driver-library");
    machine.put("usr/lib/x86_64-linux-gnu/libvulkan_lvp.so", "");
    assert!(!machine.names().contains(&"missing-driver-library"));
    machine.put("usr/share/vulkan/icd.d/radeon.json", &manifest("./own.so"));
    machine.finding("missing-driver-library");
    machine.put("usr/share/vulkan/icd.d/own.so", "");
    assert!(!machine.names().contains(&"missing-driver-library"));
}

#[test]
fn beside_a_gpu_that_works_a_stale_manifest_is_a_note() {
    let machine = Machine::healthy();
    machine.put("etc/vulkan/icd.d/old.json", &manifest("/gone.so"));
    assert_eq!(machine.finding("missing-driver-library").severity, Severity::Note);
}

#[test]
fn variables_that_lead_nowhere_are_named() {
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        let mut machine = Machine::healthy();
        machine.adapters.clear();
        machine.set(variable, "nowhere.json");
        let finding = machine.finding("missing-manifest");
        assert!(finding.what.contains(variable) && finding.remedy.contains("unset"), "{finding:?}");
        // With a variable the standard folders do not count.
        assert_eq!(machine.facts().manifests.len(), 1);
        machine.put("nowhere.json", "{");
        assert!(machine.finding("damaged-manifest").what.contains("nowhere.json"));
        machine.put("nowhere.json", "{}");
        assert!(machine.finding("damaged-manifest").what.contains("library_path"));
        machine.put("nowhere.json", &manifest("/usr/lib/libvulkan_radeon.so"));
        assert!(!machine.names().iter().any(|name| name.ends_with("-manifest")));
    }
}

#[test]
fn several_manifests_in_one_variable_are_each_looked_at() {
    let mut machine = Machine::healthy();
    let path = |name: &str| machine.root.path().join(name).display().to_string();
    let value = [path("a.json"), path("usr/share/vulkan/icd.d/radeon.json")].join(":");
    machine.variables.insert("VK_DRIVER_FILES".into(), value);
    let names = machine.names();
    assert_eq!((names, machine.facts().manifests.len()), (vec!["missing-manifest"], 2));
}

#[test]
fn a_software_driver_alone_is_no_gpu() {
    let mut machine = Machine::healthy();
    machine.adapters = vec![adapter("llvmpipe", true)];
    let finding = machine.finding("software-only");
    assert!(finding.what.contains("llvmpipe") && finding.means.contains("--backend cpu"), "{finding:?}");
    assert!(!is_usable(&machine.adapters[0]));
    machine.adapters.push(adapter("Radeon", false));
    assert!(!machine.names().contains(&"software-only"));
}

#[test]
fn what_is_wrong_with_an_adapter_is_said_with_its_number() {
    let mut machine = Machine::healthy();
    machine.adapters[0].refused = Some("out of handles".into());
    assert!(machine.finding("not-opened").what.contains("adapter 0, Radeon"));
    assert!(!is_usable(&machine.adapters[0]));
    machine.adapters[0] = Adapter { wrong: Some("row_sum".into()), ..adapter("Radeon", false) };
    assert!(machine.finding("computes-wrongly").what.contains("row_sum"));
    assert!(!is_usable(&machine.adapters[0]));
    machine.adapters[0] = Adapter { loops: Some("65535 rounds".into()), ..adapter("Radeon", false) };
    assert_eq!(machine.finding("loops-end-early").severity, Severity::Warning);
    assert!(is_usable(&machine.adapters[0]), "kernels keep within the limit");
}

#[test]
fn limits_below_what_webgpu_grants_are_named() {
    let mut machine = Machine::healthy();
    let summary = &mut machine.adapters[0].summary;
    (summary.max_array_bytes, summary.max_workgroup_memory) = (64 << 20, 8 << 10);
    (summary.max_workgroup_invocations, summary.max_workgroups_per_dimension) = (32, 1_000);
    let finding = machine.finding("small-limits");
    for part in ["64 MiB", "8 KiB", "32 invocations", "1000 workgroups"] {
        assert!(finding.what.contains(part), "{part}: {finding:?}");
    }
}

#[test]
fn a_device_file_that_cannot_be_opened_asks_for_a_group() {
    let machine = Machine::healthy();
    machine.remove("dev/dri/renderD128");
    // Nobody, not even root, opens a folder for writing.
    fs::create_dir(machine.root.path().join("dev/dri/renderD128")).unwrap();
    let finding = machine.finding("no-permission");
    assert!(finding.what.contains("renderD128") && finding.remedy.contains("usermod"), "{finding:?}");
    assert_eq!(finding.severity, Severity::Note, "the GPU works all the same");
    let mut without = machine;
    without.adapters.clear();
    assert_eq!(without.finding("no-permission").severity, Severity::Problem);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let mut machine = Machine::healthy();
    // A file where the folder should be.
    machine.put("cache", "");
    let finding = machine.finding("no-cache");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.remedy.contains("XDG_CACHE_HOME"), "{finding:?}");
    machine.cache = "other/choices.json".into();
    assert_eq!(machine.findings(), []);
    let left = fs::read_dir(machine.root.path().join("other")).unwrap().count();
    assert_eq!(left, 0, "the trial is left behind");
    let nowhere = Place { os: "linux", root: Path::new("/").into(), variables: BTreeMap::new(), cache: None };
    assert!(nowhere.facts(Vec::new()).cache.is_some());
}

#[test]
fn the_worst_comes_first() {
    let mut machine = Machine::healthy();
    machine.put("cache", "");
    machine.adapters[0].refused = Some("busy".into());
    let severities: Vec<Severity> = machine.findings().iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Problem, Severity::Warning]);
}
