// dw = dz a_prev^T / m   dz (n_l, m), a_prev (n_prev, m), dw (n_l, n_prev)
//
// One workgroup adds a chunk of the samples for TILE neighbouring elements of a row of dw, four at most, which share the
// loads of dz. With a single chunk the result is dw itself; otherwise it is (n_chunks, n_l * n_prev) partial sums for
// `finish_sum`, and scale is 1. The grid is (tiles of columns, rows, chunks).

// Columns a workgroup: 4, or as many as there are; one pipeline each.
override TILE: u32;

struct WeightGradientParams {
    n_l: u32,
    n_prev: u32,
    m: u32,
    rounds: u32, // samples an invocation adds: a chunk is rounds * WORKGROUP_SIZE samples
    dw_offset: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> params: WeightGradientParams;
@group(0) @binding(1) var<storage, read> dz: array<f32>;     // (n_l, m)
@group(0) @binding(2) var<storage, read> a_prev: array<f32>; // (n_prev, m)
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn weight_gradient(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let m = params.m;
    let first = workgroup.x * TILE;
    let i = workgroup.y;
    let dz_row = i * m;
    // Columns past the end repeat the last one, and are not stored.
    let columns = min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(params.n_prev - 1u));
    let a_rows = columns * m;
    let start = workgroup.z * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, m);
    var sum = vec4<f32>(0.0);
    for (var j = start + local; j < end; j += WORKGROUP_SIZE) {
        let at = a_rows + j;
        let dz_ij = dz[dz_row + j];
        sum.x += dz_ij * a_prev[at.x];
        if TILE > 1u { sum.y += dz_ij * a_prev[at.y]; }
        if TILE > 2u { sum.z += dz_ij * a_prev[at.z]; }
        if TILE > 3u { sum.w += dz_ij * a_prev[at.w]; }
    }
    let total = workgroup_sum4(sum, local) * params.scale;
    if local == 0u {
        let out = params.dw_offset + workgroup.z * params.n_l * params.n_prev + i * params.n_prev + first;
        for (var s = 0u; s < min(TILE, params.n_prev - first); s++) {
            dw[out + s] = total[s];
        }
    }
}
