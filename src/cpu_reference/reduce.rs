//! Row sums; twin of `shaders/reduce.wgsl`.

/// db = sum of each row of dZ, / m. Shapes: dz (n_l, m), out db (n_l).
pub fn row_sum(dz: &[f64], db: &mut [f64], m: usize) {
    for (db_i, dz_row) in db.iter_mut().zip(dz.chunks_exact(m)) {
        *db_i = dz_row.iter().sum::<f64>() / m as f64;
    }
}
