//! Week 3: a network with one hidden layer of tanh units and a sigmoid output; deeper ones are in [`deep`](super::deep).

use super::{Matrix, checked};
use crate::error::Result;
use crate::network::Activation;

pub use super::init::initialize_parameters;

/// W1, b1, W2, b2.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// W1, (n_h, n_x).
    pub w1: Matrix,
    /// b1, (n_h, 1).
    pub b1: Matrix,
    /// W2, (n_y, n_h).
    pub w2: Matrix,
    /// b2, (n_y, 1).
    pub b2: Matrix,
}

/// What the forward pass computes on its way, kept for the backward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// Z1, (n_h, m).
    pub z1: Matrix,
    /// A1, (n_h, m).
    pub a1: Matrix,
    /// Z2, (n_y, m).
    pub z2: Matrix,
    /// A2, (n_y, m).
    pub a2: Matrix,
}

/// dJ/dW1, dJ/db1, dJ/dW2, dJ/db2, each of the shape of its parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// dW1, (n_h, n_x).
    pub dw1: Matrix,
    /// db1, (n_h, 1).
    pub db1: Matrix,
    /// dW2, (n_y, n_h).
    pub dw2: Matrix,
    /// db2, (n_y, 1).
    pub db2: Matrix,
}

/// (n_x, n_h, n_y): the rows of X, 4 as in the course, the rows of Y.
///
/// Shapes: X (n_x, m), Y (n_y, m).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when X and Y differ in their number of samples.
pub fn layer_sizes(x: &Matrix, y: &Matrix) -> Result<(usize, usize, usize)> {
    y.expect_shape("targets Y", (y.rows(), x.cols()), "Y needs one column a column of X")?;
    Ok((x.rows(), 4, y.rows()))
}

/// Z1 = W1 X + b1, A1 = tanh(Z1), Z2 = W2 A1 + b2, A2 = sigmoid(Z2).
///
/// Shapes: X (n_x, m) -> A2 (n_y, m) and all four in a [`Cache`].
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when X and the parameters do not fit together.
///
/// ```
/// use gpu_nn::cpu_reference::course::Matrix;
/// use gpu_nn::cpu_reference::course::shallow::{compute_cost, forward_propagation, initialize_parameters};
///
/// let x = Matrix::from_rows(&[[1.0, -1.0], [2.0, 0.5]])?;
/// let y = Matrix::from_rows(&[[1.0, 0.0]])?;
/// let parameters = initialize_parameters(2, 4, 1, 2)?;
///
/// let (a2, cache) = forward_propagation(&x, &parameters)?;
/// assert_eq!((cache.z1.shape(), a2.shape()), ((4, 2), (1, 2)));
/// // Small weights know nothing yet: every probability is near 1/2 and the cost near log 2.
/// assert!((compute_cost(&a2, &y)? - 2f64.ln()).abs() < 1e-3);
/// # Ok::<(), gpu_nn::Error>(())
/// ```
pub fn forward_propagation(x: &Matrix, parameters: &Parameters) -> Result<(Matrix, Cache)> {
    let z1 = checked::matmul_bias(&parameters.w1, x, &parameters.b1)?;
    let a1 = checked::activate(Activation::Tanh, &z1);
    let z2 = checked::matmul_bias(&parameters.w2, &a1, &parameters.b2)?;
    let a2 = checked::activate(Activation::Sigmoid, &z2);
    Ok((a2.clone(), Cache { z1, a1, z2, a2 }))
}

/// J = -1/m sum(Y log A2 + (1 - Y) log(1 - A2)), the course's own formula: NaN or infinite once an A2 is exactly 0 or
/// 1. [`nn_model`] computes the same cost from Z2 instead, which is always finite.
///
/// Shapes: A2 and Y (n_y, m).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the shapes differ.
pub fn compute_cost(a2: &Matrix, y: &Matrix) -> Result<f64> {
    checked::cross_entropy(a2, y)
}

/// dZ2 = A2 - Y, dW2 = dZ2 A1^T / m, db2 = rowsum(dZ2) / m, dZ1 = W2^T dZ2 * (1 - A1^2), dW1 = dZ1 X^T / m,
/// db1 = rowsum(dZ1) / m.
///
/// Shapes: X (n_x, m), Y (n_y, m).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when X, Y, the cache and the parameters do not fit together.
pub fn backward_propagation(
    parameters: &Parameters,
    cache: &Cache,
    x: &Matrix,
    y: &Matrix,
) -> Result<Gradients> {
    let dz2 = checked::difference(&cache.a2, y)?;
    let dw2 = checked::weight_gradient(&dz2, &cache.a1)?;
    let db2 = checked::row_sum(&dz2);
    let da1 = checked::input_gradient(&parameters.w2, &dz2)?;
    let dz1 = checked::activation_derivative(Activation::Tanh, &da1, &cache.a1)?;
    let dw1 = checked::weight_gradient(&dz1, x)?;
    let db1 = checked::row_sum(&dz1);
    Ok(Gradients { dw1, db1, dw2, db2 })
}

