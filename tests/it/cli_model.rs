//! A saved model on the command line: `evaluate` and `predict` give what the training reported, and damage is noticed.

use gpu_nn::model::Model;
use serde_json::{Value, json};

use crate::command::Desk;
use crate::support::{count, integers};

/// A desk with `run/`, trained on the flower, and the training's report.
fn trained() -> (Desk, Value) {
    let desk = Desk::new();
    let report = desk
        .json("train --backend cpu-reference --iterations 300 --no-plots --json --json-parameters --out run");
    (desk, report)
}

/// The flower as a file, the classes named; the column order is that of `columns`.
fn flower_file(desk: &Desk, name: &str, columns: &[&str], header: bool) {
    use gpu_nn::data::{Generator, GeneratorOptions, generate};
    let flower = generate(Generator::Flower, &GeneratorOptions::default()).unwrap();
    let mut text = if header { columns.join(",") + "\n" } else { String::new() };
    for j in 0..flower.m {
        let cell = |column: &&str| match *column {
            "x1" => flower.x[j].to_string(),
            "x2" => flower.x[flower.m + j].to_string(),
            "class" => flower.labels().unwrap()[j].to_string(),
            _ => "noise".into(),
        };
        text += &(columns.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
    }
    desk.put(name, &text);
}

#[test]
fn evaluate_repeats_what_the_training_reported() {
    let (desk, report) = trained();
    for model in ["run", "run/model.safetensors"] {
        let evaluation = desk.json(&format!("evaluate {model} --backend cpu-reference --json"));
        for field in ["n_correct", "accuracy_percent", "data", "m"] {
            assert_eq!(evaluation[field], report[field], "{field}");
        }
        assert_eq!(evaluation["cost"], report["cost_after_last"]);
    }
}

#[test]
fn a_loaded_model_has_the_bits_that_were_trained() {
    let (desk, report) = trained();
    let model = Model::load(&desk.path("run")).unwrap();
    for view in model.parameters.arena().views() {
        let rows: Vec<Vec<f64>> =
            model.parameters.view(view).chunks(view.cols).map(<[f64]>::to_vec).collect();
        assert_eq!(report["parameters"][&view.name], json!(rows), "{}", view.name);
    }
    model.save(&desk.path("again.safetensors")).unwrap();
    let predict = |model: &str| desk.output(&format!("predict {model} --backend cpu-reference"));
    assert_eq!(predict("run"), predict("again.safetensors"));
}

#[test]
fn the_confusion_matrix_counts_every_sample() {
    let (desk, report) = trained();
    let evaluation = desk.json("evaluate run --backend cpu-reference --json");
    assert_eq!(evaluation["classes"], json!(["0", "1"]));
    let counts = integers(&evaluation["confusion_matrix"]);
    assert_eq!([counts[0] + counts[1], counts[2] + counts[3]], [200, 200], "truth runs down");
    assert_eq!((counts[0] + counts[3]) as usize, count(&report["n_correct"]));

    // As many predicted 1 as the second column says.
    let answers = desk.output("predict run --backend cpu-reference");
    let ones = answers.lines().filter(|line| line.starts_with("1,")).count();
    assert_eq!(ones as u64, counts[1] + counts[3]);
    let text = desk.output("evaluate run --backend cpu-reference");
    assert!(text.contains("truth \\ predicted"), "{text}");
}

#[test]
fn one_setting_of_the_runs_data_is_overridden_and_the_others_are_kept() {
    let desk = Desk::new();
    desk.output("train --backend cpu-reference --iterations 20 --m 60 --data-seed 9 --noise 0.5 --quiet --no-plots --out run");
    let evaluate = |options: &str| {
        let mut report = desk.json(&format!("evaluate run --backend cpu-reference --json {options}"));
        report["cost"].take()
    };
    assert_eq!(evaluate("--data-seed 3"), evaluate("--data flower --m 60 --data-seed 3 --noise 0.5"));
    assert_ne!(evaluate("--data-seed 3"), evaluate(""));
}

#[test]
fn predict_prints_a_class_and_probabilities_for_every_sample() {
    let (desk, _) = trained();
    let answers = desk.output("predict run --backend cpu-reference");
    let mut lines = answers.lines();
    assert_eq!(lines.next(), Some("class,probability of 1"));
    assert_eq!(lines.clone().count(), 400);
    for line in lines {
        let (class, probability) = line.split_once(',').unwrap();
        let probability: f64 = probability.parse().unwrap();
        assert!((0.0..=1.0).contains(&probability), "{line}");
        assert_eq!(class, if probability > 0.5 { "1" } else { "0" }, "{line}");
    }
    assert_eq!(desk.output("predict run --backend cpu-reference --out answers.csv"), "");
    assert_eq!(desk.read("answers.csv"), answers);
}

#[test]
fn class_names_that_csv_would_misread_are_quoted() {
    let desk = Desk::new();
    desk.put("quoted.csv", "a,label\n1,\"x,y\"\n2,\"say \"\"z\"\"\"\n3,w\n");
    desk.output("train --data quoted.csv --backend cpu-reference --iterations 3 --quiet --out run");
    let answers = desk.output("predict run --backend cpu-reference");
    let mut reader = csv::Reader::from_reader(answers.as_bytes());
    let titles: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(titles, ["class", "probability of say \"z\"", "probability of w", "probability of x,y"]);
    for record in reader.records() {
        let sum: f64 = record.unwrap().iter().skip(1).map(|p| p.parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}

#[test]
fn files_are_understood_whatever_the_order_of_their_columns() {
    let (desk, report) = trained();
    let want = desk.output("predict run --backend cpu-reference");
    for (columns, header) in [
        (&["x1", "x2"][..], true),
        (&["x1", "x2"], false),
        (&["x1", "x2", "class"], true),
        (&["x1", "x2", "class"], false),
        (&["class", "x2", "x1"], true),
        (&["note", "x2", "x1"], true),
    ] {
        flower_file(&desk, "file.csv", columns, header);
        let got = desk.output("predict run --data file.csv --backend cpu-reference");
        assert!(got == want, "{columns:?}, header {header}: other answers");
    }
    flower_file(&desk, "file.csv", &["class", "x2", "x1"], true);
    let evaluation = desk.json("evaluate run --data file.csv --label class --backend cpu-reference --json");
    assert_eq!(evaluation["n_correct"], report["n_correct"]);
}

/// `evaluate` and `predict` refuse the model in one line that holds `words`.
#[track_caller]
fn refuses_the_model(desk: &Desk, name: &str, words: &[&str]) {
    for command in ["evaluate", "predict"] {
        let assert = desk.gpu_nn(&format!("{command} {name} --backend cpu-reference")).code(1).stdout("");
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
        for word in [&[name], words].concat() {
            assert!(error.contains(word), "`{word}` is not in {error}");
        }
    }
}

#[test]
fn refuses_a_model_file_cut_short_anywhere() {
    let (desk, _) = trained();
    let whole = std::fs::read(desk.path("run/model.safetensors")).unwrap();
    for length in [0, 1, 7, 8, 9, 100, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        std::fs::write(desk.path("cut"), &whole[..length]).unwrap();
        refuses_the_model(&desk, "cut", &["damaged or cut short", "train again"]);
    }
    let mut longer = whole;
    longer.push(0);
    std::fs::write(desk.path("longer"), longer).unwrap();
    refuses_the_model(&desk, "longer", &["damaged"]);
}

#[test]
fn refuses_a_file_that_is_no_model() {
    let desk = Desk::new();
    let noise: Vec<u8> = (0..997u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(desk.path("noise"), noise).unwrap();
    refuses_the_model(&desk, "noise", &["damaged"]);
    desk.put("table.csv", "a,b\n1,2\n");
    refuses_the_model(&desk, "table.csv", &["damaged"]);
    std::fs::create_dir(desk.path("folder")).unwrap();
    refuses_the_model(&desk, "folder", &["model.safetensors", "check the path"]);
}

/// Takes a model file apart, lets `edit` change header and numbers, and puts it together as `name`.
fn edited(desk: &Desk, name: &str, edit: impl Fn(&mut Value, &mut Vec<u8>)) {
    let bytes = std::fs::read(desk.path("run/model.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let mut numbers = bytes[8 + length..].to_vec();
    edit(&mut header, &mut numbers);
    let header = serde_json::to_vec(&header).unwrap();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &numbers].concat();
    std::fs::write(desk.path(name), file).unwrap();
}

/// Changes the metadata of gpu-nn, which is JSON within the header.
fn with_metadata(header: &mut Value, edit: impl Fn(&mut Value)) {
    let text = header["__metadata__"]["gpu_nn"].as_str().unwrap();
    let mut metadata: Value = serde_json::from_str(text).unwrap();
    edit(&mut metadata);
    header["__metadata__"]["gpu_nn"] = metadata.to_string().into();
}

#[test]
fn an_unedited_model_passes_through_the_editor() {
    let (desk, report) = trained();
    edited(&desk, "same", |header, _| with_metadata(header, |_| ()));
    let evaluation = desk.json("evaluate same --backend cpu-reference --json");
    assert_eq!(evaluation["n_correct"], report["n_correct"]);
}

#[test]
fn refuses_a_model_whose_metadata_is_not_ours() {
    let (desk, _) = trained();
    edited(&desk, "foreign", |header, _| drop(header.as_object_mut().unwrap().remove("__metadata__")));
    refuses_the_model(&desk, "foreign", &["metadata", "not written by gpu-nn"]);
    edited(&desk, "garbled", |header, _| header["__metadata__"]["gpu_nn"] = "{\n".into());
    refuses_the_model(&desk, "garbled", &["metadata cannot be read", "train again"]);
    edited(&desk, "later", |header, _| with_metadata(header, |metadata| metadata["format"] = 99.into()));
    refuses_the_model(&desk, "later", &["format 99", "the version of gpu-nn that wrote it"]);
    edited(&desk, "empty-layer", |header, _| {
        with_metadata(header, |metadata| metadata["network"]["hidden"][0]["units"] = 0.into());
    });
    refuses_the_model(&desk, "empty-layer", &["hidden layer `0`"]);
}

#[test]
fn refuses_a_model_whose_parts_do_not_fit_together() {
    let (desk, _) = trained();
    edited(&desk, "wider", |header, _| {
        with_metadata(header, |metadata| metadata["network"]["hidden"][0]["units"] = 5.into());
    });
    refuses_the_model(&desk, "wider", &["[4, 2]", "5 x 2"]);
    edited(&desk, "renamed", |header, _| {
        let tensors = header.as_object_mut().unwrap();
        let matrix = tensors.remove("W2").unwrap();
        tensors.insert("V2".into(), matrix);
    });
    refuses_the_model(&desk, "renamed", &["matrix W2 is missing"]);
    for names in [json!([]), json!(["0"]), json!(["0", "1", "2"])] {
        edited(&desk, "classes", |header, _| {
            with_metadata(header, |metadata| metadata["class_names"] = names.clone());
        });
        refuses_the_model(
            &desk,
            "classes",
            &[&format!("names {} classes", names.as_array().unwrap().len()), "has 2"],
        );
    }
    edited(&desk, "features", |header, _| {
        with_metadata(header, |metadata| metadata["feature_names"] = json!(["x1"]));
    });
    refuses_the_model(&desk, "features", &["names 1 features", "has 2"]);
}

#[test]
fn refuses_weights_that_are_no_numbers() {
    let (desk, _) = trained();
    for (value, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        edited(&desk, "bad", |_, numbers| numbers[16..24].copy_from_slice(&value.to_le_bytes()));
        refuses_the_model(&desk, "bad", &[name, "train again"]);
    }
}

#[test]
fn refuses_data_that_the_model_does_not_know() {
    let (desk, _) = trained();
    let refuses = |arguments: &str, words: &[&str]| {
        let assert = desk.gpu_nn(&format!("{arguments} --backend cpu-reference")).code(1).stdout("");
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
        words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
    };
    desk.put("four.csv", "1,2,3,4,0\n4,3,2,1,1\n");
    for command in ["predict", "evaluate"] {
        refuses(
            &format!("{command} run --data four.csv"),
            &["four.csv", "2 features", "5 columns", "header"],
        );
    }
    desk.put("other.csv", "x1,x2,class\n1,2,0\n3,4,seven\n");
    refuses("evaluate run --data other.csv", &["other.csv, line 3", "`seven`", "`0`, `1`"]);
    refuses("evaluate run --data spiral", &["classes of spiral", "expected 2", "found 3"]);
}

#[test]
fn models_without_preprocessing_keep_the_first_format() {
    let (desk, report) = trained();
    edited(&desk, "first", |header, _| {
        with_metadata(header, |metadata| {
            assert_eq!(metadata["format"], 1);
            assert!(metadata.get("preprocessing").is_none());
            // As the first version wrote where the data came from.
            metadata["data"] = json!({"file": {"path": "flower.csv", "label": null}});
        });
    });
    flower_file(&desk, "flower.csv", &["x1", "x2", "class"], true);
    let evaluation = desk.json("evaluate first --backend cpu-reference --json");
    assert_eq!(evaluation["n_correct"], report["n_correct"]);
}

#[test]
fn refuses_a_model_whose_preprocessing_is_unsound() {
    let (desk, _) = trained();
    let number = |scale: f64| json!({"number": {"shift": 0.0, "scale": scale}});
    for (name, scale) in [("x1", 0.0), ("x3", 1.0)] {
        edited(&desk, "unsound", |header, _| {
            with_metadata(header, |metadata| {
                metadata["format"] = 2.into();
                metadata["preprocessing"] = json!({"columns": [
                    {"name": name, "step": number(scale)}, {"name": "x2", "step": number(2.0)}]});
            });
        });
        refuses_the_model(&desk, "unsound", &["preprocessing", "train again"]);
    }
}
