// dw = dz a_prev^T / m               dz (n_l, m), a_prev (n_prev, m), dw (n_l, n_prev)
// db = sum of each row of dz, / m    db (n_l), directly behind dw; only if BIAS is 1
// theta = theta - learning_rate * gradient, of the same elements; only if params.update is 1
//
// One workgroup adds a chunk of the samples for TILE neighbouring elements of a row of dw, four at most, which share the
// loads of dz. With a single chunk the result is dw itself; otherwise it is (n_chunks, n_l * n_prev) partial sums for
// `finish_sum`, and scale is 1; (n_chunks, n_l * (n_prev + 1)) with BIAS. The grid is (tiles of columns, rows, chunks).

// Columns a workgroup: 4, or as many as there are; one pipeline each.
override TILE: u32;
// Whether db is computed too.
override BIAS: u32;

struct WeightGradientParams {
    n_l: u32,
    n_prev: u32,
    m: u32,
    rounds: u32, // samples an invocation adds: a chunk is rounds * WORKGROUP_SIZE samples
    dw_offset: u32,
    scale: f32,
    update: u32,
    learning_rate: f32,
}

@group(0) @binding(0) var<storage, read> given: WeightGradientParams;
var<private> params: WeightGradientParams;
@group(0) @binding(1) var<storage, read> dz: array<f32>;     // (n_l, m)
@group(0) @binding(2) var<storage, read> a_prev: array<f32>; // (n_prev, m)
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<storage, read_write> theta: array<f32>; // the parameter arena, laid out as the gradients

fn store(at: u32, value: f32) {
    dw[at] = value;
    if params.update == 1u {
        theta[at] -= params.learning_rate * value;
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn weight_gradient(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
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
    var dz_sum = 0.0;
    for (var j = start + local; j < end; j += WORKGROUP_SIZE) {
        let at = a_rows + j;
        let dz_ij = dz[dz_row + j];
        sum.x += dz_ij * a_prev[at.x];
        if TILE > 1u { sum.y += dz_ij * a_prev[at.y]; }
        if TILE > 2u { sum.z += dz_ij * a_prev[at.z]; }
        if TILE > 3u { sum.w += dz_ij * a_prev[at.w]; }
        if BIAS == 1u { dz_sum += dz_ij; }
    }
    // A narrow tile has a place to spare.
    if BIAS == 1u && TILE < 4u { sum.w = dz_sum; }
    let total = workgroup_sum4(sum, local) * params.scale;
    let size = params.n_l * params.n_prev;
    let partial = params.dw_offset + workgroup.z * (size + BIAS * params.n_l);
    if local == 0u {
        let out = partial + i * params.n_prev + first;
        for (var s = 0u; s < min(TILE, params.n_prev - first); s++) {
            store(out + s, total[s]);
        }
    }
    // The first tile of each row has the row's own sum as well.
    if BIAS == 1u && workgroup.x == 0u {
        var own = total.w;
        if TILE == 4u { own = workgroup_sum(dz_sum, local) * params.scale; }
        if local == 0u { store(partial + size + i, own); }
    }
}
