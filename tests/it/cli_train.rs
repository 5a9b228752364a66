//! `gpu-nn train`: its numbers, its report, and the folder it writes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use gpu_nn::data::Generator;
use image::AnimationDecoder;
use serde_json::{Value, json};

use crate::command::Desk;
use crate::support::{Tolerance, assert_close, count, flat, golden, list, number};

/// The golden run of that learning rate.
fn golden_run(learning_rate: f64) -> Value {
    let file = golden("02_train_planar");
    list(&file["runs"]).iter().find(|run| number(&run["learning_rate"]) == learning_rate).unwrap().clone()
}

/// Costs of a report against a golden `{iteration: [...], cost: [...]}`, up to iteration `last`.
#[track_caller]
pub fn assert_reported(report: &Value, golden: &Value, last: usize, tolerance: f64) {
    let pairs = list(&golden["iteration"]).iter().map(count).zip(list(&golden["cost"]).iter().map(number));
    let mut compared = 0;
    for (iteration, want) in pairs.filter(|(iteration, _)| *iteration <= last) {
        if let Some(got) = report["costs"].get(iteration.to_string()) {
            assert_close(&format!("cost {iteration}"), &[number(got)], &[want], Tolerance::abs(tolerance));
            compared += 1;
        }
    }
    assert!(compared >= 5, "only {compared} iterations in common");
}

/// The iterations whose costs a report holds, ascending.
fn reported_iterations(report: &Value) -> Vec<usize> {
    let keys = report["costs"].as_object().unwrap().keys();
    let mut iterations: Vec<usize> = keys.map(|key| key.parse().unwrap()).collect();
    iterations.sort_unstable();
    iterations
}

#[test]
fn bare_train_is_the_courses_programme() {
    let desk = Desk::new();
    let report = desk.json("train --backend cpu-reference --json");
    assert_eq!(report["learning_rate"], 1.2);
    assert_eq!(report["iterations"], 10_000);
    assert_eq!(report["network"], "2-4:tanh-1:sigmoid");
    let want = golden_run(1.2);
    assert_reported(&report, &want["costs"], 7_000, 1e-12);
    // Later on this learning rate is beyond what is stable: rounding decides.
    assert_reported(&report, &want["costs"], 10_000, 1e-3);
    let after_last = [number(&report["cost_after_last"])];
    assert_close("cost after last", &after_last, &flat(&want["cost_after_last"]), Tolerance::abs(1e-3));
    assert!((360..=365).contains(&count(&report["n_correct"])), "{}", report["n_correct"]);
}

#[test]
fn the_notes_learning_rate_gives_the_notes_numbers() {
    let desk = Desk::new();
    let report = desk.json("train --learning-rate 0.5 --backend cpu-reference --json --json-parameters");
    let want = golden_run(0.5);
    assert_reported(&report, &want["costs"], 10_000, 1e-12);
    let after_last = [number(&report["cost_after_last"])];
    assert_close("cost after last", &after_last, &flat(&want["cost_after_last"]), Tolerance::abs(1e-12));
    assert_eq!(report["n_correct"], want["n_correct"]);
    assert_eq!(report["accuracy_percent"], want["accuracy_percent"]);
    for name in ["W1", "b1", "W2", "b2"] {
        let (got, want) = (&report["parameters"][name], &want["final"][name]);
        assert_eq!(list(got).len(), list(want).len(), "rows of {name}");
        assert_close(name, &flat(got), &flat(want), Tolerance::abs(1e-9));
    }
}

#[test]
fn the_report_has_these_fields() {
    let desk = Desk::new();
    let report = desk.json("train --backend cpu-reference --json --iterations 25 --no-plots");
    assert_eq!(report["backend"], "cpu-reference");
    assert_eq!(report["adapter"], Value::Null);
    assert_eq!(report["lowering"], "loops");
    assert_eq!(report["data"], "flower");
    assert_eq!(report["m"], 400);
    assert_eq!(report["iterations"], 25);
    assert_eq!(report["n_parameters"], 17);
    assert_eq!(reported_iterations(&report), [0, 3, 6, 9, 12, 15, 18, 21, 24]);
    assert!(number(&report["cost_after_last"]) < number(&report["costs"]["0"]));
    let percent = 100.0 * number(&report["n_correct"]) / 400.0;
    assert_eq!(report["accuracy_percent"], percent);
    for part in ["setup", "train"] {
        assert!(number(&report["seconds"][part]) > 0.0, "{part}");
    }
    assert_eq!(report["out"], "runs/flower-1");
    assert_eq!(report.get("parameters"), None, "only with --json-parameters");
}

