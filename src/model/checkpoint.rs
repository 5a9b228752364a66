//! Checkpoints as safetensors files, replaced as a whole or not at all; and the words of the command that they belong to.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::checked;
use super::replace::{Durability, replace};
use crate::error::{Error, Result};
use crate::network::{Network, Parameters};
use crate::training::{Best, Checkpoint, Look};

/// The name of a checkpoint inside a run's folder.
pub const CHECKPOINT_NAME: &str = "checkpoint.safetensors";

/// The metadata entry that holds everything but the numbers, as JSON.
const METADATA_KEY: &str = "gpu_nn_checkpoint";

/// The format this version writes, and the only one it reads.
const FORMAT: u32 = 1;

/// A checkpoint with what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedCheckpoint {
    /// The network.
    pub network: Network,
    /// The words behind `gpu-nn train` that began the training.
    pub command: Vec<String>,
    /// Where it was trained, so that it goes on with the same bits: words to be added to the command.
    pub device: Vec<String>,
    /// The training.
    pub checkpoint: Checkpoint,
}

/// The metadata, as stored.
#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u32,
    network: Network,
    command: Vec<String>,
    device: Vec<String>,
    done: usize,
    looks: Vec<Look>,
    /// The number and the value of the best look.
    best: Option<(usize, f64)>,
}

impl SavedCheckpoint {
    /// Writes the checkpoint, in the place of an earlier one: a process that is killed at any moment leaves one of the two.
    ///
    /// # Errors
    /// [`Error::Write`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes().map_err(|problem| Error::Model { path: path.into(), problem })?;
        replace(path, &bytes, Durability::Power)
    }

    fn to_bytes(&self) -> std::result::Result<Vec<u8>, String> {
        let Checkpoint { done, parameters, state, costs, looks, best } = &self.checkpoint;
        let metadata = Metadata {
            format: FORMAT,
            network: self.network.clone(),
            command: self.command.clone(),
            device: self.device.clone(),
            done: *done,
            looks: looks.clone(),
            best: best.as_ref().map(|best| (best.look, best.value)),
        };
        let metadata = serde_json::to_string(&metadata).map_err(|error| error.to_string())?;
        let mut arrays = vec![("parameters", parameters.values()), ("state", state), ("costs", costs)];
        let kept = best.as_ref().and_then(|best| best.parameters.as_ref());
        arrays.extend(kept.map(|parameters| ("best", parameters.values())));
        let bytes: Vec<(&str, Vec<u8>)> = (arrays.into_iter())
            .map(|(name, values)| (name, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            .collect();
        let mut tensors = Vec::with_capacity(bytes.len());
        for (name, bytes) in &bytes {
            let tensor = TensorView::new(Dtype::F64, vec![bytes.len() / size_of::<f64>()], bytes);
            tensors.push((*name, tensor.map_err(|error| error.to_string())?));
        }
        let header = HashMap::from([(METADATA_KEY.to_owned(), metadata)]);
        serialize(tensors, Some(header)).map_err(|error| error.to_string())
    }

    /// Reads the checkpoint of a run's folder, or a file.
    ///
    /// # Errors
    /// [`Error::Read`] when there is none; [`Error::Model`] when it is damaged or not one of ours.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(CHECKPOINT_NAME) } else { path.to_path_buf() };
        let bytes = checked::read(&path)?;
        Self::from_bytes(&bytes).map_err(|problem| Error::Model { path, problem })
    }

    fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        let damaged = |error: safetensors::SafeTensorError| {
            format!("{error}; the file is damaged or cut short: train again")
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header.metadata().as_ref().and_then(|entries| entries.get(METADATA_KEY));
        let metadata =
            metadata.ok_or("it is no checkpoint; name the folder of a run with --checkpoint-every")?;
        let metadata: Metadata = serde_json::from_str(metadata)
            .map_err(|error| format!("its metadata cannot be read ({error}); train again"))?;
        if metadata.format != FORMAT {
            let format = metadata.format;
            return Err(format!(
                "it has format {format}, this version reads {FORMAT}; use the version that wrote it"
            ));
        }
        let Metadata { network, command, device, done, looks, best, .. } = metadata;
        let parameters = |name| {
            let values = values(&tensors, name)?;
            Parameters::from_values(&network, values).map_err(|error| error.to_string())
        };
        let costs = values(&tensors, "costs")?;
        let best = match best {
            Some((look, _)) if look >= looks.len() => {
                return Err("its best look is none of its looks; train again".into());
            }
            Some((look, value)) => {
                let kept = tensors.names().contains(&"best");
                let parameters = if kept { Some(parameters("best")?) } else { None };
                Some(Best { look, value, parameters })
            }
            None => None,
        };
        if costs.len() != done {
            return Err(format!("it has {} costs of {done} iterations; train again", costs.len()));
        }
        let state = values(&tensors, "state")?;
        let parameters = parameters("parameters")?;
        Ok(Self {
            network,
            command,
            device,
            checkpoint: Checkpoint { done, parameters, state, costs, looks, best },
        })
    }
}

fn values(tensors: &SafeTensors<'_>, name: &str) -> std::result::Result<Vec<f64>, String> {
    let tensor = tensors.tensor(name).map_err(|_| format!("array `{name}` is missing; train again"))?;
    if tensor.dtype() != Dtype::F64 {
        return Err(format!("array `{name}` has type {:?}; F64 is needed", tensor.dtype()));
    }
    let values: Vec<f64> =
        tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    match values.iter().find(|value| !value.is_finite()) {
        Some(bad) => Err(format!("a number of `{name}` is {bad}; train again")),
        None => Ok(values),
    }
}
