// dw = dz a_prev^T / m   dz (n_l, m), a_prev (n_prev, m), dw (n_l, n_prev)
//
// One workgroup adds a chunk of the samples for one element of dw. With a single chunk the result is dw itself;
// otherwise it is (n_chunks, n_l * n_prev) partial sums for `finish_sum`, and scale is 1.

struct WeightGradientParams {
    n_l: u32,
    n_prev: u32,
    m: u32,
    n_chunks: u32,
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
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let size = params.n_l * params.n_prev;
    let index = workgroup_index(workgroup, grid);
    if index >= size * params.n_chunks {
        return;
    }
    let element = index % size;
    let chunk = index / size;
    let dz_row = (element / params.n_prev) * params.m;
    let a_row = (element % params.n_prev) * params.m;
    let start = chunk * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, params.m);
    var sum = 0.0;
    for (var j = start + local; j < end; j += WORKGROUP_SIZE) {
        sum += dz[dz_row + j] * a_prev[a_row + j];
    }
    let total = workgroup_sum(sum, local);
    if local == 0u {
        dw[params.dw_offset + index] = total * params.scale;
    }
}
