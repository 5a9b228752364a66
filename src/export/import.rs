//! A model from a NumPy archive: a scikit-learn MLP's `coefs_` and `intercepts_`, or what [`to_npz`](super::to_npz) wrote.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::npz::PREPROCESSING;
use crate::data::{ColumnStep, Partition, Preprocessing, Step};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::{Activation, Layer, Loss, Network, Parameters, parse_value_loss};
use crate::npy::{Archive, Array, Values};

/// What the archive does not say, or what is to be taken in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// The activation of all hidden layers; `None`: the archive's `activation`, or its list `activations`.
    pub activation: Option<Activation>,
    /// Output activation and cost; `None`: the archive's `out_activation_` or `output`.
    pub output: Option<Loss>,
    /// The classes' names; `None`: the archive's `classes_` or `class_names`, or else 0, 1, ...
    pub class_names: Option<Vec<String>>,
    /// The features' names; `None`: the archive's `feature_names_in_` or `feature_names`, or else x1, x2, ...
    pub feature_names: Option<Vec<String>>,
}

/// Reads a model from a .npz file of `path`.
///
/// The matrices are `coefs_0`, `intercepts_0`, `coefs_1`, ... (coefs (n_prev, n_l), as scikit-learn has them), or come
/// without names as by `np.savez(file, *mlp.coefs_, *mlp.intercepts_)`, or are `W1` (n_l, n_prev), `b1`, `W2`, ...
/// `mean_` and `scale_` of a `StandardScaler` become the model's preprocessing.
///
/// # Errors
/// [`Error::Read`] when there is no such file; [`Error::Model`] when it is damaged, lacks something, or its parts do not
/// fit together.
pub fn from_npz(path: &Path, options: &ImportOptions) -> Result<Model> {
    let file = File::open(path).map_err(|source| Error::Read { path: path.into(), source })?;
    read(BufReader::new(file), options).map_err(|problem| Error::Model { path: path.into(), problem })
}

fn read(file: BufReader<File>, options: &ImportOptions) -> std::result::Result<Model, String> {
    let mut archive = Archive::open(file).map_err(|failure| failure.to_string())?;
    let layers = layers(&mut archive)?;
    let n_hidden = layers.len() - 1;
    let activations = activations(&mut archive, options, n_hidden)?;
    let loss = output(&mut archive, options)?;
    let n_outputs = layers[n_hidden].rows;
    if loss == Loss::BinaryCrossEntropy && n_outputs > 1 {
        return Err(format!(
            "it has {n_outputs} sigmoid outputs (several labels a sample), which gpu-nn does not train; use one \
             output, or softmax"
        ));
    }
    let hidden = layers.iter().zip(activations);
    let hidden = hidden.map(|(layer, activation)| Layer { units: layer.rows, activation }).collect();
    let network = Network::new(layers[0].cols, hidden, n_outputs, loss).map_err(|error| error.to_string())?;
    let classes = names(&mut archive, &["classes_", "class_names"], options.class_names.as_ref())?;
    let classes =
        classes.unwrap_or_else(|| (0..network.n_classes()).map(|class| class.to_string()).collect());
    let features =
        names(&mut archive, &["feature_names_in_", "feature_names"], options.feature_names.as_ref())?;
    let features = features.unwrap_or_else(|| (1..=network.n_features()).map(|i| format!("x{i}")).collect());
    for (what, names, expected) in
        [("classes", &classes, network.n_classes()), ("features", &features, network.n_features())]
    {
        if names.len() != expected {
            let found = names.len();
            return Err(format!(
                "{found} names of {what} are given, but the network {network} has {expected}"
            ));
        }
    }
    let preprocessing = preprocessing(&mut archive, features)?;
    let single_precision = layers.iter().all(|layer| layer.single_precision);
    let values = layers.into_iter().flat_map(|layer| layer.parameters).collect();
    let parameters = Parameters::from_values(&network, values).map_err(|error| error.to_string())?;
    Ok(Model {
        network,
        parameters,
        single_precision,
        preprocessing,
        class_names: classes,
        data: None,
        partition: Partition::default(),
    })
}

/// Weights and bias of a layer in the arena's order: (n_l, n_prev), then (n_l).
struct Dense {
    rows: usize,
    cols: usize,
    parameters: Vec<f64>,
    single_precision: bool,
}

/// The names of a layer's matrices, and whether the weights are (n_l, n_prev) and not (n_prev, n_l).
struct Names {
    weight: String,
    bias: String,
    outputs_first: bool,
}

