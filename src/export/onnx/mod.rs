//! A model as an ONNX graph that takes features and gives class names and probabilities, or values.

mod graph;
#[rustfmt::skip]
mod proto;

use prost::Message;

use self::graph::{Dimension, Graph};
use self::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto, tensor_proto::DataType};
use super::scaling::Scaling;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::{Activation, GELU_CUBE, GELU_LINEAR, Loss};

/// The version of ONNX's operators that a graph asks for (ONNX 1.8, of 2020): the first with softmax over one axis.
pub const OPSET: i64 = 13;

/// The format of the file that belongs to [`OPSET`].
const IR_VERSION: i64 = 7;

/// A protobuf message has at most 2 GiB; what is not parameters is far below the difference.
const MAX_PARAMETERS: usize = (1 << 29) - (1 << 20);

/// The number of samples, which a caller chooses.
const BATCH: Dimension<'_> = Dimension::Free("batch");

/// The model as an ONNX file, in single precision.
///
/// Input `features` (batch, n_0): the data's columns as they come, which the graph scales and whose NaNs it fills in as
/// the model's preprocessing does; a column of texts is one column a category, `column=category`, of 0 and 1. A classifier has the outputs `label` (batch), the class names as strings, and
/// `probabilities` (batch, classes), for a sigmoid both columns; a regression has `values` (batch, n_L). The metadata
/// hold `network`, `feature_names` and `class_names` (JSON lists).
///
/// # Errors
/// [`Error::InvalidArgument`] when the model is too large for the format, or a parameter too large for `f32`.
pub fn to_onnx(model: &Model) -> Result<Vec<u8>> {
    let values = model.parameters.values();
    if values.len() > MAX_PARAMETERS {
        let reason = format!("an ONNX file holds at most {MAX_PARAMETERS} parameters; export to npz");
        return Err(Error::invalid("network for ONNX", values.len(), reason));
    }
    if let Some(value) = values.iter().find(|value| !(**value as f32).is_finite()) {
        return Err(Error::invalid(
            "parameter for ONNX",
            value,
            "it exceeds single precision; export to npz",
        ));
    }
    let proto = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(OPSET) }],
        producer_name: Some(env!("CARGO_PKG_NAME").into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        doc_string: Some(format!("The network {}", model.network)),
        graph: Some(graph_of(model).finish("network")),
        metadata_props: metadata(model),
    };
    Ok(proto.encode_to_vec())
}

fn metadata(model: &Model) -> Vec<StringStringEntryProto> {
    let list = |names: &[String]| serde_json::Value::from(names).to_string();
    let entries = [
        ("network", model.network.to_string()),
        ("feature_names", list(&model.preprocessing.feature_names())),
        ("class_names", list(&model.class_names)),
    ];
    let entries = entries.into_iter();
    entries.map(|(key, value)| StringStringEntryProto { key: Some(key.into()), value: Some(value) }).collect()
}

fn graph_of(model: &Model) -> Graph {
    let network = &model.network;
    let mut graph = Graph::default();
    let n_features = Dimension::Fixed(network.n_features());
    graph.input(
        "features",
        DataType::Float,
        &[BATCH, n_features],
        &model.preprocessing.feature_names().join(", "),
    );
    let scaling = Scaling::of(&model.preprocessing);
    let mut a = scaling.map_or_else(|| "features".to_owned(), |scaling| scaled(&mut graph, &scaling));
    for l in 0..network.n_layers() {
        let z = dense(&mut graph, model, l, &a);
        a = match network.hidden().get(l) {
            Some(layer) => activation(&mut graph, layer.activation, z, l),
            None => z,
        };
    }
    output(&mut graph, model, &a);
    graph
}

/// (x - shift) / scale in double precision, as single would lose what is left of large numbers that lie close together;
/// a NaN is missing and becomes the feature's stand-in first.
fn scaled(graph: &mut Graph, scaling: &Scaling) -> String {
    let Scaling { fill, shift, scale } = scaling;
    let double = DataType::Double as i64;
    graph.node("Cast", &["features"], "X_double").int("to", double);
    let mut x = "X_double";
    if scaling.fills() {
        graph.doubles("fill", fill);
        // Only a NaN differs from itself; tract 0.23 takes the answers of IsNaN for numbers.
        graph.node("Equal", &[x, x], "X_known");
        graph.node("Where", &["X_known", x, "fill"], "X_filled");
        x = "X_filled";
    }
    graph.doubles("shift", shift);
    graph.doubles("scale", scale);
    graph.node("Sub", &[x, "shift"], "X_shifted");
    graph.node("Div", &["X_shifted", "scale"], "X_scaled");
    graph.node("Cast", &["X_scaled"], "X").int("to", DataType::Float as i64);
    "X".to_owned()
}

