//! `--part`: what a training held out is found again, by any command and in any process.

use serde_json::Value;

use crate::command::{Desk, failure};
use crate::support::count;

const TRAIN: &str = "train --backend cpu-reference --iterations 200 --quiet --no-plots --json";
const EVALUATE: &str = "evaluate run --backend cpu-reference --json";

/// 300 moons, 60 held out to watch and 30 to score, and the training's report.
fn held_out() -> (Desk, Value) {
    let desk = Desk::new();
    let report = desk.json(&format!(
        "{TRAIN} --data noisy_moons --m 300 --validation 0.2 --test 0.1 --split-seed 7 --out run"
    ));
    (desk, report)
}

#[test]
fn evaluate_takes_what_was_held_out_for_the_end() {
    let (desk, report) = held_out();
    let usual = desk.json(EVALUATE);
    assert_eq!(usual["part"], "test");
    assert_eq!(count(&usual["m"]), 30);
    assert_eq!(usual["metrics"], report["test"], "as the training said in the end");
    let text = desk.output("evaluate run --backend cpu-reference");
    assert!(text.contains("30 samples held out for the test"), "{text}");
}

#[test]
fn every_part_is_the_trainings_own() {
    let (desk, report) = held_out();
    let of = |part: &str| desk.json(&format!("{EVALUATE} --part {part}"));
    let train = of("train");
    assert_eq!(count(&train["m"]), 210);
    assert_eq!(train["n_correct"], report["n_correct"]);
    assert_eq!(train["cost"], report["cost_after_last"]);
    let validation = of("validation");
    assert_eq!(count(&validation["m"]), 60);
    let last = report["looks"].as_array().unwrap().last().unwrap();
    assert_eq!(validation["metrics"], last["validation"]);
    let all = of("all");
    assert_eq!((&all["part"], count(&all["m"])), (&Value::from("all"), 300));
    let correct = |evaluation: &Value| count(&evaluation["n_correct"]);
    assert_eq!(correct(&all), correct(&train) + correct(&validation) + correct(&of("test")));

    let answers = |part: &str| {
        let text = desk.output(&format!("predict run --backend cpu-reference {part}"));
        text.lines().count() - 1
    };
    assert_eq!(answers(""), 300);
    assert_eq!(answers("--part test"), 30);
}

#[test]
fn parts_of_streamed_data_are_those_of_data_in_memory() {
    let desk = Desk::new();
    let rows =
        (0..240).map(|i| format!("{},{},{}\n", i % 7, (i * i) % 11, if i % 3 == 0 { "yes" } else { "no" }));
    desk.put("people.csv", &("age,height,answer\n".to_owned() + &rows.collect::<String>()));
    let train = "train --data people.csv --backend cpu --epochs 2 --batch-size 32 --validation 0.1 --test 0.25 --quiet --no-plots";
    desk.output(&format!("{train} --out memory"));
    desk.output(&format!("{train} --stream --out streamed"));
    for part in ["train", "validation", "test"] {
        let [memory, streamed] = ["memory", "streamed"]
            .map(|run| desk.json(&format!("evaluate {run} --part {part} --backend cpu --json")));
        assert_eq!(memory, streamed, "{part}");
    }
}

#[test]
fn a_file_that_was_held_out_is_read_again() {
    let desk = Desk::new();
    let table = |from: usize, to: usize| {
        let rows = (from..to).map(|i| format!("{}\t{}\t{}\n", i % 2, i % 5, i % 5));
        "class\tx\ty\n".to_owned() + &rows.collect::<String>()
    };
    desk.put("here.tsv", &table(0, 50));
    desk.put("there.tsv", &table(50, 62));
    desk.output(&format!("{TRAIN} --data here.tsv --label class --test there.tsv --out run"));
    let usual = desk.json(EVALUATE);
    assert_eq!((&usual["part"], count(&usual["m"])), (&Value::from("test"), 12));
    assert_eq!(usual["data"], "there.tsv");
    assert_eq!(count(&desk.json(&format!("{EVALUATE} --part train"))["m"]), 50);
}

#[test]
fn a_part_that_is_not_there_is_refused() {
    let (desk, _) = held_out();
    desk.output(&format!("{TRAIN} --out whole"));
    let line = failure(&desk, "evaluate whole --part test", 2);
    assert!(line.contains("part of the data") && line.contains("leave --part out"), "{line}");
    let line = failure(&desk, "evaluate run --part test --m 200", 1);
    assert!(line.contains("expected 300, as in the training, found 200"), "{line}");
    let line = failure(&desk, "predict run --part some", 2);
    assert!(line.contains("some") && line.contains("validation"), "{line}");
    // Other data has no parts unless they are asked for.
    let other = desk.json(&format!("{EVALUATE} --data noisy_moons --m 50"));
    assert_eq!((&other["part"], count(&other["m"])), (&Value::from("all"), 50));
}
