//! `evaluate` and `predict` on samples that stay on the disk: the answers of samples in memory, to the byte.

use std::fs;
use std::process::Stdio;

use crate::arrays::{doubles, npy};
use crate::command::{Desk, failure};
use crate::streaming::people;

const TRAIN: &str =
    "train --data people.csv --impute mean --backend cpu --hidden 6 --iterations 20 --no-plots --quiet";

/// What both commands say of data left on the disk is what they say of it in memory.
#[track_caller]
fn assert_alike(desk: &Desk, model: &str, options: &str) {
    let evaluated = |stream: &str| desk.output(&format!("evaluate {model} {options} {stream} --json"));
    assert_eq!(evaluated("--stream=no"), evaluated("--stream"), "{options}");
    let predicted = |stream: &str| desk.output(&format!("predict {model} {options} {stream}"));
    let answers = predicted("--stream");
    assert!(answers.lines().count() > 20, "{options}");
    assert_eq!(predicted("--stream=no"), answers, "{options}");
    desk.output(&format!("predict {model} {options} --stream=no --out memory.csv"));
    let said = desk.output(&format!("predict {model} {options} --stream --out stream.csv"));
    assert!(said.starts_with("streamed  ") && said.contains(" rows looked through in "), "{said}");
    assert_eq!(desk.read("memory.csv"), answers);
    assert_eq!(desk.read("stream.csv"), answers);
}

#[test]
fn answers_are_the_same_in_every_part() {
    let desk = Desk::new();
    desk.put("people.csv", &people(700));
    desk.put("more.csv", &people(90));
    desk.output(&format!("{TRAIN} --validation 0.2 --test more.csv --out run"));
    for part in ["", "--part all", "--part train", "--part validation", "--part test", "--data more.csv"] {
        assert_alike(&desk, "run", &format!("--backend cpu {part}"));
    }
    let drawn = |stream: &str| {
        desk.output(&format!("evaluate run --backend cpu --json --plots {stream} --stream={stream}"));
        ["roc.png", "calibration.png", "confusion.png"]
            .map(|name| fs::read(desk.path(stream).join(name)).unwrap())
    };
    assert_eq!(drawn("yes"), drawn("no"));
}

/// More samples than are predicted at a time, and than are summed at a time.
#[test]
fn answers_are_the_same_for_many_samples() {
    let desk = Desk::new();
    desk.put("people.csv", &people(40_000));
    desk.output(&format!("{TRAIN} --label height --drop town,income --out run"));
    assert_alike(&desk, "run", "--backend cpu");
    let numbers: Vec<f64> = (0..60_000).map(|i| f64::from(i % 601) / 7.0).collect();
    fs::write(desk.path("a.npy"), npy("<f8", false, "(20000, 3)", &doubles(&numbers))).unwrap();
    assert_alike(&desk, "run", "--backend cpu --data a.npy --label 3");
}

#[test]
fn gpu_answers_are_the_same() {
    if crate::gpu_support::device().is_none() {
        return;
    }
    let desk = Desk::new();
    desk.put("people.csv", &people(20_000));
    desk.output(&format!("{TRAIN} --validation 0.1 --out run"));
    assert_alike(&desk, "run", "--backend vulkan --part train");
}

#[test]
fn answers_need_no_labels() {
    let desk = Desk::new();
    desk.put("people.csv", &people(100));
    desk.output(&format!("{TRAIN} --out run"));
    let text = people(50);
    let bare: String =
        text.lines().map(|line| line.rsplit_once(',').map_or("", |cut| cut.0).to_owned() + "\n").collect();
    desk.put("bare.csv", &bare);
    let predicted =
        |stream: &str| desk.output(&format!("predict run --data bare.csv --backend cpu {stream}"));
    assert_eq!(predicted("--stream"), predicted("--stream=no"));
    assert_eq!(predicted("--stream").lines().count(), 51);
}

/// A row that cannot be used is found when answers have been written already; the file that was there stays.
#[test]
fn nothing_is_lost_by_a_bad_row() {
    let desk = Desk::new();
    desk.put("people.csv", &people(100));
    desk.output(&format!("{TRAIN} --out run"));
    desk.put("answers.csv", "earlier\n");
    let bad = people(20_000) + "30,birch,1,1,low\n";
    desk.put("bad.csv", &bad);
    let before = desk.contents();
    let asked = "predict run --data bad.csv --backend cpu --out answers.csv";
    let line = |stream: &str| {
        let assert = desk.gpu_nn(&format!("{asked} {stream}")).failure().code(1);
        String::from_utf8(assert.get_output().stderr.clone()).unwrap()
    };
    assert!(line("--stream").contains("`birch` is none of the model's categories"));
    assert_eq!(line("--stream"), line("--stream=no"));
    assert_eq!(desk.contents(), before);
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    let desk = Desk::new();
    desk.put("people.csv", &people(60));
    desk.output(&format!("{TRAIN} --out run"));
    for command in ["predict", "evaluate"] {
        let line = failure(&desk, &format!("{command} run --stream --backend cpu-reference"), 2);
        assert!(line.contains("cpu-reference") && line.contains("--backend cpu, or --stream=no"), "{line}");
        let line = failure(&desk, &format!("{command} run --data flower --stream"), 2);
        assert!(line.contains("flower is generated in memory"), "{line}");
        let line = failure(&desk, &format!("{command} run --stream --backend cpu --cache nowhere"), 1);
        assert!(line.contains("its cache in nowhere cannot be written"), "{line}");
    }
}

/// Whoever reads the first answers only does not wait for the others.
#[cfg(unix)]
#[test]
fn a_reader_may_leave() {
    let desk = Desk::new();
    desk.put("people.csv", &people(60));
    desk.output(&format!("{TRAIN} --out run"));
    desk.put("many.csv", &people(30_000));
    let arguments: Vec<&str> = "predict run --data many.csv --backend cpu --stream".split(' ').collect();
    let mut child = desk.process(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn weights_are_refused_with_the_same_words() {
    let desk = Desk::new();
    desk.put("people.csv", &people(60));
    desk.put("bad.csv", "w,x,y\n1,2,a\n\n-3,4,b\n1,5,a\n");
    desk.put("none.csv", "w,x,y\n1,2,a\n,4,b\n1,5,a\n");
    for (options, code) in [
        ("--data people.csv --impute mean --weights town", 1),
        ("--data people.csv --impute mean --weights weight", 2),
        ("--data people.csv --impute mean --weights income", 2),
        ("--data people.csv --impute mean --features age --weights age", 2),
        ("--data people.csv --impute mean --weights late", 1),
        ("--data bad.csv --weights w", 1),
        ("--data none.csv --weights w", 1),
    ] {
        let train = |stream: &str| {
            failure(&desk, &format!("train --backend cpu --batch-size 2 {stream} {options}"), code)
        };
        assert_eq!(train("--stream"), train("--stream=no"), "{options}");
    }
    assert!(failure(&desk, "train --data bad.csv --weights w --stream --batch-size 2", 1).contains("line 4"));
}
