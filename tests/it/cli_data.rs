//! Files of all kinds on the command line: from `train` through the saved model to `predict` and `evaluate`.

use gpu_nn::model::Model;
use serde_json::json;

use crate::arrays::npy;
use crate::command::{Desk, failure};

/// People with a missing age, a text column, and two classes that the columns tell apart.
fn people(desk: &Desk, name: &str) {
    let mut text = String::from("id,age,town,income\n");
    for i in 0..60 {
        let age = if i == 7 { "NA".into() } else { (20 + i % 30).to_string() };
        let town = ["Rome", "Oslo", "\"Lima, PE\""][i % 3];
        text += &format!("{i},{age},{town},{}\n", if i % 3 == 0 { "high" } else { "low" });
    }
    desk.put(name, &text);
}

const TRAIN: &str =
    "train --backend cpu-reference --iterations 300 --no-plots --out run --drop id --impute mean";

#[test]
fn a_model_prepares_other_files_as_its_own() {
    let desk = Desk::new();
    people(&desk, "people.csv");
    let report = desk.json(&format!("{TRAIN} --data people.csv --json"));
    assert_eq!(report["n_correct"], json!(60));
    assert_eq!(report["network"], json!("4-4:tanh-1:sigmoid"));
    let evaluation = desk.json("evaluate run --backend cpu-reference --json");
    assert_eq!(evaluation["cost"], report["cost_after_last"]);

    // One sample alone cannot be scaled by its own mean; a missing age is filled in.
    desk.put("one.csv", "town,age\nRome,31\nOslo,?\n");
    let answers = desk.output("predict run --data one.csv --backend cpu-reference");
    let classes: Vec<&str> = answers.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(classes, ["high", "low"]);

    let model = Model::load(&desk.path("run")).unwrap();
    assert_eq!(model.preprocessing.feature_names(), ["age", "town=Lima, PE", "town=Oslo", "town=Rome"]);
    model.save(&desk.path("again.safetensors")).unwrap();
    assert_eq!(Model::load(&desk.path("again.safetensors")).unwrap(), model);
}

#[test]
fn an_unknown_category_is_named() {
    let desk = Desk::new();
    people(&desk, "people.csv");
    desk.output(&format!("{TRAIN} --data people.csv --quiet"));
    desk.put("more.csv", "age,town,income\n30,Rome,low\n31,Bonn,low\n");
    for command in ["predict", "evaluate"] {
        let line = failure(&desk, &format!("{command} run --data more.csv --backend cpu-reference"), 1);
        for word in ["more.csv, line 3", "column `town`", "`Bonn`", "`Lima, PE`, `Oslo`, `Rome`"] {
            assert!(line.contains(word), "{word} is not in {line}");
        }
    }
}

#[test]
fn standard_input_is_a_file() {
    let desk = Desk::new();
    people(&desk, "people.csv");
    let text = desk.read("people.csv");
    desk.command(&format!("{TRAIN} --data - --quiet").split(' ').collect::<Vec<_>>())
        .write_stdin(text.clone())
        .assert()
        .success();
    let from_file = desk.output("predict run --data people.csv --backend cpu-reference");
    let assert = desk
        .command(&["predict", "run", "--data", "-", "--backend", "cpu-reference"])
        .write_stdin(text)
        .assert()
        .success();
    assert_eq!(String::from_utf8_lossy(&assert.get_output().stdout), from_file);
    let line = failure(&desk, "evaluate run --backend cpu-reference", 2);
    assert!(line.contains("standard input, which is gone"), "{line}");
}

#[test]
fn numbers_of_files_are_standardised_unless_told_otherwise() {
    let desk = Desk::new();
    let rows = (0..40).map(|i| format!("{},{}\n", 1_000_000 + i, if i < 20 { "a" } else { "b" }));
    desk.put("far.csv", &rows.collect::<String>());
    let train = |options: &str, out: &str| {
        desk.json(&format!(
            "train --data far.csv --backend cpu-reference --iterations 200 --no-plots --json --out {out} {options}"
        ))
    };
    assert_eq!(train("", "s")["n_correct"], json!(40));
    assert_eq!(train("--scale minmax", "m")["n_correct"], json!(40));
    assert_ne!(train("--scale none", "n")["n_correct"], json!(40));
    let model = Model::load(&desk.path("n")).unwrap();
    assert!(model.preprocessing.is_identity());
    let line = failure(&desk, "train --data far.csv --scale big", 2);
    assert!(line.contains("standardise, minmax, pixels or none"), "{line}");
}

