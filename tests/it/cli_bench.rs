//! `gpu-nn bench`: the table, the JSON object, and what it refuses.

use crate::command::{Desk, failure};
use crate::gpu_support::device;
use crate::support::{list, number};

#[test]
fn every_way_is_checked_and_timed() {
    let desk = Desk::new();
    let report = desk.json("bench --m 50 --iterations 2 --runs 1 --json");
    assert_eq!((&report["network"], &report["m"]), (&"2-4:tanh-1:sigmoid".into(), &50.into()));
    let rows = list(&report["rows"]);
    assert_eq!(rows[0]["backend"], "cpu-reference");
    for row in rows {
        assert_eq!(row["verdict"], "measured", "{row}");
        assert!(number(&row["error"]) <= 1e-4, "{row}");
        for field in ["us_per_iteration", "samples_per_s", "gflops", "gbs", "setup_s"] {
            assert!(number(&row[field]) > 0.0, "{field}: {row}");
        }
        let (wall, samples) = (number(&row["us_per_iteration"]), number(&row["samples_per_s"]));
        assert!((samples * wall / 1e6 - 50.0).abs() < 1e-6, "{row}");
    }
    if device().is_some() {
        for lowering in ["layerwise", "fused", "resident"] {
            assert!(rows.iter().any(|row| row["lowering"] == lowering), "no {lowering} in {report}");
        }
    }
}

#[test]
fn a_row_that_cannot_be_says_why_and_stops_no_other() {
    let desk = Desk::new();
    let text = desk.output("bench --m 20 --hidden 3000 --iterations 1 --runs 1");
    assert!(text.contains("cpu-reference"), "{text}");
    if device().is_some() {
        let row = text.lines().find(|line| line.contains(" resident ")).unwrap();
        assert!(row.contains("-  ") && row.contains("layerwise"), "{row}");
    }
    assert!(text.lines().last().unwrap().contains("fastest: "), "{text}");
}

#[test]
fn generated_problems_batches_and_predictions_are_measured_too() {
    let desk = Desk::new();
    let wide = "bench --features 12 --classes 3 --m 40 --hidden 8:relu --batch-size 16 --iterations 3 --runs 1 \
                --only cpu-reference --json";
    let report = desk.json(wide);
    assert_eq!((&report["network"], &report["batch_size"]), (&"12-8:relu-3:softmax".into(), &16.into()));
    assert_eq!(list(&report["rows"]).len(), 1);
    let report = desk.json("bench --predict --m 100 --iterations 2 --runs 1 --only cpu-reference --json");
    assert_eq!((&report["what"], &report["rows"][0]["verdict"]), (&"predict".into(), &"measured".into()));
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let desk = Desk::new();
    for (arguments, what) in [
        ("bench --m 0", "at least 1"),
        ("bench --only nothing", "this machine has cpu-reference"),
        ("bench --m 10 --batch-size 11", "batch size"),
        ("bench --classes 3", "--features"),
        ("bench --features 3 --classes 1", "number of classes"),
        ("bench --hidden 0", "hidden layer"),
        ("bench --runs 0", "at least 1"),
    ] {
        let error = failure(&desk, arguments, 2);
        assert!(error.contains(what), "{arguments}: {error}");
    }
}
