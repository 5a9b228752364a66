// What a device can do at best, for comparison:
//
//   multiply_add_peak   s = s * f + t, over and over, in eight independent chains of four: 64 operations a round
//   copy_peak           out[i] = first[i]

struct PeakParams {
    size: u32,   // elements of four
    rounds: u32,
}

@group(0) @binding(0) var<storage, read> given: PeakParams;
var<private> params: PeakParams;
@group(0) @binding(1) var<storage, read> first: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn multiply_add_peak(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let index = invocation_index(workgroup, grid, local);
    if index >= params.size {
        return;
    }
    // Factors that the compiler does not know, and that let nothing overflow.
    let f = first[index] * 0.5;
    let t = first[index] + 1.0;
    var a = t;
    var b = t + 1.0;
    var c = t + 2.0;
    var d = t + 3.0;
    var e = t + 4.0;
    var g = t + 5.0;
    var h = t + 6.0;
    var k = t + 7.0;
    for (var round = 0u; round < params.rounds; round++) {
        a = fma(a, f, t);
        b = fma(b, f, t);
        c = fma(c, f, t);
        d = fma(d, f, t);
        e = fma(e, f, t);
        g = fma(g, f, t);
        h = fma(h, f, t);
        k = fma(k, f, t);
    }
    out[index] = ((a + b) + (c + d)) + ((e + g) + (h + k));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn copy_peak(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let index = invocation_index(workgroup, grid, local);
    if index < params.size {
        out[index] = first[index];
    }
}
