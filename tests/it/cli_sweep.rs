//! `gpu-nn sweep`: the course's comparison of hidden sizes.

use crate::cli_train::assert_reported;
use crate::command::{Desk, failure};
use crate::gpu_support::device;
use crate::support::{Tolerance, assert_close, count, golden, integers, list, number};

const SIZES: [usize; 7] = [1, 2, 3, 4, 5, 20, 50];

/// The course's sweep at a learning rate against the golden one.
fn sweep_reproduces_the_golden_one(learning_rate: &str) {
    let desk = Desk::new();
    let arguments =
        format!("sweep --backend cpu-reference --no-plots --json --learning-rate {learning_rate}");
    let report = desk.json(&arguments);
    assert_eq!(report["iterations"], 5_000);
    let golden = golden("03_sweep");
    let rate: f64 = learning_rate.parse().unwrap();
    let runs = list(&report["runs"]);
    assert_eq!(runs.len(), SIZES.len());
    for (run, n_h) in runs.iter().zip(SIZES) {
        let same =
            |want: &&serde_json::Value| number(&want["learning_rate"]) == rate && count(&want["n_h"]) == n_h;
        let want = list(&golden["runs"]).iter().find(same).unwrap();
        assert_eq!(run["hidden"], n_h.to_string());
        assert_eq!(run["network"], format!("2-{n_h}:tanh-1:sigmoid"));
        // Where rounding decides, other orders of the samples show how far it goes.
        let tolerance = (3.0 * number(&want["max_cost_change_by_sample_order"])).max(1e-12);
        let (got, cost) = ([number(&run["cost_after_last"])], [number(&want["cost_after_last"])]);
        assert_close(&format!("{n_h} units, cost after last"), &got, &cost, Tolerance::abs(tolerance));
        if tolerance == 1e-12 {
            assert_reported(run, &want["costs"], 5_000, tolerance);
        }
        let right = count(&run["n_correct"]) as u64;
        let observed = integers(&want["observed_n_correct"]);
        assert!(observed.contains(&right), "{n_h} units: {right} right, observed {observed:?}");
    }
}

#[test]
fn the_courses_learning_rate_reproduces_the_course() {
    sweep_reproduces_the_golden_one("1.2");
}

#[test]
fn the_notes_learning_rate_reproduces_the_golden_sweep() {
    sweep_reproduces_the_golden_one("0.5");
}

