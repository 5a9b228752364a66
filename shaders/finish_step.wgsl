// g_p = sum over c of partial[c, p], theta_p = stepped(theta_p, g_p) of step.wgsl: the second dispatch of a fused step. The
// last p is the cost, which goes to the history.
//
// One workgroup adds the chunks of one p.

struct FinishStepParams {
    n_parameters: u32,
    n_chunks: u32,
    learning_rate: f32,
    evaluate: u32, // 1: only the cost, to the place behind the history
    history: u32,  // costs kept
    step_sizes_at: u32, // where those of the history's iterations begin in the tables
    beta_1: f32,
    rest_1: f32, // 1 - beta_1
    beta_2: f32,
    rest_2: f32,
    epsilon: f32,
    l1: f32,
    l2: f32,
    weight_decay: f32,
    clip_value: f32, // 0 for none
}

@group(0) @binding(0) var<storage, read> given: FinishStepParams;
var<private> params: FinishStepParams;
@group(0) @binding(1) var<storage, read> partial: array<f32>;        // (n_chunks, n_parameters + 1)
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>; // (n_parameters)
@group(0) @binding(3) var<storage, read_write> steps: array<u32, 2>; // iterations done, before and after; see fused_step.wgsl
@group(0) @binding(4) var<storage, read_write> costs: array<f32>;    // (history + 1)
@group(0) @binding(5) var<storage, read_write> state: array<f32>;    // (1 + states, n_parameters)
@group(0) @binding(6) var<storage, read> tables: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn finish_step(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let p = workgroup_index(workgroup, grid);
    var sum = 0.0;
    if p <= params.n_parameters {
        for (var c = local; c < params.n_chunks; c += WORKGROUP_SIZE) {
            sum += partial[c * (params.n_parameters + 1u) + p];
        }
    }
    let total = workgroup_sum(sum, local);
    if local > 0u || p > params.n_parameters {
        return;
    }
    if p < params.n_parameters {
        if params.evaluate == 0u {
            if OPTIMIZER == PLAIN {
                parameters[p] -= params.learning_rate * total;
            } else {
                let size = step_size(params.step_sizes_at, steps[0] % params.history);
                parameters[p] = stepped(parameters[p], total, params.learning_rate, size, p, params.n_parameters);
            }
        }
    } else if params.evaluate == 1u {
        costs[params.history] = total;
    } else {
        costs[steps[0] % params.history] = total;
        steps[1] = steps[0] + 1u;
    }
}
