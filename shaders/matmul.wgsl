// z = w x + b        w (n_l, n_prev), x (n_prev, m), b (n_l) broadcast over the samples
// da_prev = w^T dz   w (n_l, n_prev), dz (n_l, m)
//
// One invocation an element of the result; neighbours take neighbouring samples of one row, so that loads of x and dz
// are coalesced and w is the same for all. The sums run in four strands, added at the end in a fixed order.

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

@compute @workgroup_size(WORKGROUP_SIZE)
fn matmul_bias(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, grid, local);
    if index >= params.n_l * params.m {
        return;
    }
    let m = params.m;
    let i = index / m;
    let j = index % m;
    let w_row = params.w_offset + i * params.n_prev;
    var sum = vec4<f32>(0.0);
    var k = 0u;
    for (; k + 4u <= params.n_prev; k += 4u) {
        let w = vec4<f32>(parameters[w_row + k], parameters[w_row + k + 1u],
                          parameters[w_row + k + 2u], parameters[w_row + k + 3u]);
        let x = vec4<f32>(right[k * m + j], right[(k + 1u) * m + j],
                          right[(k + 2u) * m + j], right[(k + 3u) * m + j]);
        sum += w * x;
    }
    var rest = parameters[params.b_offset + i];
    for (; k < params.n_prev; k++) {
        rest += parameters[w_row + k] * right[k * m + j];
    }
    result[index] = (sum.x + sum.y) + (sum.z + sum.w) + rest;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn input_gradient(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, grid, local);
    if index >= params.n_prev * params.m {
        return;
    }
    let m = params.m;
    let n = params.n_prev;
    let w_column = params.w_offset + index / m;
    let j = index % m;
    var sum = vec4<f32>(0.0);
    var i = 0u;
    for (; i + 4u <= params.n_l; i += 4u) {
        let w = vec4<f32>(parameters[w_column + i * n], parameters[w_column + (i + 1u) * n],
                          parameters[w_column + (i + 2u) * n], parameters[w_column + (i + 3u) * n]);
        let dz = vec4<f32>(right[i * m + j], right[(i + 1u) * m + j],
                           right[(i + 2u) * m + j], right[(i + 3u) * m + j]);
        sum += w * dz;
    }
    var rest = 0.0;
    for (; i < params.n_l; i++) {
        rest += parameters[w_column + i * n] * right[i * m + j];
    }
    result[index] = (sum.x + sum.y) + (sum.z + sum.w) + rest;
}
