// a = g(z)           z and a (n_l, m)
// dz = da * g'(z)    with g' written in terms of a, or of z in its place where g needs it; da, a and dz (n_l, m)

// Which g: one pipeline each, so that a kernel holds no other function.
override ACTIVATION: u32;

struct ActivationParams {
    size: u32,
    slope: f32,
}

@group(0) @binding(0) var<storage, read> given: ActivationParams;
var<private> params: ActivationParams;
@group(0) @binding(1) var<storage, read> first: array<f32>; // z, or da

// The s-th element of an invocation: neighbours take neighbouring elements.
fn element_index(workgroup: vec3<u32>, grid: vec3<u32>, local: u32, s: u32) -> u32 {
    return (workgroup_index(workgroup, grid) * PER_INVOCATION + s) * WORKGROUP_SIZE + local;
}

@group(0) @binding(2) var<storage, read_write> a: array<f32>;
@compute @workgroup_size(WORKGROUP_SIZE)
fn activate(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    for (var s = 0u; s < PER_INVOCATION; s++) {
        let index = element_index(workgroup, grid, local, s);
        if index < params.size {
            a[index] = activation(ACTIVATION, params.slope, first[index]);
        }
    }
}

@group(0) @binding(2) var<storage, read> activated: array<f32>;
@group(0) @binding(3) var<storage, read_write> dz: array<f32>;
@compute @workgroup_size(WORKGROUP_SIZE)
fn activation_derivative(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    for (var s = 0u; s < PER_INVOCATION; s++) {
        let index = element_index(workgroup, grid, local, s);
        if index < params.size {
            dz[index] = first[index] * derivative(ACTIVATION, params.slope, activated[index]);
        }
    }
}
