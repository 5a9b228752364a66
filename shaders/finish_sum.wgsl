// out[e] = scale * sum over c of partial[c, e]   partial (n_chunks, size): the chunks of a long sum, added in order.
// theta[e] = theta[e] - learning_rate * out[e]   only if params.update is 1

struct FinishSumParams {
    size: u32,
    n_chunks: u32,
    out_offset: u32,
    scale: f32,
    update: u32,
    learning_rate: f32,
}

@group(0) @binding(0) var<storage, read> given: FinishSumParams;
var<private> params: FinishSumParams;
@group(0) @binding(1) var<storage, read> partial: array<f32>; // (n_chunks, size)
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read_write> theta: array<f32>; // the parameter arena, laid out as the gradients

@compute @workgroup_size(WORKGROUP_SIZE)
fn finish_sum(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let element = invocation_index(workgroup, grid, local);
    if element >= params.size {
        return;
    }
    var sum = 0.0;
    for (var c = 0u; c < params.n_chunks; c++) {
        sum += partial[c * params.size + element];
    }
    let at = params.out_offset + element;
    let gradient = sum * params.scale;
    out[at] = gradient;
    if params.update == 1u {
        theta[at] -= params.learning_rate * gradient;
    }
}
