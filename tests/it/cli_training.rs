//! `gpu-nn train` beyond gradient descent on everything: batches, optimisers, schedules, validation, stopping.

use crate::command::{Desk, failure};
use crate::support::{count, list, number};

/// A spiral with a network that learns it within a second.
const SPIRAL: &str = "train --data spiral --m 900 --hidden 32:relu,16:relu --init he --batch-size 32 --optimizer adam \
                      --learning-rate 0.01 --epochs 30 --validation 0.2 --test 0.1";

#[test]
fn a_training_in_batches_is_watched_tested_and_recorded() {
    let desk = Desk::new();
    let report = desk.json(&format!("{SPIRAL} --backend cpu --schedule cosine --json --out run"));
    // 90 are held out for the test, 180 for validation; 20 batches an epoch.
    assert_eq!(
        (count(&report["m"]), count(&report["iterations"]), count(&report["batch_size"])),
        (630, 600, 32)
    );
    assert_eq!(report["optimizer"], "adam:beta_1=0.9,beta_2=0.999,epsilon=0.00000001");
    let looks = list(&report["looks"]);
    assert_eq!(looks.len(), 30);
    assert_eq!(count(&looks[2]["iteration"]), 60);
    assert!(number(&looks[29]["validation"]["accuracy"]) > 0.95, "{}", looks[29]);
    assert!(number(&report["test"]["accuracy"]) > 0.9, "{}", report["test"]);
    let files = ["model.safetensors", "history.csv", "run.toml", "looks.csv", "cost.png", "boundary.png"];
    for file in files {
        assert!(desk.path("run").join(file).exists(), "{file} is missing");
    }
    let table = desk.read("run/looks.csv");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 31);
    assert_eq!(
        lines[0],
        "iteration,cost,validation_cost,validation_accuracy,validation_balanced_accuracy,validation_f1"
    );
    let record: toml::Table = desk.read("run/run.toml").parse().unwrap();
    let settings = record["settings"].as_table().unwrap();
    assert_eq!(settings["shuffle_seed"].as_integer(), Some(1));
    assert_eq!(settings["rates"]["decay"]["cosine"]["over"].as_integer(), Some(600));
}

#[test]
fn the_same_seeds_give_the_same_bits_and_others_do_not() {
    let desk = Desk::new();
    let costs = |options: &str| {
        let report = desk.json(&format!("{SPIRAL} --backend cpu --json --no-plots {options}"));
        report["cost_after_last"].to_string()
    };
    let first = costs("");
    assert_eq!(costs(""), first);
    for other in
        ["--shuffle-seed 2", "--no-shuffle", "--split-seed 2", "--l2 0.01", "--warm-up 3", "--dropout 0.1"]
    {
        assert_ne!(costs(other), first, "{other} changes nothing");
    }
}

#[test]
fn patience_stops_and_keeps_the_best_network() {
    let desk = Desk::new();
    // Labels at random: nothing to be learnt, but all to be remembered.
    let train = "train --data no_structure --m 200 --hidden 64:relu --init he --batch-size 16 --optimizer adam \
                 --learning-rate 0.02 --epochs 500 --validation 0.3 --patience 5 --backend cpu --json --out run";
    let report = desk.json(train);
    assert_eq!(report["stopped"], "no_improvement");
    let looks = list(&report["looks"]);
    assert!(looks.len() < 500);
    let cost = |look: &serde_json::Value| number(&look["validation"]["cost"]);
    let best = looks.iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap();
    assert_eq!(report["iteration"], best["iteration"]);
    assert_eq!(count(&looks.last().unwrap()["iteration"]), count(&best["iteration"]) + 5 * 9);
    assert_eq!(count(&report["iterations_done"]), count(&looks.last().unwrap()["iteration"]));
}

#[test]
fn time_stops_a_training_that_would_never_end() {
    let desk = Desk::new();
    let train =
        "train --iterations 1000000000 --report-every 1000 --max-time 0.2s --backend cpu --no-plots --json";
    let report = desk.json(train);
    assert_eq!(report["stopped"], "out_of_time");
    assert!(count(&report["iterations_done"]) < 1_000_000_000);
}

#[test]
fn a_file_validates_with_the_columns_and_classes_of_the_training_data() {
    let desk = Desk::new();
    desk.put("train.csv", "a,b,kind\n1,2,no\n2,1,yes\n3,0,yes\n0,3,no\n1,3,no\n3,1,yes\n");
    desk.put("other.csv", "kind,b,a\nyes,0,4\nno,4,0\n");
    let train = "train --data train.csv --hidden 3 --iterations 300 --backend cpu --no-plots --json";
    let report = desk.json(&format!("{train} --validation other.csv --test other.csv --label kind"));
    assert_eq!(number(&report["test"]["accuracy"]), 1.0);
    assert_eq!(list(&report["looks"]).len(), 10);
    desk.put("unknown.csv", "a,b,kind\n1,2,maybe\n");
    let refused = |options: &str, named: &[&str]| {
        let line = failure(&desk, &format!("train --data train.csv --backend cpu {options}"), 1);
        assert!(named.iter().all(|named| line.contains(named)), "{options}: {line}");
    };
    refused("--validation unknown.csv", &["unknown.csv", "maybe"]);
    refused("--test nowhere.csv", &["nowhere.csv"]);
    desk.put("narrow.csv", "a,kind\n1,yes\n2,no\n");
    refused("--test narrow.csv", &["narrow"]);
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    let desk = Desk::new();
    for (options, named) in [
        ("--batch-size 0", "batch-size"),
        ("--batch-size many", "full"),
        ("--epochs 0", "epochs"),
        ("--epochs 3 --iterations 5", "cannot be used with"),
        ("--optimizer adamm", "rmsprop"),
        ("--optimizer momentum:momentum=1.5", "momentum"),
        ("--schedule step:0:0.5", "step:EPOCHS:FACTOR"),
        ("--schedule step:5:2", "factor"),
        ("--schedule polynomial", "cosine"),
        ("--l1 -1", "l1"),
        ("--l2 NaN", "l2"),
        ("--dropout 1", "dropout"),
        ("--dropout -0.5", "dropout"),
        ("--validation 1.5", "between 0 and 1"),
        ("--validation some", "a share"),
        ("--test -0.1", "between 0 and 1"),
        ("--metric r2", "--validation"),
        ("--metric r2 --validation 0.2", "roc_auc"),
        ("--metric precise", "balanced_accuracy"),
        ("--patience 0", "patience"),
        ("--max-time soon", "15m"),
        ("--max-time 0s", "15m"),
    ] {
        let line = failure(&desk, &format!("train --backend cpu {options}"), 2);
        assert!(line.contains(named), "{options}: {line}");
    }
    assert!(desk.contents().is_empty(), "something was written");
}
