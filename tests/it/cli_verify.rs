//! `gpu-nn verify` and what follows from it: the table, the report, and lowerings and devices that are not chosen any more.

use std::collections::BTreeMap;
use std::fs;

use crate::command::{Desk, failure};
use crate::gpu_support::device;
use crate::support::{list, number};

/// Puts a verdict on the test adapter into the desk's cache, as `verify` would after failures.
fn put_verdict(desk: &Desk, verdict: &str) {
    let summary = device().unwrap().summary();
    let [api, adapter, driver] = [&summary.api, &summary.name, &summary.driver];
    let key = format!("verify | {api} | {adapter} | {driver} | {}", env!("CARGO_PKG_VERSION"));
    fs::create_dir_all(desk.choices().parent().unwrap()).unwrap();
    let text = serde_json::to_string(&BTreeMap::from([(key, verdict)])).unwrap();
    fs::write(desk.choices(), text).unwrap();
}

#[test]
fn a_report_has_everything_that_a_bug_report_needs() {
    if device().is_none() {
        return;
    }
    let desk = Desk::new();
    let report = desk.json("verify --quick --json");
    assert_eq!((&report["passed"], &report["effort"]), (&true.into(), &"quick".into()));
    assert_eq!(report["gpu_nn"], env!("CARGO_PKG_VERSION"));
    for field in ["name", "driver", "api", "max_array_bytes", "max_workgroup_memory"] {
        assert!(!report["adapter"][field].is_null(), "{field}: {report}");
    }
    assert!(list(&report["wrong_kernels"]).is_empty() && list(&report["avoided_lowerings"]).is_empty());
    let checks = list(&report["checks"]);
    assert_eq!(number(&report["checks_planned"]), checks.len() as f64);
    for check in checks {
        assert_eq!(check["verdict"], "passed", "{check}");
        assert!(number(&check["numbers"]) > 0.0 && !list(&check["kernels"]).is_empty(), "{check}");
        assert!(number(&check["worst_error"]) <= number(&check["tolerance"]), "{check}");
    }
    let kept = fs::read_to_string(desk.choices()).unwrap();
    assert!(kept.contains("verify | ") && kept.contains("\"passed\""), "{kept}");
}

#[test]
fn backends_without_kernels_and_adapters_that_are_not_there_are_refused() {
    let desk = Desk::new();
    let error = failure(&desk, "verify --backend cpu", 2);
    assert!(error.contains("gradcheck"), "{error}");
    if device().is_some() {
        let error = failure(&desk, "verify --adapter nonsense", 1);
        assert!(error.contains("nonsense"), "{error}");
    }
}

#[test]
fn a_lowering_that_failed_is_not_chosen() {
    if device().is_none() {
        return;
    }
    let desk = Desk::new();
    let train = "train --backend vulkan --iterations 300 --no-plots";
    put_verdict(&desk, "failed | resident | resident_registers");
    let text = desk.output(train);
    let line = text.lines().find(|line| line.starts_with("lowering")).unwrap();
    assert!(!line.starts_with("lowering  resident"), "{line}");
    assert!(line.contains("resident failed `gpu-nn verify`"), "{line}");
    // Nor is it a choice of earlier runs.
    let chosen = fs::read_to_string(desk.choices()).unwrap();
    assert!(chosen.contains("failed | resident"), "the verdict is lost: {chosen}");
    let tampered: String =
        chosen.replace("\"layerwise\"", "\"resident\"").replace("\"fused\"", "\"resident\"");
    assert_ne!(tampered, chosen);
    fs::write(desk.choices(), tampered).unwrap();
    let line = desk.output(train);
    assert!(line.contains("resident failed `gpu-nn verify`"), "{line}");
    // Measuring anew does not make it right.
    let text = desk.output(&format!("{train} --retune"));
    assert!(text.contains("resident failed `gpu-nn verify`"), "{text}");
}

#[test]
fn a_lowering_that_failed_runs_when_asked_for_with_a_warning() {
    if device().is_none() {
        return;
    }
    let desk = Desk::new();
    put_verdict(&desk, "failed | resident | resident_registers");
    let train = "train --backend vulkan --iterations 100 --no-plots --lowering";
    let assert = desk.gpu_nn(&format!("{train} resident")).success();
    let warning = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(warning.starts_with("warning: resident failed") && warning.lines().count() == 1, "{warning}");
    // Another lowering is none of its business.
    desk.output(&format!("{train} fused"));
}

#[test]
fn a_device_that_failed_is_used_with_a_warning_when_asked_for() {
    if device().is_none() {
        return;
    }
    let desk = Desk::new();
    put_verdict(&desk, "failed | layerwise | matmul_bias, row_sum");
    let assert = desk.gpu_nn("train --backend vulkan --iterations 100 --no-plots").success();
    let warning = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(warning.contains("matmul_bias, row_sum") && warning.contains("--backend cpu"), "{warning}");
    assert_eq!(warning.lines().count(), 1, "{warning}");
    desk.output("predict runs/flower-1 --backend cpu");
}

#[test]
fn a_verdict_on_another_driver_or_version_counts_for_nothing() {
    if device().is_none() {
        return;
    }
    let desk = Desk::new();
    put_verdict(&desk, "failed | layerwise, fused, resident | matmul_bias");
    let text = fs::read_to_string(desk.choices()).unwrap();
    let driver = &device().unwrap().summary().driver;
    fs::write(desk.choices(), text.replace(driver.as_str(), "another driver")).unwrap();
    let text = desk.output("train --backend vulkan --iterations 100 --no-plots");
    assert!(!text.contains("verify"), "{text}");
}

#[test]
fn a_sweep_leaves_out_what_failed() {
    if device().is_none() {
        return;
    }
    let desk = Desk::new();
    put_verdict(&desk, "failed | resident | resident_workgroup");
    desk.output("sweep --backend vulkan --hidden 2,3 --iterations 50 --no-plots");
    let assert =
        desk.gpu_nn("sweep --backend vulkan --hidden 2,3 --iterations 50 --no-plots --lowering resident");
    let warning = String::from_utf8(assert.success().get_output().stderr.clone()).unwrap();
    assert!(warning.starts_with("warning: resident failed"), "{warning}");
}
