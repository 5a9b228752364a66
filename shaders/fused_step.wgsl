// partial[c, p] = 1/m * sum of dJ_j/dtheta_p over the samples j of chunk c: forward, cost and backward of a whole network in
// one dispatch. The last p is the cost itself. finish_step adds the chunks and updates.
//
// One workgroup takes a chunk: `rounds` blocks of four samples an invocation.

@group(0) @binding(4) var<storage, read> parameters: array<f32>;       // (N_PARAMETERS)
// Iterations done: as finish_step is to read it, and as it has written it. Each dispatch reads one and writes the other, so
// that no workgroup meets a number that another one changes.
@group(0) @binding(5) var<storage, read_write> steps: array<u32, 2>;
@group(0) @binding(6) var<storage, read_write> partial: array<f32>;    // (n_chunks, N_PARAMETERS + 1)

@compute @workgroup_size(WORKGROUP_SIZE)
fn fused_step(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    params = given;
    for (var p = local; p < N_PARAMETERS; p += WORKGROUP_SIZE) {
        theta[p] = parameters[p];
    }
    if workgroup.x == 0u && local == 0u {
        steps[0] = steps[1];
    }
    workgroupBarrier();
    var first = 0u;
    var count = params.n_batches * params.batch_blocks;
    var size = params.m;
    if params.evaluate == 0u {
        let batch = steps[1] % params.n_batches;
        first = batch * params.batch_blocks;
        count = params.batch_blocks;
        size = min(params.batch_size, params.m - batch * params.batch_size);
    }
    let start = workgroup.x * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, count);
    begin_sums(0u, local);
    for (var block = start + local; block < end; block += WORKGROUP_SIZE) {
        pick_samples(first + block, steps[1] / params.n_batches);
        add_block(0u, first + block, local);
    }
    end_sums(0u, local);
    workgroupBarrier();
    for (var p = local; p <= N_PARAMETERS; p += WORKGROUP_SIZE) {
        var total = 0.0;
        for (var i = 0u; i < WORKGROUP_SIZE; i++) {
            total += sums[i * SUM_STRIDE + p];
        }
        partial[workgroup.x * (N_PARAMETERS + 1u) + p] = total / f32(size);
    }
}
