// theta = theta - learning_rate * gradient, over the whole parameter arena in one dispatch.

struct GradientDescentParams {
    size: u32,
    learning_rate: f32,
}

@group(0) @binding(0) var<storage, read> given: GradientDescentParams;
var<private> params: GradientDescentParams;
@group(0) @binding(1) var<storage, read> gradients: array<f32>; // the gradient arena
@group(0) @binding(2) var<storage, read_write> theta: array<f32>; // the parameter arena

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradient_descent(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let index = invocation_index(workgroup, grid, local);
    if index < params.size {
        theta[index] -= params.learning_rate * gradients[index];
    }
}
