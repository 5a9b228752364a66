// g = gradient + w (l1 sign(theta) + l2 theta)       w is 1 for weights and 0 for biases
// g = g min(1, most / (sqrt(sum g^2) + 1e-6))        the sum over the whole gradient arena
//
// Three dispatches: the first leaves g and a sum for each chunk, the second adds the chunks in order and makes the factor of
// them, the third multiplies.

struct ClipParams {
    size: u32,
    n_chunks: u32,
    rounds: u32, // elements an invocation takes: a chunk is rounds * WORKGROUP_SIZE elements
    most: f32,
    l1: f32,
    l2: f32,
}

@group(0) @binding(0) var<storage, read> given: ClipParams;
var<private> params: ClipParams;
@group(0) @binding(1) var<storage, read_write> gradients: array<f32>; // the gradient arena
@group(0) @binding(2) var<storage, read> theta: array<f32>;           // the parameter arena
@group(0) @binding(3) var<storage, read> state: array<f32>;           // w of each parameter, and what is not needed here
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;   // (n_chunks + 1): the sums, then the factor

@compute @workgroup_size(WORKGROUP_SIZE)
fn clip_norm(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let start = workgroup.x * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, params.size);
    var sum = 0.0;
    for (var i = start + local; i < end; i += WORKGROUP_SIZE) {
        let g = gradients[i] + state[i] * (params.l1 * sign(theta[i]) + params.l2 * theta[i]);
        gradients[i] = g;
        sum += g * g;
    }
    let total = workgroup_sum(sum, local);
    if local == 0u {
        partial[workgroup.x] = total;
    }
}

// One invocation adds the chunks in order.
@compute @workgroup_size(1)
fn finish_norm() {
    params = given;
    var sum = 0.0;
    for (var c = 0u; c < params.n_chunks; c++) {
        sum += partial[c];
    }
    let factor = params.most / (sqrt(sum) + 1e-6);
    partial[params.n_chunks] = select(factor, 1.0, factor > 1.0 && !is_nan(factor));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn scale_gradients(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let index = invocation_index(workgroup, grid, local);
    if index < params.size {
        gradients[index] *= partial[params.n_chunks];
    }
}
