// theta = stepped(theta, gradient) of step.wgsl, over the whole parameter arena in one dispatch.

struct OptimizeParams {
    size: u32,
    learning_rate: f32,
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

// As in loss.wgsl, which counts the costs: the step size of an iteration is where its cost is.
struct Progress {
    count: u32,
    batch: u32,
    epoch: u32,
}

@group(0) @binding(0) var<storage, read> given: OptimizeParams;
var<private> params: OptimizeParams;
@group(0) @binding(1) var<storage, read> gradients: array<f32>; // the gradient arena
@group(0) @binding(2) var<storage, read_write> theta: array<f32>; // the parameter arena
@group(0) @binding(3) var<storage, read_write> state: array<f32>; // (1 + states, size)
@group(0) @binding(4) var<storage, read> step_sizes: array<StepSize>;
@group(0) @binding(5) var<storage, read> progress: Progress;

@compute @workgroup_size(WORKGROUP_SIZE)
fn optimize(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let index = invocation_index(workgroup, grid, local);
    if index < params.size {
        // The cost of this iteration has been counted.
        let size = step_sizes[progress.count - 1u];
        theta[index] = stepped(theta[index], gradients[index], params.learning_rate, size, index, params.size);
    }
}
