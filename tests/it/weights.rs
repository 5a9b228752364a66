//! `--weights`: a column of the data or an NPY file says how much each sample counts.

use std::fs;

use crate::command::{Desk, failure};

/// Two clouds that overlap, with a weight for each sample.
fn clouds(m: usize, weight: impl Fn(usize) -> String) -> String {
    let row = |j: usize| {
        let (class, at) = (j % 2, (j * 37 % 100) as f64 / 50.0);
        format!("{},{},{},c{class}\n", at + class as f64, (j * 53 % 100) as f64 / 50.0, weight(j))
    };
    "x1,x2,w,label\n".to_owned() + &(0..m).map(row).collect::<String>()
}

/// An NPY file of doubles.
fn npy(values: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}", values.len());
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

const TRAIN: &str = "train --iterations 300 --backend cpu-reference --no-plots --json";

#[test]
fn a_column_counts_the_samples_and_is_no_feature() {
    let desk = Desk::new();
    desk.put("ones.csv", &clouds(60, |_| "3".into()));
    desk.put("twos.csv", &clouds(60, |j| (1 + j % 2).to_string()));
    let cost = |options: &str| desk.json(&format!("{TRAIN} {options}"))["cost_after_last"].as_f64().unwrap();
    let plain = cost("--data ones.csv --drop w --out plain");
    assert_eq!(cost("--data ones.csv --weights w --out alike"), plain, "all alike is none at all");
    let weighted = cost("--data twos.csv --weights w --out weighted");
    assert_ne!(weighted, plain);
    // Class 1 counts twice as much either way.
    let by_class = cost("--data twos.csv --drop w --class-weight c1=2,c0=1 --out by-class");
    assert!((by_class - weighted).abs() < 1e-9, "{by_class} {weighted}");
    let both = cost("--data twos.csv --weights w --class-weight balanced --out both");
    assert_eq!(both, weighted, "the classes are balanced already");
    assert_eq!(cost("--data twos.csv --features x2,x1 --weights w --out few"), {
        cost("--data twos.csv --features x2,x1,w --weights w --out listed")
    });
    // The model has two features, and finds them in its own file and in one without weights.
    assert!(
        desk.output("evaluate weighted --backend cpu-reference").contains("network   2-4:tanh-1:sigmoid")
    );
    desk.put("fresh.csv", "x2,x1\n0.5,0.5\n1.5,2.5\n");
    assert_eq!(desk.output("predict weighted --data fresh.csv").lines().count(), 3);
    // Held-out rows keep their weights to themselves.
    cost("--data twos.csv --weights w --validation 0.2 --test 0.2 --out split");
}

#[test]
fn a_column_without_a_header_goes_by_its_number() {
    let desk = Desk::new();
    let text = clouds(60, |j| (1 + j % 3).to_string());
    desk.put("named.csv", &text);
    desk.put("bare.csv", text.split_once('\n').unwrap().1);
    let cost = |options: &str| desk.json(&format!("{TRAIN} {options}"))["cost_after_last"].as_f64().unwrap();
    let named = cost("--data named.csv --weights w --out named");
    assert_eq!(cost("--data bare.csv --weights 3 --out bare"), named);
    assert!(desk.output("evaluate bare --backend cpu-reference").contains("network   2-4"));
}

#[test]
fn a_file_of_weights_counts_the_samples() {
    let desk = Desk::new();
    desk.put("twos.csv", &clouds(60, |j| (1 + j % 2).to_string()));
    let weights: Vec<f64> = (0..60).map(|j| f64::from(1 + j % 2)).collect();
    fs::write(desk.path("w.npy"), npy(&weights)).unwrap();
    let cost = |options: &str| desk.json(&format!("{TRAIN} {options}"))["cost_after_last"].as_f64().unwrap();
    let column = cost("--data twos.csv --weights w --out column");
    assert_eq!(cost("--data twos.csv --drop w --weights w.npy --out file"), column);
    fs::write(desk.path("many.npy"), npy(&vec![1.0; 400])).unwrap();
    let generated = cost("--weights many.npy --out flower");
    assert_eq!(generated, cost("--out plain"));
}

#[test]
fn weights_that_cannot_be_meant_are_refused() {
    let desk = Desk::new();
    for (name, weight) in [("negative", "-1"), ("missing", ""), ("nan", "NaN")] {
        let rows = clouds(20, |j| if j == 4 { weight.into() } else { "1".into() });
        desk.put(&format!("{name}.csv"), &rows);
    }
    desk.put("zeros.csv", &clouds(20, |_| "0".into()));
    desk.put("texts.csv", &clouds(20, |_| "much".into()));
    desk.put("good.csv", &clouds(20, |_| "1".into()));
    for (name, values) in [("short", vec![1.0; 19]), ("below", vec![-1.0; 20]), ("none", vec![f64::NAN; 20])]
    {
        fs::write(desk.path(&format!("{name}.npy")), npy(&values)).unwrap();
    }
    fs::write(desk.path("text.npy"), "no array").unwrap();
    for (options, code, named) in [
        ("--data negative.csv --weights w", 1, "negative.csv, line 6: column `w` is -1"),
        ("--data missing.csv --weights w", 1, "line 6: column `w` has no weight"),
        ("--data nan.csv --weights w", 1, "line 6: column `w` has no weight"),
        ("--data zeros.csv --weights w", 1, "none of the samples counts"),
        ("--data texts.csv --weights w", 1, "column `w` holds texts"),
        ("--data good.csv --weights v", 2, "column of weights `v`: good.csv has the features"),
        ("--data good.csv --weights label --label label", 2, "it is the target"),
        ("--data good.csv --weights x1 --features x1", 2, "it is the only feature"),
        ("--data good.csv --weights short.npy", 1, "expected 20, one for each sample of good.csv, found 19"),
        ("--data good.csv --weights below.npy", 1, "row 1: it is -1"),
        ("--data good.csv --weights none.npy", 1, "row 1: it is NaN"),
        ("--data good.csv --weights text.npy", 1, "a file of weights is an NPY file"),
        ("--data good.csv --weights absent.npy", 1, "cannot read absent.npy"),
        ("--weights w", 2, "flower is generated"),
    ] {
        let line = failure(&desk, &format!("train --backend cpu --iterations 5 --quiet {options}"), code);
        assert!(line.contains(named), "{options}: {line}");
    }
    assert!(!desk.path("runs").exists());
}
