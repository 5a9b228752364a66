// z = w x + b        w (n_l, n_prev), x (n_prev, m), b (n_l) broadcast over the samples
// da_prev = w^T dz   w (n_l, n_prev), dz (n_l, m)
//
// One invocation computes TILE rows of one sample, four at most: each x or dz is loaded once for all of them. Neighbours
// take neighbouring samples, so that loads of x and dz are coalesced and w is the same for all. The grid counts the tiles
// of rows in y, the samples in x and z: no index needs a division.

// Rows an invocation: 4, or as many as there are; one pipeline each.
override TILE: u32;

struct MatmulParams {
    n_l: u32,
    n_prev: u32,
    m: u32,
    w_offset: u32,
    b_offset: u32,
}

@group(0) @binding(0) var<storage, read> params: MatmulParams;
@group(0) @binding(1) var<storage, read> parameters: array<f32>; // the arena; w at w_offset, b at b_offset
@group(0) @binding(2) var<storage, read> right: array<f32>;      // x (n_prev, m) or dz (n_l, m)
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // z (n_l, m) or da_prev (n_prev, m)

fn sample_index(workgroup: vec3<u32>, grid: vec3<u32>, local: u32) -> u32 {
    return (workgroup.z * grid.x + workgroup.x) * WORKGROUP_SIZE + local;
}

// The rows of the tile that begins with `first`; those past the end repeat the last row, and are not stored.
fn tile_rows(first: u32, count: u32) -> vec4<u32> {
    return min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(count - 1u));
}

fn tile_parameters(at: vec4<u32>) -> vec4<f32> {
    var values = vec4<f32>(parameters[at.x], 0.0, 0.0, 0.0);
    if TILE > 1u { values.y = parameters[at.y]; }
    if TILE > 2u { values.z = parameters[at.z]; }
    if TILE > 3u { values.w = parameters[at.w]; }
    return values;
}

fn store_tile(first: u32, count: u32, j: u32, values: vec4<f32>) {
    let at = first * params.m + j;
    result[at] = values.x;
    if TILE > 1u && first + 1u < count { result[at + params.m] = values.y; }
    if TILE > 2u && first + 2u < count { result[at + 2u * params.m] = values.z; }
    if TILE > 3u && first + 3u < count { result[at + 3u * params.m] = values.w; }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn matmul_bias(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let j = sample_index(workgroup, grid, local);
    if j >= params.m {
        return;
    }
    let first = workgroup.y * TILE;
    let rows = tile_rows(first, params.n_l);
    let w_rows = params.w_offset + rows * params.n_prev;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.n_prev; k++) {
        sum += tile_parameters(w_rows + k) * right[k * params.m + j];
    }
    store_tile(first, params.n_l, j, sum + tile_parameters(params.b_offset + rows));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn input_gradient(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let j = sample_index(workgroup, grid, local);
    if j >= params.m {
        return;
    }
    let first = workgroup.y * TILE;
    let w_columns = params.w_offset + tile_rows(first, params.n_prev);
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < params.n_l; i++) {
        sum += tile_parameters(w_columns + i * params.n_prev) * right[i * params.m + j];
    }
    store_tile(first, params.n_prev, j, sum);
}
