// db = sum of each row of dz, / m                   dz (n_l, m), db (n_l)
// theta = theta - learning_rate * gradient         of the same elements; only if params.update is 1
//
// One workgroup adds a chunk of one row. With a single chunk the result is db itself; otherwise it is (n_chunks, n_l)
// partial sums for `finish_sum`, and scale is 1. The grid is (rows, chunks).

struct RowSumParams {
    n_l: u32,
    m: u32,
    rounds: u32, // samples an invocation adds: a chunk is rounds * WORKGROUP_SIZE samples
    db_offset: u32,
    scale: f32,
    update: u32,
    learning_rate: f32,
}

@group(0) @binding(0) var<storage, read> given: RowSumParams;
var<private> params: RowSumParams;
@group(0) @binding(1) var<storage, read> dz: array<f32>; // (n_l, m)
@group(0) @binding(2) var<storage, read_write> db: array<f32>;
@group(0) @binding(3) var<storage, read_write> theta: array<f32>; // the parameter arena, laid out as the gradients

@compute @workgroup_size(WORKGROUP_SIZE)
fn row_sum(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let row = workgroup.x * params.m;
    let start = workgroup.y * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, params.m);
    var sum = 0.0;
    for (var j = start + local; j < end; j += WORKGROUP_SIZE) {
        sum += dz[row + j];
    }
    let total = workgroup_sum(sum, local);
    if local == 0u {
        let at = params.db_offset + workgroup.y * params.n_l + workgroup.x;
        let gradient = total * params.scale;
        db[at] = gradient;
        if params.update == 1u {
            theta[at] -= params.learning_rate * gradient;
        }
    }
}
