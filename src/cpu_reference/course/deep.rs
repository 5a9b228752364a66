//! Week 4: L layers, ReLU in the hidden ones and a sigmoid output; the single hidden layer of week 3 is in
//! [`shallow`](super::shallow).

use super::{Matrix, checked};
use crate::error::{Error, Result};
use crate::network::{Activation, Initializer};

pub use super::init::initialize_parameters_deep;

/// W_l and b_l of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// W_l, (n_l, n_prev).
    pub w: Matrix,
    /// b_l, (n_l, 1).
    pub b: Matrix,
}

/// W1, b1, ..., W_L, b_L: layer l is element l - 1.
pub type Parameters = Vec<Layer>;

/// The course's `linear_cache`: what [`linear_backward`] needs.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCache {
    /// A_prev, (n_prev, m).
    pub a_prev: Matrix,
    /// W_l, (n_l, n_prev).
    pub w: Matrix,
    /// b_l, (n_l, 1).
    pub b: Matrix,
}

/// The course's `(linear_cache, activation_cache)` of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerCache {
    /// A_prev, W and b.
    pub linear: LinearCache,
    /// Z_l, (n_l, m): the `activation_cache`.
    pub z: Matrix,
}

/// What the backward pass finds for one layer l: the course's `dA(l-1)`, `dWl`, `dbl`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerGradients {
    /// dA of the layer before, (n_prev, m).
    pub da_prev: Matrix,
    /// dW_l, (n_l, n_prev).
    pub dw: Matrix,
    /// db_l, (n_l, 1).
    pub db: Matrix,
}

/// Z = W A_prev + b.
///
/// Shapes: A_prev (n_prev, m), W (n_l, n_prev), b (n_l, 1) -> Z (n_l, m).
///
/// # Errors
/// [`Error::Shape`] when the three do not fit together.
pub fn linear_forward(a_prev: &Matrix, w: &Matrix, b: &Matrix) -> Result<(Matrix, LinearCache)> {
    let z = checked::matmul_bias(w, a_prev, b)?;
    Ok((z, LinearCache { a_prev: a_prev.clone(), w: w.clone(), b: b.clone() }))
}

/// A = g(W A_prev + b), g a sigmoid or ReLU in the course.
///
/// Shapes: A_prev (n_prev, m), W (n_l, n_prev), b (n_l, 1) -> A (n_l, m).
///
/// # Errors
/// [`Error::Shape`] when the three do not fit together.
pub fn linear_activation_forward(
    a_prev: &Matrix,
    w: &Matrix,
    b: &Matrix,
    activation: Activation,
) -> Result<(Matrix, LayerCache)> {
    let (z, linear) = linear_forward(a_prev, w, b)?;
    Ok((checked::activate(activation, &z), LayerCache { linear, z }))
}

/// LINEAR -> RELU, L - 1 times, then LINEAR -> SIGMOID: X -> A_L and the caches of all layers, first to last.
///
/// Shapes: X (n_0, m) -> A_L (n_L, m).
///
/// # Errors
/// [`Error::Shape`] when X and the layers do not fit together, or there is no layer.
pub fn l_model_forward(x: &Matrix, parameters: &[Layer]) -> Result<(Matrix, Vec<LayerCache>)> {
    let (output, hidden) = parameters.split_last().ok_or_else(|| no_layers("parameters"))?;
    let mut caches = Vec::with_capacity(parameters.len());
    let mut a = x.clone();
    for layer in hidden {
        let (a_next, cache) = linear_activation_forward(&a, &layer.w, &layer.b, Activation::Relu)?;
        caches.push(cache);
        a = a_next;
    }
    let (al, cache) = linear_activation_forward(&a, &output.w, &output.b, Activation::Sigmoid)?;
    caches.push(cache);
    Ok((al, caches))
}

/// J = -1/m sum(Y log A_L + (1 - Y) log(1 - A_L)), the course's own formula: NaN or infinite once an A_L is exactly 0
/// or 1. [`l_layer_model`] computes the same cost from Z_L instead, which is always finite.
///
/// Shapes: A_L and Y (n_L, m).
///
/// # Errors
/// [`Error::Shape`] when the shapes differ.
pub fn compute_cost(al: &Matrix, y: &Matrix) -> Result<f64> {
    checked::cross_entropy(al, y)
}

