//! Parameter updates; twin of `shaders/optimizer.wgsl`.

/// theta = theta - learning_rate * gradient, over the whole arena.
pub fn gradient_descent(parameters: &mut [f64], gradients: &[f64], learning_rate: f64) {
    for (theta, gradient) in parameters.iter_mut().zip(gradients) {
        *theta -= learning_rate * gradient;
    }
}
