//! The gradients of backward propagation against central differences of the cost, in double precision.

use crate::cpu_reference::cost_and_gradients;
use crate::error::Result;
use crate::network::{Network, Parameters};

/// The step of a central difference: its error is of the order of its square, that of rounding 1e-16 divided by it.
const STEP: f64 = 1e-5;

/// So far may the two lie apart, relative to the largest gradient.
pub const GRADIENT_TOLERANCE: f64 = 1e-7;

/// How well the gradients of one parameter matrix agree.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixCheck {
    /// `W1`, `b1`, `W2`, ...
    pub name: String,
    /// Elements of the matrix, and those that were checked.
    pub elements: usize,
    /// At most as many as wanted, evenly spread.
    pub checked: usize,
    /// The largest gradient of the matrix.
    pub largest: f64,
    /// The largest difference, relative to the largest gradient of the network.
    pub worst: f64,
}

impl MatrixCheck {
    /// Whether the gradients agree; a NaN does not.
    pub fn agrees(&self) -> bool {
        self.worst <= GRADIENT_TOLERANCE
    }
}

/// Checks the gradients of the cost on x (n_0, m), y (target_rows, m) by each of the parameters, at most `most` of a matrix.
///
/// Where a relu's input is within the step of 0, the cost has no derivative and the two differ.
///
/// # Errors
/// [`crate::Error::Shape`] when x, y or the parameters do not have the shape the network needs.
pub fn gradient_check(
    network: &Network,
    parameters: &Parameters,
    x: &[f64],
    y: &[f64],
    m: usize,
    most: usize,
) -> Result<Vec<MatrixCheck>> {
    let (_, gradients) = cost_and_gradients(network, parameters, x, y, m)?;
    let largest = |values: &[f64]| values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let scale = largest(gradients.values()).max(f64::MIN_POSITIVE);
    let mut moved = parameters.clone();
    let mut checks = Vec::new();
    for view in parameters.arena().views() {
        let every = view.len().div_ceil(most.max(1));
        let (mut worst, mut checked) = (0.0f64, 0);
        for at in (view.offset..view.offset + view.len()).step_by(every) {
            let value = parameters.values()[at];
            let mut cost = |changed: f64| -> Result<f64> {
                moved.values_mut()[at] = changed;
                Ok(cost_and_gradients(network, &moved, x, y, m)?.0)
            };
            let difference = (cost(value + STEP)? - cost(value - STEP)?) / (2.0 * STEP);
            moved.values_mut()[at] = value;
            let off = (difference - gradients.values()[at]).abs() / scale;
            // A NaN is the worst.
            worst = if off <= worst { worst } else { off };
            checked += 1;
        }
        checks.push(MatrixCheck {
            name: view.name.clone(),
            elements: view.len(),
            checked,
            largest: largest(gradients.view(view)),
            worst,
        });
    }
    Ok(checks)
}
