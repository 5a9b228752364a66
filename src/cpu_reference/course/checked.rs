//! The operations of `cpu_reference` on [`Matrix`]: shapes checked first, the result allocated; no loop of its own.

use super::Matrix;
use crate::cpu_reference;
use crate::error::Result;
use crate::network::Activation;

/// Z = W A_prev + b. Shapes: w (n_l, n_prev), a_prev (n_prev, m), b (n_l, 1) -> (n_l, m).
pub(super) fn matmul_bias(w: &Matrix, a_prev: &Matrix, b: &Matrix) -> Result<Matrix> {
    let ((n_l, n_prev), m) = (w.shape(), a_prev.cols());
    a_prev.expect_shape("input of a layer", (n_prev, m), "it needs one row a column of W")?;
    b.expect_shape("bias of a layer", (n_l, 1), "it needs one row a row of W")?;
    let mut z = Matrix::zeros(n_l, m);
    cpu_reference::matmul_bias(w.data(), a_prev.data(), b.data(), z.data_mut(), m);
    Ok(z)
}

/// A = g(Z), element by element.
pub(super) fn activate(g: Activation, z: &Matrix) -> Matrix {
    let mut a = Matrix::zeros(z.rows(), z.cols());
    cpu_reference::activate(g, z.data(), a.data_mut());
    a
}

/// dZ = dA * g'(Z), with g' written in terms of A. Shapes: both (n_l, m).
pub(super) fn activation_derivative(g: Activation, da: &Matrix, a: &Matrix) -> Result<Matrix> {
    da.expect_shape("dA of a layer", a.shape(), "it has the shape of A")?;
    let mut dz = Matrix::zeros(a.rows(), a.cols());
    cpu_reference::activation_derivative(g, da.data(), a.data(), dz.data_mut());
    Ok(dz)
}

/// dW = dZ A_prev^T / m. Shapes: dz (n_l, m), a_prev (n_prev, m) -> (n_l, n_prev).
pub(super) fn weight_gradient(dz: &Matrix, a_prev: &Matrix) -> Result<Matrix> {
    let m = dz.cols();
    a_prev.expect_shape("input of a layer", (a_prev.rows(), m), "it needs one column a column of dZ")?;
    let mut dw = Matrix::zeros(dz.rows(), a_prev.rows());
    cpu_reference::weight_gradient(dz.data(), a_prev.data(), dw.data_mut(), m);
    Ok(dw)
}

/// db = sum of each row of dZ, / m. Shapes: dz (n_l, m) -> (n_l, 1).
pub(super) fn row_sum(dz: &Matrix) -> Matrix {
    let mut db = Matrix::zeros(dz.rows(), 1);
    cpu_reference::row_sum(dz.data(), db.data_mut(), dz.cols());
    db
}

/// dA_prev = W^T dZ. Shapes: w (n_l, n_prev), dz (n_l, m) -> (n_prev, m).
pub(super) fn input_gradient(w: &Matrix, dz: &Matrix) -> Result<Matrix> {
    let m = dz.cols();
    dz.expect_shape("dZ of a layer", (w.rows(), m), "it needs one row a row of W")?;
    let mut da_prev = Matrix::zeros(w.cols(), m);
    cpu_reference::input_gradient(w.data(), dz.data(), da_prev.data_mut(), m);
    Ok(da_prev)
}

/// theta = theta - learning_rate * gradient, as a new matrix; of equal shapes.
pub(super) fn gradient_descent(what: &str, theta: &Matrix, gradient: &Matrix, rate: f64) -> Result<Matrix> {
    gradient.expect_shape(what, theta.shape(), "a gradient has the shape of its parameter")?;
    let mut updated = theta.clone();
    cpu_reference::gradient_descent(updated.data_mut(), gradient.data(), rate);
    Ok(updated)
}

/// J = -1/m sum(Y log A + (1 - Y) log(1 - A)), the course's formula. Shapes: both (n_L, m).
pub(super) fn cross_entropy(a: &Matrix, y: &Matrix) -> Result<f64> {
    expect_targets(a, y)?;
    let log_probabilities = a.zip_map(y, |a, y| y * a.ln() + (1.0 - y) * (1.0 - a).ln());
    Ok(-log_probabilities.data().iter().sum::<f64>() / a.cols() as f64)
}

/// The same cost from the logits, for which A = sigmoid(Z): never NaN.
pub(super) fn cost_from_logits(z: &Matrix, y: &Matrix) -> Result<f64> {
    expect_targets(z, y)?;
    Ok(cpu_reference::cost(crate::network::Loss::BinaryCrossEntropy, 0.0, z.data(), y.data(), z.cols()))
}

/// A - Y, of equal shapes.
pub(super) fn difference(a: &Matrix, y: &Matrix) -> Result<Matrix> {
    expect_targets(a, y)?;
    Ok(a.zip_map(y, |a, y| a - y))
}

/// Refuses targets Y that are not of the output's shape.
pub(super) fn expect_targets(output: &Matrix, y: &Matrix) -> Result<()> {
    y.expect_shape("targets Y", output.shape(), "give one row an output and one column a sample")
}
