//! Where the parameters start: weights from NumPy's legacy normals, biases at zero; training is elsewhere.

use super::{Matrix, deep, shallow};
use crate::data::NumpyRandom;
use crate::error::{Error, Result};
use crate::network::{Initializer, MAX_UNITS};

/// Weeks 3 and 4: W1 = randn(n_h, n_x) * 0.01, b1 = 0, W2 = randn(n_y, n_h) * 0.01, b2 = 0, after
/// `np.random.seed(seed)`; week 3 seeds with 2, week 4 with 1.
///
/// Shapes: W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1).
///
/// # Errors
/// [`Error::Shape`] for a layer of no units, or of more than [`MAX_UNITS`].
///
/// ```
/// use gpu_nn::cpu_reference::course::init::initialize_parameters;
///
/// let parameters = initialize_parameters(2, 4, 1, 2)?;
/// assert_eq!(parameters.w1.row(0), [-0.004167578474054706, -0.0005626682722632948]);
/// # Ok::<(), gpu_nn::Error>(())
/// ```
pub fn initialize_parameters(n_x: usize, n_h: usize, n_y: usize, seed: u32) -> Result<shallow::Parameters> {
    check_layer_dims(&[n_x, n_h, n_y])?;
    let mut random = NumpyRandom::new(seed);
    let w1 = randn(n_h, n_x, &mut random).map(|normal| normal * 0.01);
    let w2 = randn(n_y, n_h, &mut random).map(|normal| normal * 0.01);
    Ok(shallow::Parameters { w1, b1: Matrix::zeros(n_h, 1), w2, b2: Matrix::zeros(n_y, 1) })
}

/// Week 4: W_l = randn(n_l, n_prev) times the initialiser's scale, b_l = 0, for every layer l = 1..L, after
/// `np.random.seed(seed)`.
///
/// The course uses two scales: 0.01 in the exercise ([`Initializer::COURSE`], seed 3) and 1/sqrt(n_prev) in the
/// application ([`Initializer::Lecun`], seed 1).
///
/// `layer_dims` is n_0, ..., n_L; shapes: W_l (n_l, n_prev), b_l (n_l, 1).
///
/// # Errors
/// [`Error::Shape`] for fewer than two sizes, or a layer of no units or of more than [`MAX_UNITS`].
pub fn initialize_parameters_deep(
    layer_dims: &[usize],
    initializer: Initializer,
    seed: u32,
) -> Result<deep::Parameters> {
    check_layer_dims(layer_dims)?;
    let mut random = NumpyRandom::new(seed);
    let layers = layer_dims.windows(2).map(|dims| {
        let (n_prev, n_l) = (dims[0], dims[1]);
        let w = randn(n_l, n_prev, &mut random).map(|normal| initializer.weight(normal, n_l, n_prev));
        deep::Layer { w, b: Matrix::zeros(n_l, 1) }
    });
    Ok(layers.collect())
}

/// `np.random.randn(rows, cols)`: standard normals, row by row.
fn randn(rows: usize, cols: usize, random: &mut NumpyRandom) -> Matrix {
    Matrix::zeros(rows, cols).map(|_| random.standard_normal())
}

fn check_layer_dims(layer_dims: &[usize]) -> Result<()> {
    if layer_dims.len() >= 2 && layer_dims.iter().all(|units| (1..=MAX_UNITS).contains(units)) {
        return Ok(());
    }
    Err(Error::Shape {
        what: "layer sizes".into(),
        expected: format!("an input and at least one layer, each of 1 to {MAX_UNITS} units"),
        found: format!("{layer_dims:?}"),
        hint: "give them from the input to the output, such as 2, 4, 1".into(),
    })
}
