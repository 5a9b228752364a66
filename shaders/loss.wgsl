// Per sample j, from the logits z (n_outputs, m), with y (1, m) a class index or (n_outputs, m) real values:
//
//   loss              cost                            dz = a - y                a
//   binary            softplus(z) - y z               sigmoid(z) - y            sigmoid(z)
//   softmax           logsumexp(z) - z_y              softmax(z) - onehot(y)    softmax(z)
//   of values         sum_i residual_cost(z_i - y_i)  residual_delta(z - y)     z             see residual.wgsl
//
// With smoothing e, z_y is (1 - e) z_y + e times the mean of the z, and onehot(y) is (1 - e) onehot(y) + e / n_outputs.
// cost = sum over j, / m. Where WEIGHTED is 1, cost and dz of a sample are times its weight, the row of y behind the targets.
// Never from log(a): nothing turns NaN when the output saturates.

// Which loss: one pipeline each.
override LOSS: u32;
// Whether the samples have weights.
override WEIGHTED: u32;

struct LossParams {
    n_outputs: u32,
    m: u32,
    n_chunks: u32,
    rounds: u32, // samples an invocation takes: a chunk is rounds * WORKGROUP_SIZE samples
    scale: f32,  // 1 / m
    n_batches: u32,
    threshold: f32, // of residual.wgsl
    smoothing: f32, // of the labels of a softmax
}

@group(0) @binding(0) var<storage, read> given: LossParams;
var<private> params: LossParams;
@group(0) @binding(1) var<storage, read> z: array<f32>; // (n_outputs, m)

// The largest logit of sample j; whether a NaN counts does not matter, exp_sum meets it again.
fn highest_logit(j: u32) -> f32 {
    var highest = z[j];
    for (var i = 1u; i < params.n_outputs; i++) {
        let z_ij = z[i * params.m + j];
        highest = select(highest, z_ij, z_ij > highest);
    }
    return highest;
}

// sum_i exp(z_ij - highest), and sum_i (highest - z_ij).
fn exp_sum(j: u32, highest: f32) -> vec2<f32> {
    var sums = vec2<f32>(0.0);
    for (var i = 0u; i < params.n_outputs; i++) {
        let below = highest - z[i * params.m + j];
        sums += vec2<f32>(exp_f32(-below), below);
    }
    return sums;
}

@group(0) @binding(2) var<storage, read> y: array<f32>; // (1, m) or (n_outputs, m)

// How much sample j counts.
fn weight_of(j: u32) -> f32 {
    if WEIGHTED == 0u {
        return 1.0;
    }
    var rows = 1u;
    if LOSS > SOFTMAX_CROSS_ENTROPY { rows = params.n_outputs; }
    return y[rows * params.m + j];
}

fn sample_cost(j: u32) -> f32 {
    return weight_of(j) * loss_of(j);
}

fn loss_of(j: u32) -> f32 {
    switch LOSS {
        case BINARY_CROSS_ENTROPY: {
            // The linear terms cancel exactly for y in {0, 1}:
            // softplus(z) - y z = z (1 - y) or -z y, + log1p(exp(-|z|)).
            let linear = select(-z[j] * y[j], z[j] * (1.0 - y[j]), z[j] > 0.0);
            return linear + log1p_f32(exp_f32(-abs(z[j])));
        }
        case SOFTMAX_CROSS_ENTROPY: {
            let highest = highest_logit(j);
            let sums = exp_sum(j, highest);
            var own = highest - z[u32(y[j]) * params.m + j];
            if params.smoothing > 0.0 {
                own += params.smoothing * (sums.y / f32(params.n_outputs) - own);
            }
            return own + ln_f32(sums.x);
        }
        default: {
            var sum = 0.0;
            for (var i = 0u; i < params.n_outputs; i++) {
                sum += residual_cost(z[i * params.m + j] - y[i * params.m + j]);
            }
            return sum;
        }
    }
}

// The costs of the iterations since the host last looked, and the batch and the epoch of the next one.
struct History {
    count: u32,
    batch: u32,
    epoch: u32,
    costs: array<f32>,
}

@group(0) @binding(3) var<storage, read_write> cost_partial: array<f32>; // (n_chunks)
@group(0) @binding(4) var<storage, read_write> history: History;