/// All layers; at least one, each fitting the one before.
fn layers(archive: &mut Archive<BufReader<File>>) -> std::result::Result<Vec<Dense>, String> {
    let mut layers: Vec<Dense> = Vec::new();
    for Names { weight, bias, outputs_first } in layer_names(archive)? {
        let weights = matrix(archive, &weight)?;
        let bias_array = matrix(archive, &bias)?;
        let &[first, second] = weights.shape.as_slice() else {
            return Err(format!("array `{weight}` has shape {:?}; weights are a matrix", weights.shape));
        };
        let (rows, cols) = if outputs_first { (first, second) } else { (second, first) };
        if bias_array.shape.iter().product::<usize>() != rows || bias_array.shape.first() != Some(&rows) {
            return Err(format!(
                "array `{bias}` has shape {:?}, but `{weight}` has {rows} outputs",
                bias_array.shape
            ));
        }
        if let Some(previous) = layers.last().filter(|previous| previous.rows != cols) {
            return Err(format!(
                "array `{weight}` has {cols} inputs, but the layer before has {}",
                previous.rows
            ));
        }
        let single_precision =
            [&weights, &bias_array].iter().all(|array| matches!(array.values, Values::Single(_)));
        let values = doubles(&weight, weights)?;
        let mut parameters = if outputs_first { values } else { transposed(&values, rows, cols) };
        parameters.extend(doubles(&bias, bias_array)?);
        layers.push(Dense { rows, cols, parameters, single_precision });
    }
    Ok(layers)
}

/// The names under which the archive has its layers.
fn layer_names(archive: &Archive<BufReader<File>>) -> std::result::Result<Vec<Names>, String> {
    let known = archive.names();
    let counted = |of: &dyn Fn(usize) -> Names| {
        (0..).map(of).take_while(|names| known.contains(&names.weight)).collect::<Vec<_>>()
    };
    let named = |weight: String, bias: String, outputs_first| Names { weight, bias, outputs_first };
    let own = counted(&|l| named(format!("W{}", l + 1), format!("b{}", l + 1), true));
    let scikit = counted(&|l| named(format!("coefs_{l}"), format!("intercepts_{l}"), false));
    let positional = (0..).take_while(|i| known.contains(&format!("arr_{i}"))).count();
    if positional % 2 == 1 {
        return Err(format!(
            "it has {positional} arrays without names; give as many weights as biases: np.savez(file, *mlp.coefs_, \
             *mlp.intercepts_)"
        ));
    }
    let half = positional / 2;
    let positional =
        (0..half).map(|l| named(format!("arr_{l}"), format!("arr_{}", half + l), false)).collect();
    [own, scikit, positional].into_iter().find(|names: &Vec<_>| !names.is_empty()).ok_or_else(|| {
        format!(
            "its arrays are {}; save weights and biases with np.savez(file, *mlp.coefs_, *mlp.intercepts_, \
             activation=mlp.activation, out_activation_=mlp.out_activation_)",
            if known.is_empty() { "none".into() } else { known.join(", ") }
        )
    })
}

fn matrix(archive: &mut Archive<BufReader<File>>, name: &str) -> std::result::Result<Array, String> {
    archive.array(name)?.ok_or_else(|| format!("array `{name}` is missing"))
}

/// The values of an array of finite numbers.
fn doubles(name: &str, array: Array) -> std::result::Result<Vec<f64>, String> {
    let values: Vec<f64> = match array.values {
        Values::Single(values) => values.into_iter().map(f64::from).collect(),
        Values::Double(values) => values,
        Values::Integer(values) => values.into_iter().map(|value| value as f64).collect(),
        Values::Text(_) => return Err(format!("array `{name}` holds texts; numbers are needed")),
    };
    match values.iter().find(|value| !value.is_finite()) {
        Some(bad) => Err(format!("array `{name}` holds {bad}; train again")),
        None => Ok(values),
    }
}

/// (cols, rows) as (rows, cols).
fn transposed(values: &[f64], rows: usize, cols: usize) -> Vec<f64> {
    (0..rows).flat_map(|row| (0..cols).map(move |col| values[col * rows + row])).collect()
}