#[test]
fn the_task_is_found_or_chosen() {
    let desk = Desk::new();
    let rows =
        |step: f64| (0..30).map(|i| format!("{},{}\n", i, step * f64::from(i % 5))).collect::<String>();
    desk.put("real.csv", &rows(0.3));
    desk.put("whole.csv", &rows(1.0));
    let network = |file: &str, options: &str| {
        let report = desk.json(&format!(
            "train --data {file} --backend cpu-reference --iterations 5 --learning-rate 0.1 --no-plots --json {options}"
        ));
        report["network"].as_str().unwrap().to_owned()
    };
    assert_eq!(network("real.csv", ""), "1-4:tanh-1:identity");
    assert_eq!(network("real.csv", "--task classification"), "1-4:tanh-5:softmax");
    assert_eq!(network("whole.csv", ""), "1-4:tanh-5:softmax");
    assert_eq!(network("whole.csv", "--task regression"), "1-4:tanh-1:identity");
    let line = failure(&desk, "train --data whole.csv --task regression --output softmax", 2);
    assert!(line.contains("task `regression`") && line.contains("--output identity"), "{line}");
    let line = failure(&desk, "train --task regression", 2);
    assert!(line.contains("flower is generated"), "{line}");
}

#[test]
fn columns_cannot_be_chosen_of_generated_data() {
    let desk = Desk::new();
    for option in ["--features x1", "--drop x1", "--categorical x1"] {
        let line = failure(&desk, &format!("train {option}"), 2);
        assert!(line.contains("`x1`") && line.contains("flower is generated"), "{line}");
    }
}

#[test]
fn data_describes_a_file_as_it_would_be_read() {
    let desk = Desk::new();
    people(&desk, "people.csv");
    let description = desk.json("data people.csv --drop id --json");
    assert_eq!(
        description,
        json!({
            "name": "people.csv", "rows": 60, "features": 4, "missing": 1, "scale": "standardise",
            "columns": [
                {"name": "age", "missing": 1, "kind": "numbers", "min": 20.0, "max": 49.0, "mean": 2043.0 / 59.0},
                {"name": "town", "missing": 0, "kind": "texts", "categories": [
                    {"name": "Lima, PE", "rows": 20}, {"name": "Oslo", "rows": 20}, {"name": "Rome", "rows": 20}]},
            ],
            "target": {"task": "classification", "name": "income", "classes": [
                {"name": "high", "rows": 20}, {"name": "low", "rows": 40}]},
        })
    );
    let text = desk.output("data people.csv --drop id");
    for line in [
        "data      people.csv: 60 rows, 2 columns, 4 features; scale standardise",
        "missing   1 values; train with --impute mean or median",
        "age     numbers  1        20     49        34.6271",
        "town    text     0                                  3: Lima, PE 20, Oslo 20, Rome 20",
        "target    income: 2 classes: high 20, low 40",
    ] {
        assert!(text.lines().any(|there| there == line), "`{line}` is not in\n{text}");
    }
}

#[test]
fn data_describes_values_arrays_and_generated_sets() {
    let desk = Desk::new();
    desk.put("real.tsv", "a\tb\n1\t0.5\n?\t1e9\n");
    let text = desk.output("data real.tsv");
    assert!(text.contains("target    b: values from 0.5 to 1.0000e9, mean 5.0000e8"), "{text}");
    let classes = &desk.json("data real.tsv --task classification --json")["target"]["classes"];
    assert_eq!(classes.as_array().unwrap().len(), 2);
    let bytes: Vec<u8> = (0..300).map(|i| (i % 7) as u8).collect();
    std::fs::write(desk.path("wide.npy"), npy("|u1", false, "(6, 50)", &bytes)).unwrap();
    let text = desk.output("data wide.npy");
    assert!(text.contains("wide.npy: 6 rows, 49 columns, 49 features; scale pixels"), "{text}");
    assert!(text.contains("... and 9 more"), "{text}");
    let flower = desk.json("data flower --json");
    assert_eq!((&flower["rows"], &flower["scale"]), (&json!(400), &json!("none")));
}
