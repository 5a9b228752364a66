//! Models as safetensors files: one tensor a parameter matrix, the network and the data's names in the metadata.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::checked;
use super::replace::{Durability, replace};
use crate::data::{DataSource, Partition, Preprocessing};
use crate::error::{Error, Result};
use crate::network::{Arena, Network, Parameters};

/// The name of a model file inside a run's folder.
pub const FILE_NAME: &str = "model.safetensors";

/// The metadata entry that holds everything but the numbers, as JSON.
const METADATA_KEY: &str = "gpu_nn";

/// The newest format that this version reads.
const FORMAT: u32 = 2;

/// The format of a model whose features are the data's columns as they are: older versions read it too.
const PLAIN_FORMAT: u32 = 1;

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Layers, activations, loss.
    pub network: Network,
    /// Weights and biases.
    pub parameters: Parameters,
    /// Whether the parameters fit `f32` without loss: they are then stored as such.
    pub single_precision: bool,
    /// How the data's columns become the network's features.
    pub preprocessing: Preprocessing,
    /// The names of the classes, by index; empty for regression.
    pub class_names: Vec<String>,
    /// The data it was trained on.
    pub data: Option<DataSource>,
    /// What of it was held out.
    pub partition: Partition,
}

/// The metadata, as stored.
#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u32,
    network: Network,
    feature_names: Vec<String>,
    class_names: Vec<String>,
    data: Option<DataSource>,
    /// Absent where the features are the columns as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preprocessing: Option<Preprocessing>,
    /// Absent where nothing is held out.
    #[serde(default, skip_serializing_if = "Partition::is_whole")]
    partition: Partition,
}

impl Model {
    /// Writes the model to `path`.
    ///
    /// # Errors
    /// [`Error::Write`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes().map_err(|problem| Error::Model { path: path.into(), problem })?;
        replace(path, &bytes, Durability::Power)
    }

    fn to_bytes(&self) -> std::result::Result<Vec<u8>, String> {
        let plain = self.preprocessing.is_identity();
        let metadata = Metadata {
            format: if plain { PLAIN_FORMAT } else { FORMAT },
            network: self.network.clone(),
            feature_names: self.preprocessing.feature_names(),
            class_names: self.class_names.clone(),
            data: self.data.clone(),
            preprocessing: (!plain).then(|| self.preprocessing.clone()),
            partition: self.partition.clone(),
        };
        let metadata = serde_json::to_string(&metadata).map_err(|error| error.to_string())?;
        let dtype = if self.single_precision { Dtype::F32 } else { Dtype::F64 };
        let matrices = self.parameters.arena().views().iter().map(|view| {
            let values = self.parameters.view(view);
            let bytes: Vec<u8> = if self.single_precision {
                values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect()
            } else {
                values.iter().flat_map(|v| v.to_le_bytes()).collect()
            };
            (view.name.clone(), vec![view.rows, view.cols], bytes)
        });
        let matrices: Vec<_> = matrices.collect();
        let mut tensors = Vec::with_capacity(matrices.len());
        for (name, shape, bytes) in &matrices {
            let tensor = TensorView::new(dtype, shape.clone(), bytes).map_err(|error| error.to_string())?;
            tensors.push((name, tensor));
        }
        let header = HashMap::from([(METADATA_KEY.to_owned(), metadata)]);
        serialize(tensors, Some(header)).map_err(|error| error.to_string())
    }

    /// Reads a model from a file, or from the folder of a run.
    ///
    /// # Errors
    /// [`Error::Read`] when there is no such file; [`Error::Model`] when it is damaged or not one of ours.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(FILE_NAME) } else { path.to_path_buf() };
        let bytes = checked::read(&path)?;
        Self::from_bytes(&bytes, &path)
    }

    fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let fail = |problem: String| Error::Model { path: path.into(), problem };
        let damaged = |error: safetensors::SafeTensorError| {
            fail(format!("{error}; the file is damaged or cut short: copy it again, or train again"))
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata =
            header.metadata().as_ref().and_then(|entries| entries.get(METADATA_KEY)).ok_or_else(|| {
                fail(format!("its metadata has no `{METADATA_KEY}`: it was not written by gpu-nn"))
            })?;
        let metadata: Metadata = serde_json::from_str(metadata)
            .map_err(|error| fail(format!("its metadata cannot be read ({error}); train again")))?;
        if !(PLAIN_FORMAT..=FORMAT).contains(&metadata.format) {
            return Err(fail(format!(
                "it has format {}, this version reads {PLAIN_FORMAT} to {FORMAT}; use the version of gpu-nn that wrote it",
                metadata.format
            )));
        }
        if metadata.feature_names.len() != metadata.network.n_features() {
            return Err(fail(format!(
                "it names {} features, but the network {} has {}; train again",
                metadata.feature_names.len(),
                metadata.network,
                metadata.network.n_features()
            )));
        }
        let (classes, expected) = (metadata.class_names.len(), metadata.network.n_classes());
        if classes != expected {
            return Err(fail(format!(
                "it names {classes} classes, but the network {} has {expected}; train again",
                metadata.network
            )));
        }
        let preprocessing =
            metadata.preprocessing.unwrap_or_else(|| Preprocessing::identity(&metadata.feature_names));
        if !preprocessing.is_sound() || preprocessing.feature_names() != metadata.feature_names {
            return Err(fail("its preprocessing does not make its features; train again".into()));
        }
        let (parameters, single_precision) = read_parameters(&tensors, &metadata.network).map_err(fail)?;
        Ok(Self {
            network: metadata.network,
            parameters,
            single_precision,
            preprocessing,
            class_names: metadata.class_names,
            data: metadata.data,
            partition: metadata.partition,
        })
    }
}

fn read_parameters(
    tensors: &SafeTensors<'_>,
    network: &Network,
) -> std::result::Result<(Parameters, bool), String> {
    let mut values = Vec::new();
    let mut single_precision = true;
    for view in Arena::new(network).views() {
        let tensor = tensors.tensor(&view.name).map_err(|_| format!("matrix {} is missing", view.name))?;
        if tensor.shape() != [view.rows, view.cols] {
            return Err(format!(
                "matrix {} is {:?}, but the network {network} needs {} x {}",
                view.name,
                tensor.shape(),
                view.rows,
                view.cols
            ));
        }
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => values
                .extend(data.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))),
            Dtype::F64 => {
                single_precision = false;
                values.extend(data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            }
            other => return Err(format!("matrix {} has type {other:?}; F32 or F64 is needed", view.name)),
        }
    }
    if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
        return Err(format!("a parameter is {bad}; train again"));
    }
    let parameters = Parameters::from_values(network, values).map_err(|error| error.to_string())?;
    Ok((parameters, single_precision))
}