#[test]
fn table_csv_and_picture_tell_of_every_network() {
    let desk = Desk::new();
    let text = desk.output("sweep --hidden none,3:relu,2 --iterations 5 --backend cpu-reference --out run");
    let csv = desk.read("run/sweep.csv");
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "hidden,network,learning_rate,init,init_seed,rank,cost_after_last,n_correct,accuracy_percent,diverged_at"
        )
    );
    for (hidden, network) in
        [("none", "2-1:sigmoid"), ("3:relu", "2-3:relu-1:sigmoid"), ("2", "2-2:tanh-1:sigmoid")]
    {
        let fields: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!(fields[..2], [hidden, network]);
        let [cost, right, percent] = [6, 7, 8].map(|i| fields[i].parse::<f64>().unwrap());
        assert_eq!(percent, 100.0 * right / 400.0);
        let row = text.lines().find(|line| line.trim_start().starts_with(&format!("{hidden} "))).unwrap();
        assert!(row.contains(&format!("{cost:.6}")) && row.contains(&format!("{right} of 400")), "{row}");
    }
    assert_eq!(lines.next(), None);
    let picture = image::open(desk.path("run/sweep.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (1125, 445), "three panels in a row and a title");
}

#[test]
fn a_sweep_is_quiet_when_asked_and_gets_a_fresh_folder() {
    let desk = Desk::new();
    for n in 1..=2 {
        let arguments = "sweep --hidden 1,2 --iterations 2 --backend cpu-reference --quiet --no-plots";
        assert_eq!(desk.output(arguments), "");
        assert!(desk.path(&format!("runs/sweep-flower-{n}/sweep.csv")).is_file());
        assert!(!desk.path(&format!("runs/sweep-flower-{n}/sweep.png")).exists());
    }
}

/// Lists multiply; the ranking goes from the lowest cost up, and the best is the model that is saved.
#[test]
fn lists_of_rates_and_seeds_multiply_and_are_ranked() {
    let desk = Desk::new();
    let arguments = "sweep --hidden 2,3 --learning-rate 0.1,1.2 --init-seed 1..3,7 --iterations 200 \
                     --backend cpu-reference --no-plots --out run";
    let text = desk.output(arguments);
    let csv = desk.read("run/sweep.csv");
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 16);
    let combinations: Vec<[&str; 3]> = rows.iter().map(|row| [row[0], row[2], row[4]]).collect();
    assert_eq!(
        combinations[..5],
        [["2", "0.1", "1"], ["2", "0.1", "2"], ["2", "0.1", "3"], ["2", "0.1", "7"], ["2", "1.2", "1"]]
    );
    let mut by_rank: Vec<(usize, f64)> =
        rows.iter().map(|row| (row[5].parse().unwrap(), row[6].parse().unwrap())).collect();
    by_rank.sort_by_key(|(rank, _)| *rank);
    assert_eq!(by_rank.iter().map(|(rank, _)| *rank).collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
    assert!(by_rank.is_sorted_by(|a, b| a.1 <= b.1), "{by_rank:?}");
    let first = text.lines().skip_while(|line| !line.contains("hidden")).nth(1).unwrap();
    assert!(first.contains(&format!("{:.6}", by_rank[0].1)), "{first}");
    let best = desk.json("evaluate run --backend cpu-reference --json");
    assert!((number(&best["cost"]) - by_rank[0].1).abs() < 1e-12, "{best}");
}

/// Each network of a sweep is what `train` makes of it, whatever its steps are.
#[test]
fn the_steps_are_those_of_train() {
    let desk = Desk::new();
    let steps = "--optimizer adam --learning-rate 0.01 --batch-size 64 --shuffle-seed 5 --epochs 6 --warm-up 1 --schedule cosine \
                 --l2 0.01 --class-weight balanced --clip-value 0.5";
    let mut ways = vec!["cpu --dropout 0.2", "cpu-reference --dropout 0.2"];
    if device().is_some() {
        ways.push("vulkan --lowering resident");
    }
    for way in ways {
        let with = format!("--data noisy_moons --noise 0.3 {steps} --backend {way} --no-plots --json");
        let sweep = desk.json(&format!("sweep --hidden 3,4:relu {with}"));
        assert!(
            sweep["optimizer"].as_str().unwrap().starts_with("adam:") && sweep["batch_size"] == 64,
            "{sweep}"
        );
        for (hidden, run) in ["3", "4:relu"].into_iter().zip(list(&sweep["runs"])) {
            let alone = desk.json(&format!("train --hidden {hidden} {with}"));
            assert_eq!(alone["iterations"], sweep["iterations"]);
            let [own, of_train] =
                [run, &alone].map(|run| (&run["cost_after_last"], &run["costs"], &run["n_correct"]));
            assert_eq!(own, of_train, "{way}: {hidden}");
        }
    }
}

/// What is not said is as in `train`, but for the number of iterations on all samples at once.
#[test]
fn an_optimiser_brings_its_usual_rate_and_batches_their_epochs() {
    let desk = Desk::new();
    let short = "--hidden 2 --backend cpu --no-plots --json --m 40";
    let full = desk.json(&format!("sweep {short} --optimizer adam"));
    assert_eq!((&full["iterations"], &full["runs"][0]["learning_rate"]), (&5_000.into(), &0.001.into()));
    let batches = desk.json(&format!("sweep {short} --batch-size 10"));
    assert_eq!((&batches["iterations"], &batches["runs"][0]["learning_rate"]), (&80.into(), &1.2.into()));
    let text = desk.output(
        "sweep --hidden 2 --m 40 --batch-size 10 --epochs 3 --learning-rate 0.1,0.2 --backend cpu --no-plots",
    );
    assert!(
        text.contains(
            "2 networks, each 12 iterations (3 epochs in batches of 10) at learning rates 0.1, 0.2"
        ),
        "{text}"
    );
}

/// A network that diverges has its place in the table and stops no other.
#[test]
fn a_network_that_diverges_stops_no_other() {
    let desk = Desk::new();
    let arguments = "sweep --data blobs --output identity --hidden none --learning-rate 1e9,0.01 --iterations 100 \
                     --backend cpu-reference --no-plots --out run";
    let text = desk.output(arguments);
    assert!(text.contains("diverged at iteration"), "{text}");
    let csv = desk.read("run/sweep.csv");
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!((rows[0][5], rows[0][6]), ("2", ""));
    assert!(rows[0][9].parse::<usize>().unwrap() > 0);
    assert_eq!((rows[1][5], rows[1][9]), ("1", ""));
    let failed = failure(
        &desk,
        "sweep --data blobs --output identity --hidden none --learning-rate 1e9 --iterations 100 --backend cpu-reference --out none",
        1,
    );
    assert!(failed.contains("diverged"), "{failed}");
    assert!(!desk.path("none").exists());
}

#[test]
fn lists_that_cannot_be_are_refused() {
    let desk = Desk::new();
    for (arguments, what) in [
        ("sweep --init-seed 5..1", "range begins"),
        ("sweep --init-seed 1..x", "whole number"),
        ("sweep --learning-rate 0.1,-1", "positive"),
        ("sweep --init-seed 1..100000", "at most 1000 networks"),
        ("sweep --lowering resident --backend cpu-reference", "lowering"),
        ("sweep --optimizer lbfgs", "lbfgs"),
        ("sweep --schedule plateau", "does not look at its networks"),
        ("sweep --iterations 10 --epochs 2", "cannot be used with"),
    ] {
        let error = failure(&desk, arguments, 2);
        assert!(error.contains(what), "{arguments}: {error}");
        assert!(!desk.path("runs").exists(), "{arguments} left something behind");
    }
}
