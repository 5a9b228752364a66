//! `gpu-nn find-rate`: the range test as a user runs it.

use crate::command::{Desk, failure};
use crate::support::{count, list, number};

#[test]
fn the_rate_rises_until_the_cost_does_and_one_is_suggested() {
    let desk = Desk::new();
    let report = desk.json("find-rate --backend cpu-reference --json --out found");
    let rates: Vec<f64> = list(&report["rates"]).iter().map(number).collect();
    let costs: Vec<f64> = list(&report["costs"]).iter().map(number).collect();
    assert_eq!((rates.len(), count(&report["iterations"])), (costs.len(), 200));
    assert!(rates.len() < 200 && report["diverged"] == true, "1,200 is too high for the flower");
    assert!((rates[0] / 1.2e-4 - 1.0).abs() < 1e-9, "{}", rates[0]);
    let factor = 10f64.powf(7.0 / 199.0);
    assert!(rates.windows(2).all(|pair| (pair[1] / pair[0] / factor - 1.0).abs() < 1e-9));
    let (found, lowest) = (number(&report["suggestion"]), number(&report["lowest"]));
    // The course's 0.5 and 1.2 learn well, from 10 on trainings swing and do not settle.
    assert!((0.5..10.0).contains(&found) && found < lowest, "{found} {lowest}");
    let table = desk.read("found/rates.csv");
    assert_eq!(table.lines().count(), rates.len() + 1);
    assert!(table.starts_with("learning_rate,cost,smoothed\n"), "{table}");
    assert!(image::open(desk.path("found/rates.png")).unwrap().width() > 600);
    // The suggestion does learn.
    let trained = desk.json(&format!(
        "train --learning-rate {found} --iterations 2000 --backend cpu-reference --no-plots --json --out trained"
    ));
    assert!(number(&trained["cost_after_last"]) < 0.4, "{}", trained["cost_after_last"]);
}

#[test]
fn batches_optimisers_and_ranges_are_those_asked_for() {
    let desk = Desk::new();
    let command = "find-rate --data spiral --m 600 --hidden 32:relu --init he --batch-size 20 --optimizer adam --backend cpu";
    let report =
        desk.json(&format!("{command} --from 1e-5 --to 1 --iterations 100 --no-plots --json --out adam"));
    assert_eq!(count(&report["iterations"]), 100);
    let found = number(&report["suggestion"]);
    assert!((1e-3..0.2).contains(&found), "{found}");
    assert_ne!(report["costs"], report["smoothed"]);
    assert!(!desk.path("adam/rates.png").exists());
    let text = desk.output(&format!("{command} --epochs 2"));
    assert!(text.contains("in 60 iterations") && text.contains("sinks fastest"), "{text}");
    assert!(text.contains("suggested --learning-rate") && text.contains("runs/spiral-1"), "{text}");
    // A step of nothing teaches nothing.
    let text = desk
        .output("find-rate --backend cpu-reference --init zeros --hidden 4 --from 1e-9 --to 1e-8 --data xor");
    assert!(text.contains("suggested nothing"), "{text}");
}

#[test]
fn what_the_test_is_to_find_cannot_be_given() {
    let desk = Desk::new();
    for (options, named) in [
        ("--learning-rate 0.1", "the range test has rates of its own"),
        ("--schedule cosine", "the range test has rates of its own"),
        ("--warm-up 3", "the range test has rates of its own"),
        ("--from 2 --to 1", "it is above the last, 1"),
        ("--from 0", "positive number"),
        ("--iterations 1", "at least 2"),
        ("--lowering fused", "the cpu backend has none"),
    ] {
        let line = failure(&desk, &format!("find-rate --backend cpu {options}"), 2);
        assert!(line.contains(named), "{options}: {line}");
    }
    let help = desk.output("find-rate --help");
    assert!(
        help.contains("--from") && !help.contains("--learning-rate") && !help.contains("--warm-up"),
        "{help}"
    );
}
