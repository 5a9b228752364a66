// a = g(w x + b)                      w (n_l, n_prev), x (n_prev, m), b (n_l) broadcast over the samples; z if g is identity
// da_prev = w^T dz                    w (n_l, n_prev), dz (n_l, m)
// dz_prev = (w^T dz) * g'(z_prev)     with g' written in terms of a_prev (n_prev, m)
//
// One invocation computes a tile of TILE rows (four at most) and PER_INVOCATION = 4 samples: each x or dz is loaded once
// for all rows, each w once for all samples. Neighbours take neighbouring samples, so that loads of x and dz are coalesced
// and w is the same for all. The grid counts the tiles of rows in y, the samples in x and z: no index needs a division.

// Rows an invocation: 4, or as many as there are; one pipeline each.
override TILE: u32;
// Which g: one pipeline each.
override ACTIVATION: u32;

struct MatmulParams {
    n_l: u32,
    n_prev: u32,
    m: u32,
    w_offset: u32,
    b_offset: u32,
    slope: f32,
}

@group(0) @binding(0) var<storage, read> given: MatmulParams;
var<private> params: MatmulParams;
@group(0) @binding(1) var<storage, read> parameters: array<f32>; // the arena; w at w_offset, b at b_offset
@group(0) @binding(2) var<storage, read> right: array<f32>;      // x (n_prev, m) or dz (n_l, m)
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // (n_l, m) or (n_prev, m)

// The four samples of an invocation; those past the end are not stored.
fn tile_samples(workgroup: vec3<u32>, grid: vec3<u32>, local: u32) -> vec4<u32> {
    let block = (workgroup.z * grid.x + workgroup.x) * PER_INVOCATION;
    return vec4<u32>(block, block + 1u, block + 2u, block + 3u) * WORKGROUP_SIZE + local;
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

// right[row, j] of the four samples
fn tile_right(row: u32, samples: vec4<u32>) -> vec4<f32> {
    let at = row * params.m + min(samples, vec4<u32>(params.m - 1u));
    return vec4<f32>(right[at.x], right[at.y], right[at.z], right[at.w]);
}

// One sample's values for the rows of the tile.
fn store_column(first: u32, count: u32, j: u32, values: vec4<f32>) {
    if j >= params.m {
        return;
    }
    let at = first * params.m + j;
    result[at] = values.x;
    if TILE > 1u && first + 1u < count { result[at + params.m] = values.y; }
    if TILE > 2u && first + 2u < count { result[at + 2u * params.m] = values.z; }
    if TILE > 3u && first + 3u < count { result[at + 3u * params.m] = values.w; }
}

// Rows of the tile x samples: a column a sample.
fn store_tile(first: u32, count: u32, samples: vec4<u32>, values: mat4x4<f32>) {
    store_column(first, count, samples.x, values[0]);
    store_column(first, count, samples.y, values[1]);
    store_column(first, count, samples.z, values[2]);
    store_column(first, count, samples.w, values[3]);
}

// Of the rows of the tile; those that it does not have cost nothing.
fn g(z: vec4<f32>) -> vec4<f32> {
    if TILE == 1u {
        return vec4<f32>(activation(ACTIVATION, params.slope, z.x), 0.0, 0.0, 0.0);
    }
    return activation4(ACTIVATION, params.slope, z);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn matmul_bias(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let samples = tile_samples(workgroup, grid, local);
    let first = workgroup.y * TILE;
    let rows = tile_rows(first, params.n_l);
    let w_rows = params.w_offset + rows * params.n_prev;
    let b = tile_parameters(params.b_offset + rows);
    var sum = mat4x4<f32>();
    for (var k = 0u; k < params.n_prev; k++) {
        let w = tile_parameters(w_rows + k);
        let x = tile_right(k, samples);
        sum += mat4x4<f32>(w * x.x, w * x.y, w * x.z, w * x.w);
    }
    let z = sum + mat4x4<f32>(b, b, b, b);
    store_tile(first, params.n_l, samples, mat4x4<f32>(g(z[0]), g(z[1]), g(z[2]), g(z[3])));
}

// w^T dz, for the rows of the tile that begins with `first`.
fn input_tile(first: u32, samples: vec4<u32>) -> mat4x4<f32> {
    let w_columns = params.w_offset + tile_rows(first, params.n_prev);
    var sum = mat4x4<f32>();
    for (var i = 0u; i < params.n_l; i++) {
        let w = tile_parameters(w_columns + i * params.n_prev);
        let dz = tile_right(i, samples);
        sum += mat4x4<f32>(w * dz.x, w * dz.y, w * dz.z, w * dz.w);
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn input_gradient(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let samples = tile_samples(workgroup, grid, local);
    let first = workgroup.y * TILE;
    store_tile(first, params.n_prev, samples, input_tile(first, samples));
}

@group(0) @binding(4) var<storage, read> activated: array<f32>; // a_prev (n_prev, m)

// One sample's g' for the rows of the tile.
fn slopes(first: u32, sample: u32) -> vec4<f32> {
    let at = tile_rows(first, params.n_prev) * params.m + min(sample, params.m - 1u);
    var a = vec4<f32>(activated[at.x], 0.0, 0.0, 0.0);
    if TILE > 1u { a.y = activated[at.y]; }
    if TILE > 2u { a.z = activated[at.z]; }
    if TILE > 3u { a.w = activated[at.w]; }
    return derivative4(ACTIVATION, params.slope, a);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn input_delta(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let samples = tile_samples(workgroup, grid, local);
    let first = workgroup.y * TILE;
    let da = input_tile(first, samples);
    let dz = mat4x4<f32>(
        da[0] * slopes(first, samples.x),
        da[1] * slopes(first, samples.y),
        da[2] * slopes(first, samples.z),
        da[3] * slopes(first, samples.w),
    );
    store_tile(first, params.n_prev, samples, dz);
}
