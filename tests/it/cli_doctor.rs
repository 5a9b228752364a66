//! `gpu-nn doctor` as a user runs it: exit codes, the text and the report; machines of all kinds are beside its code.

use serde_json::Value;

use crate::command::{Desk, failure};
use crate::gpu_support::device;
use crate::support::list;

fn report(desk: &Desk, variable: Option<(&str, &str)>) -> (i32, Value) {
    let mut command = desk.command(&["doctor", "--json"]);
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn names(report: &Value) -> Vec<&str> {
    list(&report["findings"]).iter().map(|finding| finding["name"].as_str().unwrap()).collect()
}

#[test]
fn the_exit_code_says_whether_a_gpu_can_be_used() {
    let desk = Desk::new();
    let (code, report) = report(&desk, None);
    assert_eq!(code == 0, report["gpu"] == true, "{report}");
    if device().is_some_and(|device| device.summary().software) && report["gpu"] == false {
        assert!(names(&report).contains(&"software-only"), "{report}");
        let error = failure_after_text(&desk);
        assert!(error.contains("--backend cpu works"), "{error}");
    }
}

/// The error line of a doctor that prints its text first.
fn failure_after_text(desk: &Desk) -> String {
    let assert = desk.gpu_nn("doctor").failure().code(1);
    let output = assert.get_output();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("problem: ") && text.contains("\n  do     "), "{text}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_variable_that_leads_nowhere_is_the_reason_why_there_is_no_adapter() {
    let desk = Desk::new();
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        let nowhere = desk.path("nowhere.json").display().to_string();
        let mut command = desk.command(&["doctor", "--json"]);
        command.env_remove("VK_DRIVER_FILES").env(variable, &nowhere);
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(list(&report["adapters"]).len(), 0, "{report}");
            for name in ["missing-manifest", "no-adapter"] {
                assert!(names(&report).contains(&name), "{variable}: {report}");
            }
        }
    }
}

#[test]
fn a_manifest_without_its_library_is_found() {
    let desk = Desk::new();
    desk.put(
        "icd.json",
        r#"{"ICD": {"library_path": "/nowhere/libvulkan_none.so", "api_version": "1.3.0"}}"#,
    );
    let path = desk.path("icd.json").display().to_string();
    let (code, report) = report(&desk, Some(("VK_DRIVER_FILES", &path)));
    if cfg!(target_os = "linux") {
        assert_eq!(code, 1);
        let finding =
            list(&report["findings"]).iter().find(|f| f["name"] == "missing-driver-library").unwrap();
        assert!(finding["what"].as_str().unwrap().contains("libvulkan_none.so"), "{finding}");
    }
}

#[test]
fn options_that_are_not_there_are_refused() {
    assert!(failure(&Desk::new(), "doctor --fix", 2).contains("--fix"));
}
