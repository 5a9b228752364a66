// theta = stepped(theta, dJ/dtheta) of step.wgsl, `iterations` times in one dispatch: one workgroup trains one network, and many
// workgroups a population. Forward and backward are those of register_network.wgsl or workgroup_network.wgsl.

// Rows of a network's state: what penalties apply to, and what the optimiser remembers.
override N_STATES: u32;

@group(0) @binding(4) var<storage, read_write> parameters: array<f32>; // (networks, N_PARAMETERS)
@group(0) @binding(5) var<storage, read_write> steps: array<u32>;      // (networks): iterations done
@group(0) @binding(6) var<storage, read_write> costs: array<f32>;      // (networks, history + 1)
@group(0) @binding(7) var<storage, read_write> state: array<f32>;      // (networks, 1 + states, N_PARAMETERS)

// The sum over all invocations, in order.
fn workgroup_total(p: u32) -> f32 {
    var total = 0.0;
    for (var i = 0u; i < WORKGROUP_SIZE; i++) {
        total += sums[i * SUM_STRIDE + p];
    }
    return total;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn resident(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    params = given;
    let network = workgroup.x;
    let table = network * params.table_size;
    let n = n_parameters(table);
    let first_step = steps[network];
    for (var p = local; p < n; p += WORKGROUP_SIZE) {
        theta[p] = parameters[network * N_PARAMETERS + p];
    }
    workgroupBarrier();
    for (var t = 0u; t < params.iterations; t++) {
        let step = first_step + t;
        var first = 0u;
        var count = params.n_batches * params.batch_blocks;
        var size = params.m;
        if params.evaluate == 0u {
            let batch = step % params.n_batches;
            first = batch * params.batch_blocks;
            count = params.batch_blocks;
            size = min(params.batch_size, params.m - batch * params.batch_size);
        }
        let epoch = step / params.n_batches;
        begin_sums(table, local);
        for (var block = local; block < count; block += WORKGROUP_SIZE) {
            pick_samples(first + block, epoch);
            add_block(table, first + block, local);
        }
        end_sums(table, local);
        workgroupBarrier();
        for (var p = local; p <= n; p += WORKGROUP_SIZE) {
            let mean = workgroup_total(p) / f32(size);
            if p == n {
                let kept = select(step % params.history, params.history, params.evaluate == 1u);
                costs[network * (params.history + 1u) + kept] = mean;
            } else if params.evaluate == 0u {
                if OPTIMIZER == PLAIN {
                    theta[p] -= learning_rate(table) * mean;
                } else {
                    let size = step_size(params.step_sizes_at, step % params.history);
                    let own = network * N_STATES * N_PARAMETERS + p;
                    theta[p] = stepped(theta[p], mean, learning_rate(table), size, own, N_PARAMETERS);
                }
            }
        }
        workgroupBarrier();
    }
    for (var p = local; p < n; p += WORKGROUP_SIZE) {
        parameters[network * N_PARAMETERS + p] = theta[p];
    }
    if local == 0u && params.evaluate == 0u {
        steps[network] = first_step + params.iterations;
    }
}
