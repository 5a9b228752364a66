//! The ONNX export in tract, an inference engine in Rust: every activation and output kind answers as `cpu_reference`.

#[path = "../../it/export_models.rs"]
mod export_models;

use std::io::Cursor;

use gpu_nn::export::to_onnx;
use gpu_nn::model::Model;
use gpu_nn::network::Loss;
use tract_onnx::prelude::*;

use crate::export_models::{
    ACTIVATIONS, M, all_models, answers, model, prepared, raw_samples, samples, two_layers,
};

/// What tract computes for samples in rows: the output of that name, (m, columns).
fn run(model: &Model, output: &str, x: &[f64], m: usize) -> TractResult<TValue> {
    let mut graph = tract_onnx::onnx().model_for_read(&mut Cursor::new(to_onnx(model)?))?;
    graph.select_outputs_by_name([output])?;
    let plan = graph.into_optimized()?.into_runnable()?;
    let values: Vec<f32> = x.iter().map(|&value| value as f32).collect();
    let x = Tensor::from_shape(&[m, x.len() / m], &values)?;
    Ok(plan.run(tvec!(x.into()))?.remove(0))
}

/// (m, columns) as the export has it: both probabilities of a sigmoid.
fn expected(model: &Model, features: &[f64]) -> (&'static str, Vec<f64>) {
    let a = answers(&model.network, &model.parameters, features);
    match model.network.loss() {
        Loss::BinaryCrossEntropy => ("probabilities", a.iter().flat_map(|&p| [1.0 - p, p]).collect()),
        Loss::SoftmaxCrossEntropy => ("probabilities", a),
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => ("values", a),
    }
}

#[track_caller]
fn check(model: &Model, x: &[f64], m: usize) {
    check_on(model, x, x, m);
}

/// The same for raw columns and the features that they become.
#[track_caller]
fn check_on(model: &Model, raw: &[f64], features: &[f64], m: usize) {
    let (output, want) = expected(model, features);
    let got = run(model, output, raw, m).unwrap_or_else(|error| panic!("{}: {error:?}", model.network));
    assert_eq!(got.shape(), [m, want.len() / m], "{}", model.network);
    let got = got.to_plain_array_view::<f32>().unwrap();
    for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
        let (got, limit) = (f64::from(got), 1e-5 * want.abs().max(1.0));
        // Written so that a NaN fails.
        assert!((got - want).abs() <= limit, "{}, value {i}: got {got}, want {want}", model.network);
    }
}

#[test]
fn every_activation_and_output_answers_as_the_reference() {
    let x = samples();
    for single in [true, false] {
        all_models(single).iter().for_each(|model| check(model, &x, M));
    }
}

#[test]
fn raw_columns_are_prepared_inside() {
    let (raw, features) = raw_samples();
    let model = prepared(model(two_layers(ACTIVATIONS[1]), (Loss::SoftmaxCrossEntropy, 3), true));
    check_on(&model, &raw, &features, M);
}

#[test]
fn a_batch_may_have_any_size() {
    let model = model(two_layers(ACTIVATIONS[1]), (Loss::SoftmaxCrossEntropy, 3), true);
    let x = samples();
    for m in [1, 2, M - 1] {
        check(&model, &x[..3 * m], m);
    }
}

#[test]
fn the_label_is_the_name_of_the_likeliest_class() {
    let x = samples();
    for output in [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 3)] {
        let model = model(two_layers(ACTIVATIONS[1]), output, true);
        let labels = run(&model, "label", &x, M).unwrap();
        let a = answers(&model.network, &model.parameters, &x);
        let classes = a.chunks(output.1).map(|a| output.0.class_of(a.iter().copied()).unwrap() as usize);
        let want: Vec<&String> = classes.map(|class| &model.class_names[class]).collect();
        let got = labels.to_plain_array_view::<String>().unwrap();
        assert_eq!(got.iter().collect::<Vec<_>>(), want);
        assert!(want.iter().any(|name| *name != want[0]), "the samples fall into one class");
    }
}
