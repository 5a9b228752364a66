// total = sum over the invocations of a workgroup, by halving: a fixed tree, so that the same values give the same
// bits.
//
// Long sums are cut into chunks of WORKGROUP_SIZE * terms columns, one workgroup each, since one driver ends an
// invocation's loops after 65,535 rounds in total; `finish_sum` adds the chunks in order.

var<workgroup> terms: array<f32, WORKGROUP_SIZE>;

// Every invocation of the workgroup must call this; the result is the same for all.
fn workgroup_sum(value: f32, local: u32) -> f32 {
    terms[local] = value;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if local < stride {
            terms[local] += terms[local + stride];
        }
        workgroupBarrier();
    }
    return terms[0];
}

var<workgroup> terms4: array<vec4<f32>, WORKGROUP_SIZE>;

// The same for four sums at once.
fn workgroup_sum4(value: vec4<f32>, local: u32) -> vec4<f32> {
    terms4[local] = value;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if local < stride {
            terms4[local] += terms4[local + stride];
        }
        workgroupBarrier();
    }
    return terms4[0];
}
