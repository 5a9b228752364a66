//! NumPy archives: what is written is read back without loss, scikit-learn's weights are understood, faults are named.

use std::fs;
use std::path::PathBuf;

use gpu_nn::export::{ImportOptions, from_npz, to_npz};
use gpu_nn::network::{Activation, Layer, Loss};

use crate::command::{Desk, failure};
use crate::export_models::{all_models, model, prepared, two_layers};

fn data(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/npz")).join(name)
}

#[test]
fn an_exported_model_is_imported_without_loss() {
    let desk = Desk::new();
    for single in [true, false] {
        for model in all_models(single) {
            let bytes = to_npz(&model).unwrap();
            assert_eq!(bytes, to_npz(&model).unwrap());
            fs::write(desk.path("net.npz"), bytes).unwrap();
            let back = from_npz(&desk.path("net.npz"), &ImportOptions::default()).unwrap();
            assert_eq!(back, model);
        }
    }
}

#[test]
fn every_layer_keeps_its_own_activation() {
    let desk = Desk::new();
    let activations = [Activation::Relu, Activation::LeakyRelu { slope: 0.3 }, Activation::Sigmoid];
    let hidden = activations.map(|activation| Layer { units: 2, activation }).to_vec();
    let model = model(hidden, (Loss::SoftmaxCrossEntropy, 4), false);
    fs::write(desk.path("net.npz"), to_npz(&model).unwrap()).unwrap();
    assert_eq!(from_npz(&desk.path("net.npz"), &ImportOptions::default()).unwrap(), model);
}

#[test]
fn the_preprocessing_travels_along() {
    let desk = Desk::new();
    let model = prepared(model(two_layers(Activation::Tanh), (Loss::BinaryCrossEntropy, 1), false));
    fs::write(desk.path("net.npz"), to_npz(&model).unwrap()).unwrap();
    assert_eq!(from_npz(&desk.path("net.npz"), &ImportOptions::default()).unwrap(), model);
}

/// Each archive of tests/data/npz with what scikit-learn answered for its samples.
#[test]
fn scikit_learns_networks_answer_as_they_do_there() {
    let desk = Desk::new();
    for (name, network, answers) in [
        ("classes", "4-6:tanh-5:tanh-3:softmax", "classes.csv"),
        ("two", "3-5:relu-1:sigmoid", "two.csv"),
        ("values", "2-4:sigmoid-2:identity", "values.csv"),
        ("named", "3-5:relu-1:sigmoid", "two.csv"),
        ("deflated", "3-5:relu-1:sigmoid", "two.csv"),
        ("scaled", "2-4:tanh-1:identity", "scaled.csv"),
    ] {
        let file = data(&format!("{name}.npz"));
        let printed = desk.command(&["import", file.to_str().unwrap(), "--out", "model"]).assert().success();
        let printed = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
        assert_eq!(printed, format!("model: {network}\n"), "{name}");
        let samples = data(&answers.replace(".csv", "-samples.csv"));
        let predict = ["predict", "model", "--backend", "cpu-reference", "--data", samples.to_str().unwrap()];
        let got = desk.command(&predict).assert().success();
        let got = String::from_utf8(got.get_output().stdout.clone()).unwrap();
        assert_same_table(name, &got, &fs::read_to_string(data(answers)).unwrap());
    }
}

/// The same texts, and numbers within 1e-12.
#[track_caller]
fn assert_same_table(name: &str, got: &str, want: &str) {
    let cells = |text: &str| -> Vec<String> {
        text.lines().flat_map(|line| line.split(',').map(str::to_owned)).collect()
    };
    let (got, want) = (cells(got), cells(want));
    assert_eq!(got.len(), want.len(), "{name}");
    for (got, want) in got.iter().zip(&want) {
        match (got.parse::<f64>(), want.parse::<f64>()) {
            (Ok(got), Ok(want)) => assert!((got - want).abs() <= 1e-12, "{name}: got {got}, want {want}"),
            _ => assert_eq!(got, want, "{name}"),
        }
    }
}

