//! A model as a NumPy archive: its matrices under the course's names, and beside them everything that names things.

use super::scaling::Scaling;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::npy::{Array, write_archive};

/// The array that holds the preprocessing as JSON.
pub(super) const PREPROCESSING: &str = "preprocessing";

/// The model as a .npz file: `W1` (n_1, n_0), `b1` (n_1, 1), `W2`, ...; the texts `activations` (one a hidden layer),
/// `output` (sigmoid, softmax or identity), `loss` of values (squared, absolute, huber:DELTA), `feature_names` and `class_names`. Where the features are not the data's
/// columns as they are, `fill`, `shift` and `scale` (n_0) say what feature x becomes, (x - shift) / scale with fill for
/// a NaN, and `preprocessing` the same with the columns of texts, as JSON.
///
/// [`from_npz`](super::from_npz) reads it back without loss.
///
/// # Errors
/// [`Error::InvalidArgument`] when the archive cannot be made.
pub fn to_npz(model: &Model) -> Result<Vec<u8>> {
    let views = model.parameters.arena().views().iter();
    let mut arrays: Vec<(String, Array)> = views
        .map(|view| {
            let array = Array::matrix(view.rows, view.cols, model.parameters.view(view).to_vec());
            (view.name.clone(), if model.single_precision { array.into_single() } else { array })
        })
        .collect();
    let activations = model.network.hidden().iter().map(|layer| layer.activation.to_string()).collect();
    arrays.extend([
        ("activations".to_owned(), Array::texts(activations)),
        ("output".to_owned(), Array::text(model.network.loss().output_name())),
        ("loss".to_owned(), Array::text(&model.network.loss().to_string())),
        ("feature_names".to_owned(), Array::texts(model.preprocessing.feature_names())),
        ("class_names".to_owned(), Array::texts(model.class_names.clone())),
    ]);
    if let Some(Scaling { fill, shift, scale }) = Scaling::of(&model.preprocessing) {
        for (name, values) in [("fill", fill), ("shift", shift), ("scale", scale)] {
            arrays.push((name.to_owned(), Array::list(values)));
        }
    }
    if !model.preprocessing.is_identity() {
        let steps = serde_json::to_string(&model.preprocessing);
        let steps =
            steps.map_err(|error| Error::invalid("network for npz", &model.network, error.to_string()))?;
        arrays.push((PREPROCESSING.to_owned(), Array::text(&steps)));
    }
    write_archive(&arrays).map_err(|problem| Error::invalid("network for npz", &model.network, problem))
}