#[test]
fn costs_are_reported_as_often_as_asked() {
    let desk = Desk::new();
    let arguments = "train --backend cpu-reference --iterations 100 --report-every 40 --no-plots";
    let report = desk.json(&format!("{arguments} --json"));
    assert_eq!(reported_iterations(&report), [0, 40, 80]);
    let lines = desk.output(arguments);
    assert_eq!(lines.matches("cost before iteration").count(), 3, "{lines}");
}

#[test]
fn a_run_leaves_its_model_history_record_and_pictures() {
    let desk = Desk::new();
    desk.output("train --backend cpu-reference --iterations 120 --out run");
    let mut names: Vec<_> = std::fs::read_dir(desk.path("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["boundary.png", "cost.png", "history.csv", "model.safetensors", "run.toml"]);

    let history = desk.read("run/history.csv");
    let rows: Vec<(usize, f64)> = history
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(iteration, cost)| (iteration.parse().unwrap(), cost.parse().unwrap()))
        .collect();
    assert_eq!(history.lines().next(), Some("iteration,cost"));
    assert_eq!(rows.len(), 121, "one for each iteration and one for the parameters after the last");
    assert!(rows.iter().enumerate().all(|(i, (iteration, cost))| i == *iteration && cost.is_finite()));

    for (name, size) in [("cost.png", (900, 560)), ("boundary.png", (900, 760))] {
        let picture = image::open(desk.path("run").join(name)).unwrap();
        assert_eq!((picture.width(), picture.height()), size, "{name}");
    }
}

#[test]
fn the_record_holds_all_that_a_repetition_takes() {
    let desk = Desk::new();
    let arguments =
        "train --backend cpu-reference --iterations 30 --hidden 3,2 --activation leaky_relu(0.1) --out a";
    desk.output(arguments);
    let record: toml::Table = desk.read("a/run.toml").parse().unwrap();
    assert_eq!(record["gpu_nn"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    let command = record["command"].as_str().unwrap();
    assert!(command.ends_with("--hidden 3,2 --activation 'leaky_relu(0.1)' --out a"), "{command}");
    let settings = &record["settings"];
    assert_eq!(settings["network"].as_str(), Some("2-3:leaky_relu(0.1)-2:leaky_relu(0.1)-1:sigmoid"));
    assert_eq!(settings["init"].as_str(), Some("normal:0.01"));
    assert_eq!(settings["init_seed"].as_integer(), Some(2));
    assert_eq!(settings["iterations"].as_integer(), Some(30));
    assert_eq!(settings["learning_rate"].as_float(), Some(1.2));
    let data = &record["data"]["generated"];
    assert_eq!(data["name"].as_str(), Some("flower"));
    assert_eq!(data["m"].as_integer(), Some(400));
    assert_eq!(data["seed"].as_integer(), Some(1));
    assert_eq!(data["noise"].as_float(), Some(0.2));
    assert_eq!(record["device"]["backend"].as_str(), Some("cpu-reference"));
    assert!(record["result"]["cost_after_last"].as_float().is_some());

    desk.output(&arguments.replace("--out a", "--out b"));
    for name in ["model.safetensors", "history.csv", "boundary.png"] {
        let [a, b] = ["a", "b"].map(|run| std::fs::read(desk.path(run).join(name)).unwrap());
        assert!(a == b, "{name} differs between two runs");
    }
}

#[test]
fn every_run_gets_a_fresh_folder() {
    let desk = Desk::new();
    for n in 1..=2 {
        let report = desk.json("train --backend cpu-reference --iterations 2 --no-plots --json --data xor");
        assert_eq!(report["out"], format!("runs/xor-{n}"));
        assert!(desk.path(&format!("runs/xor-{n}/model.safetensors")).is_file());
    }
}

#[test]
fn a_new_or_empty_folder_is_taken_and_a_full_one_left_alone() {
    let desk = Desk::new();
    let arguments = "train --backend cpu-reference --iterations 2 --no-plots --quiet --out";
    desk.output(&format!("{arguments} deep/new"));
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.output(&format!("{arguments} empty"));
    let before = desk.contents();
    desk.gpu_nn(&format!("{arguments} empty")).failure().code(2);
    assert!(desk.contents() == before);
}

#[test]
fn quiet_prints_nothing_and_no_plots_draws_nothing() {
    let desk = Desk::new();
    assert_eq!(desk.output("train --backend cpu-reference --iterations 2 --quiet --no-plots --out run"), "");
    assert!(!desk.path("run/cost.png").exists());
    assert!(!desk.path("run/boundary.png").exists());
    assert!(desk.path("run/model.safetensors").exists());
}

#[test]
fn animate_writes_a_gif_that_decodes() {
    let desk = Desk::new();
    desk.output("train --backend cpu-reference --iterations 4 --animate --out run");
    let frames = frames(&desk, "run");
    assert_eq!(frames.len(), 5, "before the training and after each of its four iterations");
    assert_eq!(frames[0].buffer().dimensions(), (640, 640));
    assert!(frames[0].buffer() != frames[4].buffer());
}

/// The frames of an animation.
fn frames(desk: &Desk, run: &str) -> Vec<image::Frame> {
    let file = BufReader::new(std::fs::File::open(desk.path(&format!("{run}/boundary.gif"))).unwrap());
    image::codecs::gif::GifDecoder::new(file).unwrap().into_frames().collect_frames().unwrap()
}

/// An animation stops a training for its frames, and changes nothing in it.
#[test]
fn a_training_under_watch_is_the_same_with_an_animation() {
    let desk = Desk::new();
    let train = "train --data noisy_moons --m 200 --backend cpu --hidden 8 --optimizer adam --learning-rate 0.05 \
                 --batch-size 32 --epochs 12 --validation 0.3 --patience 3 --schedule plateau:patience=2 --quiet";
    desk.output(&format!("{train} --no-plots --out plain"));
    desk.output(&format!("{train} --animate --out animated"));
    for name in ["looks.csv", "history.csv", "model.safetensors"] {
        let [plain, animated] =
            ["plain", "animated"].map(|run| std::fs::read(desk.path(run).join(name)).unwrap());
        assert!(plain == animated, "{name}");
    }
    assert!(frames(&desk, "animated").len() > 5);
}

#[test]
fn the_animation_of_a_resumed_training_begins_where_it_does() {
    let desk = Desk::new();
    let train = "train --backend cpu --iterations 40 --report-every 10 --checkpoint-every 1 --quiet";
    desk.output(&format!("{train} --out run"));
    desk.output("train --resume run --iterations 44 --animate");
    desk.output("train --backend cpu --iterations 44 --animate --quiet --out whole");
    let (resumed, whole) = (frames(&desk, "run").len(), frames(&desk, "whole").len());
    assert!(
        (2..=5).contains(&resumed) && resumed < whole,
        "{resumed} of {whole}: iterations 40 to 44 at most"
    );
}

#[test]
fn hidden_layers_are_taken_as_typed() {
    let desk = Desk::new();
    for (options, network) in [
        ("--hidden none", "2-1:sigmoid"),
        ("--hidden 20,7,5", "2-20:tanh-7:tanh-5:tanh-1:sigmoid"),
        ("--hidden 20:relu,7:tanh", "2-20:relu-7:tanh-1:sigmoid"),
        ("--hidden 3,2:relu --activation leaky_relu(0.1)", "2-3:leaky_relu(0.1)-2:relu-1:sigmoid"),
        ("--activation leaky_relu", "2-4:leaky_relu(0.01)-1:sigmoid"),
        ("--output softmax", "2-4:tanh-2:softmax"),
    ] {
        let report =
            desk.json(&format!("train --backend cpu-reference --iterations 2 --no-plots --json {options}"));
        assert_eq!(report["network"], network, "{options}");
    }
}

#[test]
fn every_generated_data_set_trains() {
    let desk = Desk::new();
    for generator in Generator::ALL {
        let report = desk.json(&format!(
            "train --backend cpu-reference --iterations 3 --no-plots --json --data {generator}"
        ));
        assert_eq!(report["data"], generator.name());
        assert_eq!(report["m"], generator.default_m());
        let output = if generator == Generator::Spiral { "3:softmax" } else { "1:sigmoid" };
        assert_eq!(report["network"], format!("2-4:tanh-{output}"));
    }
}

#[test]
fn text_labels_of_a_file_become_classes() {
    let desk = Desk::new();
    let rows: String = (0..60)
        .map(|i| {
            let class = i % 3;
            format!("{},{},{}\n", class * 4 + i % 2, i % 5, ["oak", "ash", "elm"][class])
        })
        .collect();
    desk.put("trees.csv", &format!("height,width,tree\n{rows}"));
    let report = desk.json(
        "train --data trees.csv --backend cpu-reference --iterations 3000 --learning-rate 0.3 --json --out run",
    );
    assert_eq!(report["network"], "2-4:tanh-3:softmax");
    assert_eq!(report["n_correct"], 60);
    let evaluation = desk.json("evaluate run --backend cpu-reference --json");
    assert_eq!(evaluation["classes"], json!(["ash", "elm", "oak"]));
}

#[test]
fn output_identity_is_regression() {
    let desk = Desk::new();
    let rows: String = (0..40).map(|i| format!("{},{}\n", i as f64 / 20.0, 3.0 * i as f64 / 20.0)).collect();
    desk.put("line.csv", &rows);
    let arguments = "train --data line.csv --output identity --hidden none --learning-rate 0.3";
    let report = desk.json(&format!("{arguments} --iterations 500 --backend cpu-reference --json --out run"));
    assert!(number(&report["cost_after_last"]) < 1e-8, "{}", report["cost_after_last"]);
    assert_eq!(report["n_correct"], Value::Null);
    assert_eq!(report["accuracy_percent"], Value::Null);
    desk.put("next.csv", "3.0\n");
    let answer = desk.output("predict run --data next.csv --backend cpu-reference");
    let (title, value) = answer.trim_end().split_once('\n').unwrap();
    assert_eq!(title, "value");
    assert_close("3 times 3", &[value.parse().unwrap()], &[9.0], Tolerance::abs(1e-3));
}

#[test]
fn regression_on_classes_is_not_scored_as_classification() {
    let desk = Desk::new();
    let report = desk.json("train --output identity --backend cpu-reference --iterations 2 --json --out run");
    assert_eq!(report["n_correct"], Value::Null);
    desk.output("evaluate run --backend cpu-reference");
}

#[test]
fn without_hidden_layers_it_is_logistic_regression_at_its_optimum() {
    let desk = Desk::new();
    let report = desk.json("train --hidden none --backend cpu-reference --json --no-plots");
    let file = golden("04_logreg");
    let optimum = list(&file["exact_optimum_per_C"])
        .iter()
        .find(|entry| entry["C"] == "inf")
        .expect("an entry without a penalty");
    let cost = [number(&report["cost_after_last"])];
    assert_close("cost", &cost, &flat(&optimum["mean_log_loss"]), Tolerance::abs(1e-6));
    assert_eq!(report["n_correct"], optimum["n_correct"]);
    assert_eq!(report["n_correct"], 188);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("gpu-nn"))
        .current_dir(desk.path(""))
        .args("train --backend cpu-reference --iterations 2000 --report-every 1 --no-plots".split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("data "), "{first}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(desk.path("runs/flower-1/model.safetensors").is_file());
}

/// `auto` measures: a training that the CPU ends in no time is not worth opening a GPU for, whatever the machine has.
#[test]
fn auto_takes_the_cpu_for_a_short_training_and_says_why() {
    let desk = Desk::new();
    let text = desk.output("train --iterations 10 --no-plots");
    assert!(text.contains("backend   cpu (measured: "), "{text}");
    let again = desk.output("train --iterations 10 --no-plots");
    assert!(again.contains("backend   cpu (measured in an earlier run"), "{again}");
    let anew = desk.output("train --iterations 10 --no-plots --retune");
    assert!(anew.contains("backend   cpu (measured: "), "{anew}");
    let report = desk.json("sweep --hidden 1,2 --iterations 10 --no-plots --json");
    assert_eq!(report["device"]["backend"], "cpu");
}
