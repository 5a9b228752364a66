// x[i, j] = all_x[i, s], y[i, j] = all_y[i, s]   s = batch * size + j, or where SHUFFLE is 1, pi(batch * size + j) of order.wgsl
//
// The next batch of the samples, for an iteration to work on: x (x_rows, width) of all_x (x_rows, m), and the same for y.
// The numbers of the batch and of the epoch are on the device, so that many iterations need no host.
//
// Neighbours take neighbouring samples, PER_INVOCATION each. The grid is (blocks of samples, rows of x and then of y, blocks).

// Whether each epoch has an order of its own.
override SHUFFLE: u32;

struct TakeBatchParams {
    m: u32,
    size: u32,  // samples of all batches but the last
    width: u32, // samples of this one
    x_rows: u32,
    seed: u32,
}

// As in loss.wgsl, which counts the batches.
struct Progress {
    count: u32,
    batch: u32,
    epoch: u32,
}

@group(0) @binding(0) var<storage, read> given: TakeBatchParams;
var<private> params: TakeBatchParams;
@group(0) @binding(1) var<storage, read> progress: Progress;
@group(0) @binding(2) var<storage, read> all_x: array<f32>;
@group(0) @binding(3) var<storage, read> all_y: array<f32>;
@group(0) @binding(4) var<storage, read_write> x: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn take_batch(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let block = (workgroup.z * grid.x + workgroup.x) * PER_INVOCATION;
    let start = progress.batch * params.size;
    let order = order_of(params.m, params.seed, progress.epoch);
    for (var s = 0u; s < PER_INVOCATION; s++) {
        let j = (block + s) * WORKGROUP_SIZE + local;
        if j < params.width {
            var sample = start + j;
            if SHUFFLE == 1u {
                sample = ordered_sample(order, sample);
            }
            if workgroup.y < params.x_rows {
                x[workgroup.y * params.width + j] = all_x[workgroup.y * params.m + sample];
            } else {
                let i = workgroup.y - params.x_rows;
                y[i * params.width + j] = all_y[i * params.m + sample];
            }
        }
    }
}