fn append_cost(total: f32) {
    history.costs[history.count] = total * params.scale;
    history.count += 1u;
    history.batch = (history.batch + 1u) % params.n_batches;
    if history.batch == 0u {
        history.epoch += 1u;
    }
}

// One workgroup's sum; a single chunk goes straight to the history.
fn store_cost(chunk: u32, sum: f32, local: u32) {
    let total = workgroup_sum(sum, local);
    if local == 0u {
        if params.n_chunks == 1u {
            append_cost(total);
        } else {
            cost_partial[chunk] = total;
        }
    }
}

// One workgroup adds a chunk of the samples.
@compute @workgroup_size(WORKGROUP_SIZE)
fn cost(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let start = workgroup.x * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, params.m);
    var sum = 0.0;
    for (var j = start + local; j < end; j += WORKGROUP_SIZE) {
        sum += sample_cost(j);
    }
    store_cost(workgroup.x, sum, local);
}

// One invocation adds the chunks in order.
@compute @workgroup_size(1)
fn finish_cost() {
    params = given;
    var sum = 0.0;
    for (var c = 0u; c < params.n_chunks; c++) {
        sum += cost_partial[c];
    }
    append_cost(sum);
}

@group(0) @binding(5) var<storage, read_write> dz: array<f32>; // (n_outputs, m)

fn sample_delta(j: u32) {
    switch LOSS {
        case BINARY_CROSS_ENTROPY: {
            dz[j] = weight_of(j) * (sigmoid_f32(z[j]) - y[j]);
        }
        case SOFTMAX_CROSS_ENTROPY: {
            let highest = highest_logit(j);
            let sum = exp_sum(j, highest).x;
            let other = params.smoothing / f32(params.n_outputs);
            for (var i = 0u; i < params.n_outputs; i++) {
                let a = exp_f32(z[i * params.m + j] - highest) / sum;
                dz[i * params.m + j] = weight_of(j) * (a - select(other, 1.0 - params.smoothing + other, i == u32(y[j])));
            }
        }
        default: {
            for (var i = 0u; i < params.n_outputs; i++) {
                dz[i * params.m + j] = weight_of(j) * residual_delta(z[i * params.m + j] - y[i * params.m + j]);
            }
        }
    }
}

// Both of the same samples.
@compute @workgroup_size(WORKGROUP_SIZE)
fn cost_and_delta(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let start = workgroup.x * params.rounds * WORKGROUP_SIZE;
    let end = min(start + params.rounds * WORKGROUP_SIZE, params.m);
    var sum = 0.0;
    for (var j = start + local; j < end; j += WORKGROUP_SIZE) {
        sum += sample_cost(j);
        sample_delta(j);
    }
    store_cost(workgroup.x, sum, local);
}

// Neighbours take neighbouring samples.
@compute @workgroup_size(WORKGROUP_SIZE)
fn output_delta(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let first = workgroup_index(workgroup, grid) * params.rounds;
    for (var s = 0u; s < params.rounds; s++) {
        let j = (first + s) * WORKGROUP_SIZE + local;
        if j < params.m {
            sample_delta(j);
        }
    }
}

@group(0) @binding(2) var<storage, read_write> a: array<f32>; // (n_outputs, m)

fn sample_output(j: u32) {
    switch LOSS {
        case BINARY_CROSS_ENTROPY: {
            a[j] = sigmoid_f32(z[j]);
        }
        case SOFTMAX_CROSS_ENTROPY: {
            let highest = highest_logit(j);
            let sum = exp_sum(j, highest).x;
            for (var i = 0u; i < params.n_outputs; i++) {
                a[i * params.m + j] = exp_f32(z[i * params.m + j] - highest) / sum;
            }
        }
        default: {
            for (var i = 0u; i < params.n_outputs; i++) {
                a[i * params.m + j] = z[i * params.m + j];
            }
        }
    }
}

// Neighbours take neighbouring samples.
@compute @workgroup_size(WORKGROUP_SIZE)
fn predict(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let first = workgroup_index(workgroup, grid) * params.rounds;
    for (var s = 0u; s < params.rounds; s++) {
        let j = (first + s) * WORKGROUP_SIZE + local;
        if j < params.m {
            sample_output(j);
        }
    }
}
