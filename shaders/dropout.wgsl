// masked = x * (hash of iteration, layer, unit and position >= threshold) / (1 - rate)    x (units, m), position = column
//
// The choice is Mask in src/schedule/dropout.rs, its twin. Neighbours take neighbouring elements, PER_INVOCATION each.

struct DropoutParams {
    size: u32,
    m: u32,
    seed_key: u32,
    layer: u32,
    threshold: u32,
    scale: f32,      // 1 / (1 - rate)
    n_batches: u32,
    after_cost: u32, // 1: this iteration's cost, and so its batch, has been counted
}

// As in loss.wgsl, which counts batches and epochs.
struct Progress {
    count: u32,
    batch: u32,
    epoch: u32,
}

@group(0) @binding(0) var<storage, read> given: DropoutParams;
var<private> params: DropoutParams;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> masked: array<f32>;
@group(0) @binding(3) var<storage, read> progress: Progress;

@compute @workgroup_size(WORKGROUP_SIZE)
fn dropout(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let iteration = progress.epoch * params.n_batches + progress.batch - params.after_cost;
    let key = mix(mix(params.seed_key + iteration) + params.layer);
    let first = workgroup_index(workgroup, grid) * PER_INVOCATION;
    for (var s = 0u; s < PER_INVOCATION; s++) {
        let index = (first + s) * WORKGROUP_SIZE + local;
        if index < params.size {
            let unit = index / params.m;
            let kept = mix(key ^ mix(unit * GOLDEN + (index - unit * params.m))) >= params.threshold;
            masked[index] = x[index] * select(0.0, params.scale, kept);
        }
    }
}
