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
    for (dz_row, dw_row) in dz.chunks_exact(m).zip(dw.chunks_exact_mut(n_prev)) {
        for (dw, a_rows) in dw_row.chunks_mut(4).zip(a_prev.chunks(4 * m)) {
            match dw {
                [_, _, _, _] => dw.copy_from_slice(&means_of_products::<4>(dz_row, a_rows)),
                _ => {
                    for (dw_ik, a_row) in dw.iter_mut().zip(a_rows.chunks_exact(m)) {
                        [*dw_ik] = means_of_products(dz_row, a_row);
                    }
                }
            }
        }
    }
}

/// The means over the samples of dz times each of `N` rows of a: sums that go side by side, since an addition has to wait for
/// the one before in its own sum.
fn means_of_products<const N: usize>(dz_row: &[f64], a_rows: &[f64]) -> [f64; N] {
    let m = dz_row.len();
    let rows: [&[f64]; N] = std::array::from_fn(|r| &a_rows[r * m..(r + 1) * m]);
    let mut sums = [0.0; N];
    for (j, dz_ij) in dz_row.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum += dz_ij * row[j];
        }
    }
    sums.map(|sum| sum / m as f64)
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
