//! The command line with `--backend cpu`.

use crate::cli_train::assert_reported;
use crate::command::Desk;
use crate::support::{Tolerance, assert_close, count, golden, list, number};

#[test]
fn the_courses_programme_gives_the_same_bytes_twice() {
    let desk = Desk::new();
    let [report, again] =
        ["a", "b"].map(|run| desk.json(&format!("train --backend cpu --json --no-plots --out {run}")));
    assert_eq!((&report["backend"], &report["lowering"]), (&"cpu".into(), &"blocks".into()));
    assert!(report["adapter"].is_null(), "{report}");
    let golden = golden("02_train_planar");
    let want = list(&golden["runs"]).iter().find(|run| number(&run["learning_rate"]) == 1.2).unwrap();
    assert_reported(&report, &want["costs"], 7_000, 2e-5);
    assert_reported(&report, &want["costs"], 10_000, 2e-3);
    assert!((360..=365).contains(&count(&report["n_correct"])), "{}", report["n_correct"]);
    assert_eq!(report["costs"], again["costs"]);
    for name in ["model.safetensors", "history.csv"] {
        let [a, b] = ["a", "b"].map(|run| std::fs::read(desk.path(run).join(name)).unwrap());
        assert!(a == b, "{name} differs between two runs");
    }
}

#[test]
fn a_model_moves_between_cpu_and_the_reference() {
    let desk = Desk::new();
    for (home, abroad) in [("cpu", "cpu-reference"), ("cpu-reference", "cpu")] {
        let report =
            desk.json(&format!("train --backend {home} --iterations 300 --no-plots --json --out {home}"));
        for backend in [home, abroad] {
            let evaluation = desk.json(&format!("evaluate {home} --backend {backend} --json"));
            assert_eq!(evaluation["n_correct"], report["n_correct"], "trained on {home}");
            let (got, want) = ([number(&evaluation["cost"])], [number(&report["cost_after_last"])]);
            assert_close("cost", &got, &want, Tolerance::abs(2e-6));
        }
    }
    // Single precision halves the file.
    let size = |run: &str| std::fs::metadata(desk.path(run).join("model.safetensors")).unwrap().len();
    assert!(size("cpu") < size("cpu-reference"));
}

#[test]
fn refuses_an_adapter() {
    let assert = Desk::new().gpu_nn("train --backend cpu --adapter 0").code(2).stdout("");
    let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(error.contains("adapter `0`: --backend cpu uses no adapter"), "{error}");
}