/// theta = theta - learning_rate * dtheta for each of W1, b1, W2, b2; the course's learning rate is 1.2.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when a gradient does not have the shape of its parameter.
pub fn update_parameters(
    parameters: &Parameters,
    gradients: &Gradients,
    learning_rate: f64,
) -> Result<Parameters> {
    Ok(Parameters {
        w1: checked::gradient_descent("dW1", &parameters.w1, &gradients.dw1, learning_rate)?,
        b1: checked::gradient_descent("db1", &parameters.b1, &gradients.db1, learning_rate)?,
        w2: checked::gradient_descent("dW2", &parameters.w2, &gradients.dw2, learning_rate)?,
        b2: checked::gradient_descent("db2", &parameters.b2, &gradients.db2, learning_rate)?,
    })
}

/// The whole of week 3: initialise with `seed` (the course: 2), then `num_iterations` times forward, cost, backward,
/// update. Returns the parameters and the cost of each iteration, taken before its update as the course prints it.
///
/// The cost is softplus(Z2) - Y Z2, which equals [`compute_cost`] wherever that one is finite.
///
/// Shapes: X (n_x, m), Y (n_y, m).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when X and Y differ in their number of samples, or `n_h` is 0 or beyond
/// [`MAX_UNITS`](crate::network::MAX_UNITS).
///
/// ```
/// use gpu_nn::cpu_reference::course::Matrix;
/// use gpu_nn::cpu_reference::course::shallow::{nn_model, predict};
///
/// // The middle samples are class 1: no single threshold on x separates them, a hidden layer does.
/// let x = Matrix::from_rows(&[[-2.0, -1.5, -0.5, 0.0, 1.0, 2.0]])?;
/// let y = Matrix::from_rows(&[[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]])?;
/// let (parameters, costs) = nn_model(&x, &y, 4, 2_000, 1.2, 2)?;
/// assert!(costs[1_999] < 0.05 * costs[0]);
/// assert_eq!(predict(&parameters, &x)?, y);
/// # Ok::<(), gpu_nn::Error>(())
/// ```
pub fn nn_model(
    x: &Matrix,
    y: &Matrix,
    n_h: usize,
    num_iterations: usize,
    learning_rate: f64,
    seed: u32,
) -> Result<(Parameters, Vec<f64>)> {
    let (n_x, _, n_y) = layer_sizes(x, y)?;
    let mut parameters = initialize_parameters(n_x, n_h, n_y, seed)?;
    let mut costs = Vec::new();
    for _ in 0..num_iterations {
        let (_a2, cache) = forward_propagation(x, &parameters)?;
        costs.push(checked::cost_from_logits(&cache.z2, y)?);
        let gradients = backward_propagation(&parameters, &cache, x, y)?;
        parameters = update_parameters(&parameters, &gradients, learning_rate)?;
    }
    Ok((parameters, costs))
}

/// round(A2), ties to even as in NumPy: 1 where A2 > 0.5, else 0.
///
/// Shapes: X (n_x, m) -> (n_y, m).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when X and the parameters do not fit together.
pub fn predict(parameters: &Parameters, x: &Matrix) -> Result<Matrix> {
    let (a2, _cache) = forward_propagation(x, parameters)?;
    Ok(a2.map(f64::round_ties_even))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn matrix(rows: usize, cols: usize) -> Matrix {
        Matrix::new(rows, cols, vec![0.5; rows * cols]).unwrap()
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let parameters = initialize_parameters(2, 4, 1, 2).unwrap();
        let (x, y) = (matrix(2, 5), matrix(1, 5));
        let (_, cache) = forward_propagation(&x, &parameters).unwrap();
        let gradients = backward_propagation(&parameters, &cache, &x, &y).unwrap();
        let is_shape = |error: Error| matches!(error, Error::Shape { .. });

        assert!(is_shape(layer_sizes(&x, &matrix(1, 4)).unwrap_err()));
        assert!(is_shape(initialize_parameters(2, 0, 1, 2).unwrap_err()));
        assert!(is_shape(forward_propagation(&matrix(3, 5), &parameters).unwrap_err()));
        assert!(is_shape(compute_cost(&y, &matrix(1, 4)).unwrap_err()));
        assert!(is_shape(backward_propagation(&parameters, &cache, &matrix(2, 4), &y).unwrap_err()));
        assert!(is_shape(backward_propagation(&parameters, &cache, &x, &matrix(2, 5)).unwrap_err()));
        let wide = initialize_parameters(2, 4, 3, 2).unwrap();
        assert!(is_shape(backward_propagation(&wide, &cache, &x, &y).unwrap_err()));
        assert!(is_shape(update_parameters(&wide, &gradients, 1.2).unwrap_err()));
        assert!(is_shape(nn_model(&x, &matrix(1, 4), 4, 1, 1.2, 2).unwrap_err()));
        assert!(is_shape(predict(&parameters, &matrix(1, 5)).unwrap_err()));
    }

    #[test]
    fn one_half_is_class_zero() {
        let parameters = initialize_parameters(2, 4, 1, 2).unwrap();
        // tanh(0) = 0 and zero biases: A2 is exactly sigmoid(0).
        let x = Matrix::from_rows(&[[0.0], [0.0]]).unwrap();
        assert_eq!(predict(&parameters, &x).unwrap().data(), [0.0]);
    }
}