/// One activation a hidden layer.
fn activations(
    archive: &mut Archive<BufReader<File>>,
    options: &ImportOptions,
    n_hidden: usize,
) -> std::result::Result<Vec<Activation>, String> {
    if n_hidden == 0 {
        return Ok(Vec::new());
    }
    if let Some(activation) = options.activation {
        return Ok(vec![activation; n_hidden]);
    }
    let parse = |name: &String| match name.as_str() {
        "logistic" => Ok(Activation::Sigmoid),
        name => name.parse::<Activation>().map_err(|error| error.to_string()),
    };
    if let Some(all) = texts(archive, "activations")? {
        if all.len() != n_hidden {
            return Err(format!("it names {} activations for {n_hidden} hidden layers", all.len()));
        }
        return all.iter().map(parse).collect();
    }
    let one = texts(archive, "activation")?.and_then(|names| names.into_iter().next()).ok_or(
        "it does not say what its hidden layers compute; save it with activation=mlp.activation, or give --activation",
    )?;
    Ok(vec![parse(&one)?; n_hidden])
}

/// How columns of these names become features: what [`to_npz`](super::to_npz) wrote, or a `StandardScaler`'s `mean_` and
/// `scale_`, or nothing to be done.
fn preprocessing(
    archive: &mut Archive<BufReader<File>>,
    names: Vec<String>,
) -> std::result::Result<Preprocessing, String> {
    if let Some(json) = texts(archive, PREPROCESSING)?.and_then(|texts| texts.into_iter().next()) {
        let wrong = |problem: String| format!("array `{PREPROCESSING}`: {problem}; export the model again");
        let own: Preprocessing = serde_json::from_str(&json).map_err(|error| wrong(error.to_string()))?;
        return match own.is_sound() && own.n_features() == names.len() {
            true => Ok(own),
            false => Err(wrong(format!("it does not make {} features", names.len()))),
        };
    }
    let mut numbers = |name: &str, default: f64| match archive.array(name)? {
        None => Ok(vec![default; names.len()]),
        Some(array) => match doubles(name, array)? {
            values if values.len() == names.len() => Ok(values),
            values => Err(format!("array `{name}` has {} values for {} features", values.len(), names.len())),
        },
    };
    let (shift, scale) = (numbers("mean_", 0.0)?, numbers("scale_", 1.0)?);
    if let Some(bad) = scale.iter().find(|scale| **scale <= 0.0) {
        return Err(format!("array `scale_` holds {bad}; a scale is positive"));
    }
    let step = |(shift, scale)| Step::Number { fill: None, shift, scale };
    let steps = shift.into_iter().zip(scale).map(step);
    let columns = names.into_iter().zip(steps).map(|(name, step)| ColumnStep { name, step });
    Ok(Preprocessing { columns: columns.collect() })
}

fn output(
    archive: &mut Archive<BufReader<File>>,
    options: &ImportOptions,
) -> std::result::Result<Loss, String> {
    if let Some(loss) = options.output {
        return Ok(loss);
    }
    for name in ["out_activation_", "output"] {
        if let Some(text) = texts(archive, name)?.and_then(|names| names.into_iter().next()) {
            return match text.as_str() {
                "sigmoid" | "logistic" => Ok(Loss::BinaryCrossEntropy),
                "softmax" => Ok(Loss::SoftmaxCrossEntropy),
                "identity" => value_loss(archive),
                _ => Err(format!("its output `{text}` is unknown; there are sigmoid, softmax and identity")),
            };
        }
    }
    Err("it does not say what its output is; save it with out_activation_=mlp.out_activation_, or give --output".into())
}

/// What the differences of values cost; archives of others do not say, and it matters only for a score.
fn value_loss(archive: &mut Archive<BufReader<File>>) -> std::result::Result<Loss, String> {
    match texts(archive, "loss")?.and_then(|names| names.into_iter().next()) {
        // scikit-learn says squared_error.
        Some(text) => parse_value_loss(text.trim_end_matches("_error")).map_err(|error| error.to_string()),
        None => Ok(Loss::SquaredError),
    }
}

/// The names that were given, or the first of these arrays that the archive has and that is not empty.
fn names(
    archive: &mut Archive<BufReader<File>>,
    arrays: &[&str],
    given: Option<&Vec<String>>,
) -> std::result::Result<Option<Vec<String>>, String> {
    if given.is_some() {
        return Ok(given.cloned());
    }
    for name in arrays {
        if let Some(found) = texts(archive, name)?.filter(|found| !found.is_empty()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The values of an array as texts; `None` where there is none of this name.
fn texts(
    archive: &mut Archive<BufReader<File>>,
    name: &str,
) -> std::result::Result<Option<Vec<String>>, String> {
    let array = archive.array(name)?;
    Ok(array.map(|array| match array.values {
        Values::Text(texts) => texts,
        Values::Integer(values) => values.iter().map(i64::to_string).collect(),
        Values::Double(values) => values.iter().map(f64::to_string).collect(),
        Values::Single(values) => values.iter().map(f32::to_string).collect(),
    }))
}
