// a = g(z)           one element an invocation, z and a (n_l, m)
// dz = da * g'(z)    with g' written in terms of a; da, a and dz (n_l, m)

struct ActivationParams {
    size: u32,
    g: u32,
    slope: f32,
}

@group(0) @binding(0) var<storage, read> params: ActivationParams;
@group(0) @binding(1) var<storage, read> first: array<f32>; // z, or da

@group(0) @binding(2) var<storage, read_write> a: array<f32>;
@compute @workgroup_size(WORKGROUP_SIZE)
fn activate(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, grid, local);
    if index < params.size {
        a[index] = activation(params.g, params.slope, first[index]);
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
    let index = invocation_index(workgroup, grid, local);
    if index < params.size {
        dz[index] = first[index] * derivative(params.g, params.slope, activated[index]);
    }
}
