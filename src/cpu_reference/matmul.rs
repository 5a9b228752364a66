//! The three matrix products of a layer; twin of `shaders/matmul.wgsl`.

/// Z = W X + b, the bias broadcast over the samples.
///
/// Shapes: w (n_l, n_prev), x (n_prev, m), b (n_l), out z (n_l, m).
pub fn matmul_bias(w: &[f64], x: &[f64], b: &[f64], z: &mut [f64], m: usize) {
    let n_prev = x.len() / m;
    for (i, z_row) in z.chunks_exact_mut(m).enumerate() {
        z_row.fill(b[i]);
        for (k, x_row) in x.chunks_exact(m).enumerate() {
            let w_ik = w[i * n_prev + k];
            for (z_ij, x_kj) in z_row.iter_mut().zip(x_row) {
                *z_ij += w_ik * x_kj;
            }
        }
    }
}

/// dW = dZ A_prev^T / m.
///
/// Shapes: dz (n_l, m), a_prev (n_prev, m), out dw (n_l, n_prev).
pub fn weight_gradient(dz: &[f64], a_prev: &[f64], dw: &mut [f64], m: usize) {
    let n_prev = a_prev.len() / m;
    for (i, dz_row) in dz.chunks_exact(m).enumerate() {
        for (k, a_row) in a_prev.chunks_exact(m).enumerate() {
            let sum: f64 = dz_row.iter().zip(a_row).map(|(dz_ij, a_kj)| dz_ij * a_kj).sum();
            dw[i * n_prev + k] = sum / m as f64;
        }
    }
}

/// dA_prev = W^T dZ.
///
/// Shapes: w (n_l, n_prev), dz (n_l, m), out da (n_prev, m).
pub fn input_gradient(w: &[f64], dz: &[f64], da: &mut [f64], m: usize) {
    let n_prev = da.len() / m;
    for (k, da_row) in da.chunks_exact_mut(m).enumerate() {
        da_row.fill(0.0);
        for (i, dz_row) in dz.chunks_exact(m).enumerate() {
            let w_ik = w[i * n_prev + k];
            for (da_kj, dz_ij) in da_row.iter_mut().zip(dz_row) {
                *da_kj += w_ik * dz_ij;
            }
        }
    }
}