#[test]
fn what_an_archive_lacks_is_given_as_options() {
    let desk = Desk::new();
    let bare = data("bare.npz");
    let bare = bare.to_str().unwrap();
    let import = |options: &str| {
        let arguments = ["import", bare, "--out", "model"].into_iter().chain(options.split_whitespace());
        desk.command(&arguments.collect::<Vec<_>>()).assert()
    };
    let refused = |options: &str, words: &[&str]| {
        let assert = import(options).failure().code(1);
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in {error}"));
        assert!(!desk.path("model").exists());
    };
    refused("", &["bare.npz", "activation=mlp.activation", "--activation"]);
    refused("--activation relu", &["out_activation_=mlp.out_activation_", "--output"]);
    refused("--activation relu --output softmax", &["softmax needs at least 2 classes"]);
    refused("--activation relu --output sigmoid --classes a,b,c", &["3 names of classes", "has 2"]);
    refused("--activation relu --output sigmoid --features a", &["1 names of features", "has 3"]);
    import("--activation relu --output logistic --classes no,yes --features a,b,c").success();
    desk.put("one.csv", "c,b,a\n1,2,3\n");
    let answer = desk.output("predict model --data one.csv --backend cpu-reference");
    assert!(answer.starts_with("class,probability of yes\n"), "{answer}");
}

#[test]
fn bad_archives_are_refused_in_one_line() {
    let desk = Desk::new();
    let two = fs::read(data("two.npz")).unwrap();
    let refused = |bytes: &[u8], word: &str| {
        fs::write(desk.path("bad.npz"), bytes).unwrap();
        let error = failure(&desk, "import bad.npz --out model", 1);
        assert!(error.contains("bad.npz") && error.contains(word), "`{word}` is not in {error}");
    };
    for length in [0, 1, 100, two.len() / 2, two.len() - 1] {
        refused(&two[..length], "no .npz archive");
    }
    for (file, word) in [
        ("objects", "`coefs_0`: it holds Python objects"),
        ("odd", "3 arrays without names"),
        ("unfit", "`arr_1` has 7 inputs, but the layer before has 5"),
        ("bias", "`arr_2` has shape [4]"),
        ("nan", "`arr_0` holds NaN"),
        ("multilabel", "3 sigmoid outputs"),
        ("complex", "`<c16`"),
        ("other", "its arrays are a, b"),
        ("unknown", "swish"),
        ("flat", "`scale_` holds 0"),
        ("short", "`mean_` has 2 values for 3 features"),
    ] {
        refused(&fs::read(data(&format!("{file}.npz"))).unwrap(), word);
    }
    let error = failure(&desk, "import missing.npz --out model", 1);
    assert!(error.contains("missing.npz"), "{error}");
}

#[test]
fn the_command_exports_each_format() {
    let desk = Desk::new();
    desk.output("train --backend cpu --hidden 3 --iterations 5 --no-plots --quiet --out run");
    assert_eq!(desk.output("export run --out flower.npz"), "flower.npz: NumPy archive\n");
    assert!(desk.output("export run --format onnx --out flower").starts_with("flower: ONNX opset 13"));
    let printed = desk.output("export run/model.safetensors --out Flower-1.c");
    assert_eq!(printed, "Flower-1.c: C99 with Flower-1.h, function flower_1_predict\n");
    assert!(desk.path("Flower-1.h").exists());
    desk.output("import flower.npz --out again");
    let predict =
        |model: &str| desk.output(&format!("predict {model} --data flower --backend cpu-reference"));
    assert_eq!(predict("again"), predict("run"));
    let error = failure(&desk, "export run --out flower.txt", 2);
    assert!(error.contains("flower.txt") && error.contains("--format"), "{error}");
    let error = failure(&desk, "export run --out nowhere/flower.onnx", 1);
    assert!(error.contains("nowhere/flower.onnx") && error.contains("--out"), "{error}");
}