/// dW = dZ A_prev^T / m, db = rowsum(dZ) / m, dA_prev = W^T dZ.
///
/// Shapes: dZ (n_l, m).
///
/// # Errors
/// [`Error::Shape`] when dZ and the cache do not fit together.
pub fn linear_backward(dz: &Matrix, cache: &LinearCache) -> Result<LayerGradients> {
    Ok(LayerGradients {
        da_prev: checked::input_gradient(&cache.w, dz)?,
        dw: checked::weight_gradient(dz, &cache.a_prev)?,
        db: checked::row_sum(dz),
    })
}

/// dZ = dA * g'(Z), then [`linear_backward`].
///
/// Shapes: dA (n_l, m).
///
/// # Errors
/// [`Error::Shape`] when dA and the cache do not fit together.
pub fn linear_activation_backward(
    da: &Matrix,
    cache: &LayerCache,
    activation: Activation,
) -> Result<LayerGradients> {
    // g' is written in terms of A = g(Z), and the course's cache keeps Z only.
    let a = checked::activate(activation, &cache.z);
    let dz = checked::activation_derivative(activation, da, &a)?;
    linear_backward(&dz, &cache.linear)
}

/// dA_L = -(Y / A_L - (1 - Y) / (1 - A_L)), then backwards through the sigmoid and the ReLU layers: the course's own
/// formula, NaN once an A_L is exactly 0 or 1.
///
/// Shapes: A_L and Y (n_L, m); the gradients of layer l are element l - 1 of the result.
///
/// # Errors
/// [`Error::Shape`] when A_L, Y and the caches do not fit together, or there is no cache.
pub fn l_model_backward(al: &Matrix, y: &Matrix, caches: &[LayerCache]) -> Result<Vec<LayerGradients>> {
    let (output, hidden) = caches.split_last().ok_or_else(|| no_layers("caches"))?;
    checked::expect_targets(al, y)?;
    let dal = al.zip_map(y, |a, y| -(y / a - (1.0 - y) / (1.0 - a)));
    let last = linear_activation_backward(&dal, output, Activation::Sigmoid)?;
    hidden_layers_backward(last, hidden)
}

/// The same gradients from dZ_L = A_L - Y, to which dA_L * A_L (1 - A_L) simplifies: never NaN.
fn l_model_backward_from_logits(
    al: &Matrix,
    y: &Matrix,
    caches: &[LayerCache],
) -> Result<Vec<LayerGradients>> {
    let (output, hidden) = caches.split_last().ok_or_else(|| no_layers("caches"))?;
    let last = linear_backward(&checked::difference(al, y)?, &output.linear)?;
    hidden_layers_backward(last, hidden)
}

/// Goes on from the last layer's gradients down to the first layer's, and sorts all of them first to last.
fn hidden_layers_backward(last: LayerGradients, hidden: &[LayerCache]) -> Result<Vec<LayerGradients>> {
    let mut gradients = vec![last];
    for cache in hidden.iter().rev() {
        // The layer above was pushed last: its dA_prev is this layer's dA.
        let da = &gradients[gradients.len() - 1].da_prev;
        gradients.push(linear_activation_backward(da, cache, Activation::Relu)?);
    }
    gradients.reverse();
    Ok(gradients)
}

/// W_l = W_l - learning_rate * dW_l and b_l = b_l - learning_rate * db_l for every layer.
///
/// # Errors
/// [`Error::Shape`] when a gradient is missing, or does not have the shape of its parameter.
pub fn update_parameters(
    parameters: &[Layer],
    gradients: &[LayerGradients],
    learning_rate: f64,
) -> Result<Parameters> {
    if parameters.len() != gradients.len() {
        return Err(Error::Shape {
            what: "gradients".into(),
            expected: format!("{} layers", parameters.len()),
            found: format!("{} layers", gradients.len()),
            hint: "give the gradients of every layer".into(),
        });
    }
    let update = |(layer, gradients): (&Layer, &LayerGradients)| {
        Ok(Layer {
            w: checked::gradient_descent("dW of a layer", &layer.w, &gradients.dw, learning_rate)?,
            b: checked::gradient_descent("db of a layer", &layer.b, &gradients.db, learning_rate)?,
        })
    };
    parameters.iter().zip(gradients).map(update).collect()
}

