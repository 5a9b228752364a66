//! `gpu-nn train` beyond gradient descent on everything: batches, optimisers, schedules, validation, stopping.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::command::{Desk, failure};
use crate::support::{count, integers, list, number};

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
        "iteration,cost,validation_cost,validation_log_loss,validation_accuracy,validation_balanced_accuracy,\
         validation_precision,validation_recall,validation_f1"
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

/// One sample in ten is of the second class, and lies among the first: only weight makes the network name it.
#[test]
fn balanced_classes_are_found_where_they_are_rare() {
    let desk = Desk::new();
    let rows = (0..400).map(|i| {
        let x = f64::from(i % 40) / 10.0 - 2.0;
        let rare = i % 40 > 30 && i % 4 == 0;
        format!("{x},{}\n", if rare { "rare" } else { "common" })
    });
    desk.put("rare.csv", &("x,kind\n".to_owned() + &rows.collect::<String>()));
    let recall = |options: &str| {
        let train = "train --data rare.csv --hidden 4 --init xavier --iterations 1000 --learning-rate 1 --no-plots --quiet";
        desk.output(&format!("{train} {options}"));
        let run = options.split_whitespace().last().unwrap();
        let evaluation = desk.json(&format!("evaluate {run} --json --backend cpu"));
        let counts = integers(&evaluation["confusion_matrix"]);
        counts[3] as f64 / (counts[2] + counts[3]) as f64
    };
    for backend in ["cpu", "cpu-reference"] {
        assert_eq!(recall(&format!("--backend {backend} --out {backend}-plain")), 0.0);
        let balanced =
            recall(&format!("--backend {backend} --class-weight balanced --out {backend}-balanced"));
        let given = recall(&format!("--backend {backend} --class-weight rare=20 --out {backend}-given"));
        assert_eq!((balanced, given), (1.0, 1.0), "{backend}");
    }
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
        ("--class-weight balance", "balanced"),
        ("--class-weight purple=2", "purple"),
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

/// A training whose checkpoints come faster than a moment.
const KEPT: &str = "train --data spiral --m 500 --hidden 24:relu,12:relu --init he --batch-size 32 --optimizer adam \
                    --learning-rate 0.01 --epochs 80 --validation 0.2 --dropout 0.1 --patience 60 --no-plots \
                    --checkpoint-every 1";

/// Moments at which it is killed.
const KILLS: usize = 50;

#[test]
fn a_training_that_is_killed_goes_on_with_the_same_bits() {
    let desk = Desk::new();
    let begin = std::time::Instant::now();
    desk.output(&format!("{KEPT} --quiet --backend cpu --out whole"));
    let all = begin.elapsed();
    let files = ["history.csv", "looks.csv", "model.safetensors"];
    let bytes = |folder: &str| files.map(|file| std::fs::read(desk.path(folder).join(file)).unwrap());
    let want = bytes("whole");
    let (mut resumed, mut random) = (0, ChaCha8Rng::seed_from_u64(50));
    for number in 0..KILLS {
        let moment = all.mul_f64(random.random_range(0.02..1.0));
        let folder = format!("killed-{number}");
        let line = format!("{KEPT} --quiet --backend cpu --out {folder}");
        let mut child = desk.spawn(&line.split_whitespace().collect::<Vec<_>>());
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        if !desk.path(&folder).join("checkpoint.safetensors").exists() {
            continue;
        }
        resumed += 1;
        desk.output(&format!("train --resume {folder} --quiet"));
        assert!(bytes(&folder) == want, "killed after {moment:?} of {all:?}");
        // Nor does anything of what was being written stay behind.
        let names = std::fs::read_dir(desk.path(&folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        assert!(!names.iter().any(|name| name.ends_with("unfinished")), "{names:?}");
    }
    // The others were killed before their first checkpoint.
    assert!(resumed >= KILLS / 2, "only {resumed} of {KILLS} processes lived to their first checkpoint");
}

#[test]
fn a_training_goes_on_for_longer_on_any_backend() {
    let desk = Desk::new();
    for backend in ["cpu", "cpu-reference"] {
        let train = "train --data xor --hidden 6 --batch-size 64 --optimizer momentum --warm-up 2 --no-plots \
                     --checkpoint-every 2";
        desk.output(&format!("{train} --epochs 9 --quiet --backend {backend} --out {backend}-whole"));
        desk.output(&format!("{train} --epochs 4 --quiet --backend {backend} --out {backend}-part"));
        let report = desk.json(&format!("train --resume {backend}-part --epochs 9 --json"));
        assert_eq!(report["backend"], backend);
        let history = |folder: &str| desk.read(&format!("{backend}-{folder}/history.csv"));
        assert_eq!(history("part"), history("whole"));
    }
}

#[test]
fn what_cannot_be_taken_up_is_refused() {
    let desk = Desk::new();
    let refused = |options: &str, code: i32, named: &str| {
        let line = failure(&desk, &format!("train {options}"), code);
        assert!(line.contains(named), "{options}: {line}");
    };
    desk.output(
        "train --data xor --hidden 3 --batch-size 64 --epochs 3 --backend cpu --no-plots --quiet --out plain",
    );
    refused("--resume plain", 1, "checkpoint.safetensors");
    refused("--resume plain/model.safetensors", 1, "no checkpoint");
    desk.output(
        "train --data xor --hidden 3 --batch-size 64 --epochs 3 --backend cpu --no-plots --quiet --out kept \
         --checkpoint-every 1",
    );
    refused("--resume kept --epochs 2", 2, "more");
    refused("--resume kept --hidden 4", 1, "the network of the checkpoint");
    refused("--resume kept --optimizer adam --epochs 5", 1, "state of adam");
    refused("--resume kept --no-such-option", 2, "no-such-option");
    let bytes = std::fs::read(desk.path("kept/checkpoint.safetensors")).unwrap();
    for length in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(desk.path("short.safetensors"), &bytes[..length]).unwrap();
        refused("--resume short.safetensors", 1, "cut short");
    }
}
