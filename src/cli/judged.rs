//! Pictures of how good a network's answers are: ROC curves, calibration, confusion matrix.

use gpu_nn::data::Dataset;
use gpu_nn::network::Network;
use gpu_nn::plot::{Caption, calibration_picture, confusion_picture, encode_png, roc_picture};
use gpu_nn::training::{calibration, claims, class_scores, confusion_matrix, roc_curve};
use gpu_nn::{Error, Result};

use super::console::thousands;
use super::fit::{Fit, describe};
use super::parts::Parts;
use super::run_folder::RunFolder;

const SIZE: (u32, u32) = (760, 720);

/// Bins of a reliability diagram.
const BINS: usize = 10;

/// What is drawn of a network that tells classes apart.
pub const NAMES: [&str; 3] = ["roc.png", "calibration.png", "confusion.png"];

/// The pictures that can be drawn of the network's output a (n_L, m) on a data set, by name, as PNG files; `part` says what
/// the data set is. None for a network of values; no curves of classes that the data has none or nothing else of.
pub fn draw(
    network: &Network,
    a: &[f64],
    dataset: &Dataset,
    part: &str,
) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let loss = network.loss();
    let Some(scores) = class_scores(loss, a, dataset) else { return Ok(Vec::new()) };
    let names = dataset.class_names();
    let title = format!("{}, {network}", dataset.name);
    let score = gpu_nn::training::Score::new(loss, a, dataset);
    let right = describe(score).unwrap_or_else(|| thousands(dataset.m));
    let caption = format!("{part}: {right}");
    let caption = Caption { title: &title, caption: &caption, size: SIZE };
    let mut pictures = Vec::new();
    let curves: Vec<_> = (scores.iter())
        .filter_map(|of| Some((names.get(of.class)?.as_str(), roc_curve(&of.scores, &of.positive)?)))
        .collect();
    if !curves.is_empty() {
        pictures.push((NAMES[0], encode_png(&roc_picture(&curves, &caption)?)?));
    }
    if let Some((probabilities, came_true)) = claims(loss, a, dataset) {
        let bins = calibration(&probabilities, &came_true, BINS);
        let of_class = names.get(1).filter(|_| scores.len() == 1);
        let axes = match of_class {
            Some(name) => (format!("probability of {name}"), format!("share that is {name}")),
            None => ("probability of the answer".to_owned(), "share that is right".to_owned()),
        };
        let picture = calibration_picture(&bins, (&axes.0, &axes.1), &caption)?;
        pictures.push((NAMES[1], encode_png(&picture)?));
    }
    if let Some(matrix) = confusion_matrix(loss, a, dataset) {
        pictures.push((NAMES[2], encode_png(&confusion_picture(&matrix, names, &caption)?)?));
    }
    Ok(pictures)
}

/// Draws the answers on data that was not learnt from, if there is any; the names of what was written.
pub fn draw_held_out(
    folder: &mut RunFolder,
    parts: &Parts,
    network: &Network,
    fit: &Fit,
) -> Result<Vec<&'static str>> {
    let part = match (&parts.test, &parts.validation) {
        (Some(test), _) => Some((test, "test data")),
        (None, validation) => validation.as_ref().map(|dataset| (dataset, "validation data")),
    };
    let (Some((dataset, part)), Some(output)) = (part, &fit.judged) else { return Ok(Vec::new()) };
    let pictures = draw(network, output, dataset, part)?;
    pictures.into_iter().map(|(name, bytes)| folder.write(name, bytes).map(|()| name)).collect()
}

/// Refuses to draw what a network for values does not have.
pub fn check_drawable(network: &Network) -> Result<()> {
    if network.n_classes() > 0 {
        return Ok(());
    }
    let reason = "it predicts values, and the pictures are those of classes; leave --plots out";
    Err(Error::invalid("network to draw", network, reason))
}