/// Z = A W^T + b, samples in rows.
fn dense(graph: &mut Graph, model: &Model, l: usize, a: &str) -> String {
    let (weight, bias) = (model.parameters.arena().weight(l), model.parameters.arena().bias(l));
    graph.floats(&weight.name, &[weight.rows, weight.cols], model.parameters.view(weight));
    graph.floats(&bias.name, &[bias.rows], model.parameters.view(bias));
    let z = format!("Z{}", l + 1);
    graph.node("Gemm", &[a, &weight.name, &bias.name], &z).int("transB", 1);
    z
}

fn activation(graph: &mut Graph, activation: Activation, z: String, l: usize) -> String {
    let a = format!("A{}", l + 1);
    match activation {
        Activation::Sigmoid => graph.node("Sigmoid", &[&z], &a),
        Activation::Tanh => graph.node("Tanh", &[&z], &a),
        Activation::Relu => graph.node("Relu", &[&z], &a),
        Activation::LeakyRelu { slope } => graph.node("LeakyRelu", &[&z], &a).float("alpha", slope as f32),
        Activation::Elu => graph.node("Elu", &[&z], &a),
        Activation::Softplus => return softplus(graph, &z, a),
        Activation::Gelu => return gelu(graph, &z, a),
        Activation::Silu => return gated(graph, &z, &z, a),
        Activation::Identity => return z,
    };
    a
}

/// max(z, 0) + ln(1 + exp(-|z|)): some engines' own operator overflows for large z.
fn softplus(graph: &mut Graph, z: &str, a: String) -> String {
    let part = |name: &str| format!("{a}_{name}");
    graph.node("Relu", &[z], &part("linear"));
    graph.node("Abs", &[z], &part("size"));
    graph.node("Neg", &[&part("size")], &part("exponent"));
    graph.node("Exp", &[&part("exponent")], &part("power"));
    graph.floats(&part("one"), &[1], &[1.0]);
    graph.node("Add", &[&part("power"), &part("one")], &part("sum"));
    graph.node("Log", &[&part("sum")], &part("logarithm"));
    graph.node("Add", &[&part("linear"), &part("logarithm")], &a);
    a
}

/// z times the sigmoid of w.
fn gated(graph: &mut Graph, z: &str, w: &str, a: String) -> String {
    let gate = format!("{a}_gate");
    graph.node("Sigmoid", &[w], &gate);
    graph.node("Mul", &[z, &gate], &a);
    a
}

/// z sigmoid(z (c z^2 + b)), of operators that opset 13 has.
fn gelu(graph: &mut Graph, z: &str, a: String) -> String {
    let part = |name: &str| format!("{a}_{name}");
    graph.floats(&part("cube"), &[1], &[GELU_CUBE]);
    graph.floats(&part("linear"), &[1], &[GELU_LINEAR]);
    graph.node("Mul", &[z, z], &part("square"));
    graph.node("Mul", &[&part("square"), &part("cube")], &part("scaled"));
    graph.node("Add", &[&part("scaled"), &part("linear")], &part("sum"));
    graph.node("Mul", &[z, &part("sum")], &part("exponent"));
    let exponent = part("exponent");
    gated(graph, z, &exponent, a)
}

/// What comes out for the logits z.
fn output(graph: &mut Graph, model: &Model, z: &str) {
    let columns = match model.network.loss() {
        Loss::BinaryCrossEntropy => {
            // Both columns by a sigmoid of their own: 1 - p would lose the small probabilities of the first class.
            graph.node("Neg", &[z], "Z_first");
            graph.node("Concat", &["Z_first", z], "Z_both").int("axis", 1);
            graph.node("Sigmoid", &["Z_both"], "probabilities");
            2
        }
        Loss::SoftmaxCrossEntropy => {
            graph.node("Softmax", &[z], "probabilities").int("axis", 1);
            model.network.n_outputs()
        }
        Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {
            graph.node("Identity", &[z], "values");
            let n_outputs = Dimension::Fixed(model.network.n_outputs());
            graph.output("values", DataType::Float, &[BATCH, n_outputs], "");
            return;
        }
    };
    // The first of equal probabilities, as `Loss::class_of`.
    graph.node("ArgMax", &["probabilities"], "class").int("axis", 1).int("keepdims", 0);
    graph.strings("class_names", &model.class_names);
    graph.node("Gather", &["class_names", "class"], "label").int("axis", 0);
    graph.output("label", DataType::String, &[BATCH], "The class name of the largest probability");
    let names = model.class_names.join(", ");
    graph.output("probabilities", DataType::Float, &[BATCH, Dimension::Fixed(columns)], &names);
}
