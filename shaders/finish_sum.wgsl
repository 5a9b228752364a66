// out[e] = scale * sum over c of partial[c, e]   partial (n_chunks, size): the chunks of a long sum, added in order.

struct FinishSumParams {
    size: u32,
    n_chunks: u32,
    out_offset: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> params: FinishSumParams;
@group(0) @binding(1) var<storage, read> partial: array<f32>; // (n_chunks, size)
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn finish_sum(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let element = invocation_index(workgroup, grid, local);
    if element >= params.size {
        return;
    }
    var sum = 0.0;
    for (var c = 0u; c < params.n_chunks; c++) {
        sum += partial[c * params.size + element];
    }
    out[params.out_offset + element] = sum * params.scale;
}
