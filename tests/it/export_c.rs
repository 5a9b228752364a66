//! The C export: compiled without a warning by the system's compiler, it computes what `predict` does.

use std::fs;
use std::process::Command;

use gpu_nn::export::to_c;
use gpu_nn::model::Model;
use gpu_nn::network::{Activation, Loss};
use tempfile::TempDir;

use crate::export_models::{M, all_models, answers, model, prepared, raw_samples, samples, two_layers};
use crate::support::{Tolerance, assert_close};

/// Reads samples, prints outputs and class of each; before them, with `DUMP`, every parameter's bits.
const MAIN: &str = r#"
#include "net.c"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  REAL x[NET_FEATURES], a[NET_OUTPUTS];
  double value;
  DUMP
  for (int n = 0; scanf("%lf", &value) == 1; n = (n + 1) % NET_FEATURES) {
    x[n] = (REAL)value;
    if (n + 1 < NET_FEATURES) continue;
    net_predict(x, a);
    for (int i = 0; i < NET_OUTPUTS; i++) printf("%.17g ", (double)a[i]);
    printf("%s\n", CLASS);
  }
  return 0;
}
"#;

/// Compiles the model as C99 with all warnings as errors, feeds it `input` and returns its output.
fn run_c(model: &Model, dump: bool, input: &str) -> String {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let c = to_c(model, "net").unwrap();
    let real = if model.single_precision { "float" } else { "double" };
    let class = if model.network.n_classes() > 0 { "net_class_names[net_class(a)]" } else { "\"\"" };
    let views = model.parameters.arena().views().iter();
    let dumped: String = views
        .map(|view| {
            format!(
                "for (int i = 0; i < {}; i++) printf(\"%.17g\\n\", (double){}[i]);\n",
                view.len(),
                view.name
            )
        })
        .collect();
    let main = MAIN.replace("REAL", real).replace("CLASS)", &format!("{class})"));
    let main = main.replace("DUMP", if dump { &dumped } else { "" });
    for (name, text) in [("net.h", &c.header), ("net.c", &c.source), ("main.c", &main)] {
        fs::write(path(name), text).unwrap();
    }
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O1"];
    let built = Command::new(&compiler)
        .args(strict)
        .args([path("main.c"), "-o".into(), path("main")])
        .arg("-lm")
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}; install a C compiler or name one in CC"));
    assert!(built.status.success(), "{}\n{}", model.network, String::from_utf8_lossy(&built.stderr));
    fs::write(path("input"), input).unwrap();
    let run = Command::new(path("main")).stdin(fs::File::open(path("input")).unwrap()).output().unwrap();
    assert!(run.status.success());
    String::from_utf8(run.stdout).unwrap()
}

/// Holds C against `cpu_reference` on every sample: outputs and class names.
fn check(model: &Model, tolerance: Tolerance) {
    let x = samples();
    check_on(model, &x, &x, tolerance);
}

/// The same for raw columns and the features that they become.
fn check_on(model: &Model, raw: &[f64], features: &[f64], tolerance: Tolerance) {
    let input: String = raw.iter().map(|value| format!("{value} ")).collect();
    let want = answers(&model.network, &model.parameters, features);
    let outputs = model.network.n_outputs();
    let text = run_c(model, false, &input);
    assert_eq!(text.lines().count(), M, "{}", model.network);
    for (j, line) in text.lines().enumerate() {
        let mut parts = line.splitn(outputs + 1, ' ');
        let got: Vec<f64> = parts.by_ref().take(outputs).map(|value| value.parse().unwrap()).collect();
        let want = &want[j * outputs..][..outputs];
        assert_close(&format!("{}, sample {j}", model.network), &got, want, tolerance);
        let class = model.network.loss().class_of(got).map(|class| &model.class_names[class as usize]);
        assert_eq!(parts.next().unwrap(), class.map_or("", String::as_str), "{}", model.network);
    }
}

#[test]
fn c_computes_what_predict_does_in_single_precision() {
    all_models(true).iter().for_each(|model| check(model, Tolerance { abs: 1e-5, rel: 1e-5 }));
}

#[test]
fn c_computes_what_predict_does_in_double_precision() {
    all_models(false).iter().for_each(|model| check(model, Tolerance { abs: 1e-12, rel: 1e-12 }));
}

#[test]
fn c_prepares_raw_columns() {
    let (raw, features) = raw_samples();
    for (single, tolerance) in [(true, 1e-5), (false, 1e-12)] {
        let model = prepared(model(two_layers(Activation::Tanh), (Loss::SoftmaxCrossEntropy, 3), single));
        check_on(&model, &raw, &features, Tolerance { abs: tolerance, rel: tolerance });
    }
}

#[test]
fn c_has_the_bits_of_every_parameter() {
    for single in [true, false] {
        let hidden = two_layers(Activation::Tanh);
        let mut model = model(hidden, (Loss::BinaryCrossEntropy, 1), single);
        let special =
            [0.0, -0.0, f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE), f64::from(f32::from_bits(1))];
        model.parameters.values_mut()[..special.len()].copy_from_slice(&special);
        if !single {
            model.parameters.values_mut()[..2].copy_from_slice(&[f64::MAX, 5e-324]);
        }
        let text = run_c(&model, true, "");
        let got: Vec<u64> = text.lines().map(|line| line.parse::<f64>().unwrap().to_bits()).collect();
        let want: Vec<u64> = model.parameters.values().iter().map(|value| value.to_bits()).collect();
        assert_eq!(got, want);
    }
}

#[test]
fn a_name_that_an_include_cannot_hold_is_refused() {
    let model = model(Vec::new(), (Loss::SquaredError, 1), true);
    for stem in ["", "a\"b", "a/b", "a\\b", "a\nb"] {
        assert!(to_c(&model, stem).is_err(), "{stem}");
    }
    let c = to_c(&model, "Iris-2").unwrap();
    assert_eq!(c.name, "iris_2");
    assert!(c.source.contains("#include \"Iris-2.h\"") && c.header.contains("iris_2_predict"));
}
