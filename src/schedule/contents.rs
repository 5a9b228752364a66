//! The numbers behind a schedule's matrices, before or after one run: what goes in, and everything that comes out.

use super::op::{Schedule, Storage, Tensor, TensorId};
use crate::error::{Error, Result};

/// The values of all matrices of one schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// By [`TensorId`]; empty for slices of an arena and for the costs, which have places of their own.
    pub tensors: Vec<Vec<f64>>,
    /// The parameter arena.
    pub parameters: Vec<f64>,
    /// The gradient arena.
    pub gradients: Vec<f64>,
    /// What the optimiser remembers, (states, n_parameters); empty for gradient descent.
    pub state: Vec<f64>,
    /// Iterations done before this run.
    pub step: usize,
    /// The costs that one run appended.
    pub costs: Vec<f64>,
}

impl Contents {
    /// Zeros everywhere, and no costs.
    pub fn zeros(schedule: &Schedule) -> Self {
        Self {
            tensors: schedule.tensors.iter().map(|tensor| vec![0.0; own_len(tensor)]).collect(),
            parameters: vec![0.0; schedule.n_parameters],
            gradients: vec![0.0; schedule.n_parameters],
            state: vec![0.0; state_len(schedule)],
            step: 0,
            costs: Vec::new(),
        }
    }

    /// One matrix, row-major, wherever it lives; the costs count as one.
    pub fn get(&self, schedule: &Schedule, id: TensorId) -> &[f64] {
        let tensor = schedule.tensor(id);
        match tensor.storage {
            Storage::Input | Storage::Target | Storage::Value => &self.tensors[id.0],
            Storage::Parameters { offset } => &self.parameters[offset..offset + tensor.len()],
            Storage::Gradients { offset } => &self.gradients[offset..offset + tensor.len()],
            Storage::Costs => &self.costs,
        }
    }

    /// Refuses contents of another schedule.
    ///
    /// # Errors
    /// [`Error::Shape`] naming the matrix or arena that does not fit.
    pub fn check_for(&self, schedule: &Schedule) -> Result<()> {
        check("matrices of the schedule", schedule.tensors.len(), self.tensors.len())?;
        for (tensor, values) in schedule.tensors.iter().zip(&self.tensors) {
            check(&tensor.name, own_len(tensor), values.len())?;
        }
        check("parameters", schedule.n_parameters, self.parameters.len())?;
        check("gradients", schedule.n_parameters, self.gradients.len())?;
        check("state of the optimiser", state_len(schedule), self.state.len())
    }
}

/// Numbers that the optimiser remembers.
fn state_len(schedule: &Schedule) -> usize {
    schedule.descent().map_or(0, |descent| descent.optimizer.n_states() * schedule.n_parameters)
}

/// Elements that a matrix keeps outside of the arenas.
fn own_len(tensor: &Tensor) -> usize {
    match tensor.storage {
        Storage::Input | Storage::Target | Storage::Value => tensor.len(),
        Storage::Parameters { .. } | Storage::Gradients { .. } | Storage::Costs => 0,
    }
}

fn check(what: &str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        expected: expected.to_string(),
        found: found.to_string(),
        hint: "start from Contents::zeros of the same schedule".into(),
    })
}