/// The whole of week 4: initialise with 1/sqrt(n_prev) and `seed` (the course: 1), then `num_iterations` times
/// forward, cost, backward, update. Returns the parameters and the cost of each iteration, taken before its update.
///
/// The cost is softplus(Z_L) - Y Z_L and dZ_L = A_L - Y; both equal [`compute_cost`] and [`l_model_backward`] wherever
/// those are finite.
///
/// Shapes: X (n_0, m), Y (n_L, m), `layer_dims` n_0, ..., n_L.
///
/// # Errors
/// [`Error::Shape`] when X, Y and `layer_dims` do not fit together, or `layer_dims` has no layer.
pub fn l_layer_model(
    x: &Matrix,
    y: &Matrix,
    layer_dims: &[usize],
    learning_rate: f64,
    num_iterations: usize,
    seed: u32,
) -> Result<(Parameters, Vec<f64>)> {
    let mut parameters = initialize_parameters_deep(layer_dims, Initializer::Lecun, seed)?;
    let mut costs = Vec::new();
    for _ in 0..num_iterations {
        let (al, caches) = l_model_forward(x, &parameters)?;
        let output = caches.last().ok_or_else(|| no_layers("caches"))?;
        costs.push(checked::cost_from_logits(&output.z, y)?);
        let gradients = l_model_backward_from_logits(&al, y, &caches)?;
        parameters = update_parameters(&parameters, &gradients, learning_rate)?;
    }
    Ok((parameters, costs))
}

/// round(A_L), ties to even as in NumPy: 1 where A_L > 0.5, else 0.
///
/// Shapes: X (n_0, m) -> (n_L, m).
///
/// # Errors
/// [`Error::Shape`] when X and the parameters do not fit together.
pub fn predict(x: &Matrix, parameters: &[Layer]) -> Result<Matrix> {
    let (al, _caches) = l_model_forward(x, parameters)?;
    Ok(al.map(f64::round_ties_even))
}

fn no_layers(what: &str) -> Error {
    Error::Shape {
        what: what.into(),
        expected: "at least one layer".into(),
        found: "none".into(),
        hint: "initialize_parameters_deep makes the layers".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, cols: usize) -> Matrix {
        Matrix::new(rows, cols, vec![0.5; rows * cols]).unwrap()
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let (x, y) = (matrix(3, 5), matrix(1, 5));
        let parameters = initialize_parameters_deep(&[3, 4, 1], Initializer::Lecun, 1).unwrap();
        let (al, caches) = l_model_forward(&x, &parameters).unwrap();
        let gradients = l_model_backward(&al, &y, &caches).unwrap();
        let is_shape = |error: Error| matches!(error, Error::Shape { .. });

        assert!(is_shape(initialize_parameters_deep(&[3], Initializer::Lecun, 1).unwrap_err()));
        assert!(is_shape(initialize_parameters_deep(&[3, 0, 1], Initializer::Lecun, 1).unwrap_err()));
        assert!(is_shape(linear_forward(&x, &matrix(4, 3), &matrix(3, 1)).unwrap_err()));
        assert!(is_shape(l_model_forward(&matrix(2, 5), &parameters).unwrap_err()));
        assert!(is_shape(l_model_forward(&x, &[]).unwrap_err()));
        assert!(is_shape(compute_cost(&al, &matrix(1, 4)).unwrap_err()));
        assert!(is_shape(l_model_backward(&al, &matrix(1, 4), &caches).unwrap_err()));
        assert!(is_shape(l_model_backward(&al, &y, &[]).unwrap_err()));
        assert!(is_shape(l_model_backward(&matrix(1, 4), &matrix(1, 4), &caches).unwrap_err()));
        assert!(is_shape(linear_backward(&matrix(2, 5), &caches[0].linear).unwrap_err()));
        assert!(is_shape(update_parameters(&parameters, &gradients[1..], 0.1).unwrap_err()));
        assert!(is_shape(l_layer_model(&x, &matrix(1, 4), &[3, 4, 1], 0.1, 1, 1).unwrap_err()));
        assert!(is_shape(l_layer_model(&x, &y, &[2, 4, 1], 0.1, 1, 1).unwrap_err()));
    }

    #[test]
    fn both_backward_formulas_agree() {
        let (x, y) = (matrix(3, 5), Matrix::from_rows(&[[0.0, 1.0, 1.0, 0.0, 1.0]]).unwrap());
        let parameters = initialize_parameters_deep(&[3, 4, 1], Initializer::Lecun, 1).unwrap();
        let (al, caches) = l_model_forward(&x, &parameters).unwrap();
        let original = l_model_backward(&al, &y, &caches).unwrap();
        let from_logits = l_model_backward_from_logits(&al, &y, &caches).unwrap();
        for (a, b) in original.iter().zip(&from_logits) {
            assert!(a.dw.data().iter().zip(b.dw.data()).all(|(a, b)| (a - b).abs() < 1e-15));
        }
    }
}
