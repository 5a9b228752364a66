// What the fused and the resident kernels share: the data in blocks of four samples, the tables of the networks, the losses.
//
//   samples of block b of a batch = 4 b, 4 b + 1, 4 b + 2, 4 b + 3
//   x (n_0, stride), y (target_rows, stride): one vec4 is one row's values of these four
//
// A batch of `batch_size` samples fills `batch_blocks` blocks, the last with what is left of it; columns past the end are
// computed and not counted. Neighbouring invocations take neighbouring blocks. Where SHUFFLE is 1, the samples lie one after
// the other, and a block picks its four by the order of the epoch.

override WORKGROUP_SIZE: u32;
// Which loss: one pipeline each.
override LOSS: u32;
// Whether the samples have weights, the row of y behind the targets.
override WEIGHTED: u32;
// Whether each epoch has an order of its own.
override SHUFFLE: u32;
// Parameters of the largest network, and the distance between the invocations' sums: odd, for memory in banks.
override N_PARAMETERS: u32;
override SUM_STRIDE: u32;
override N_SUMS: u32 = SUM_STRIDE * WORKGROUP_SIZE;

struct BlockParams {
    m: u32,
    stride: u32,
    batch_size: u32,
    batch_blocks: u32,
    n_batches: u32,
    rounds: u32,       // blocks an invocation of a fused step takes
    iterations: u32,   // of one resident dispatch
    evaluate: u32,     // 1: the cost over all samples, nothing is changed
    history: u32,      // costs kept for each network; the cost of an evaluation follows them
    table_size: u32,   // words of a network's table
    seed: u32,         // of the order of the samples
    threshold: f32,    // of residual.wgsl
    smoothing: f32,    // of the labels of a softmax
    step_sizes_at: u32, // where those of the history's iterations begin in the tables
    beta_1: f32,
    rest_1: f32,       // 1 - beta_1
    beta_2: f32,
    rest_2: f32,
    epsilon: f32,
    l1: f32,
    l2: f32,
    weight_decay: f32,
    clip_value: f32, // 0 for none
}

@group(0) @binding(0) var<storage, read> given: BlockParams;
var<private> params: BlockParams;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> y: array<vec4<f32>>;

// A table: a header, then a row for each layer. The host writes them, src/gpu/tables.rs.
fn learning_rate(table: u32) -> f32 { return bitcast<f32>(tables[table]); }
fn n_parameters(table: u32) -> u32 { return tables[table + 1u]; }
fn n_layers(table: u32) -> u32 { return tables[table + 2u]; }
fn layer_row(table: u32, l: u32) -> u32 { return table + TABLE_HEADER + l * TABLE_ROW; }
fn units(row: u32) -> u32 { return tables[row]; }
fn units_before(row: u32) -> u32 { return tables[row + 1u]; }
fn weights_at(row: u32) -> u32 { return tables[row + 2u]; }
fn activation_of(row: u32) -> u32 { return tables[row + 3u]; }
fn slope_of(row: u32) -> f32 { return bitcast<f32>(tables[row + 4u]); }

// The parameters of the workgroup's network.
var<workgroup> theta: array<f32, N_PARAMETERS>;
// For each invocation its sums over the samples: a derivative for each parameter, then the cost.
var<workgroup> sums: array<f32, N_SUMS>;

fn horizontal_sum(v: vec4<f32>) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// Where a block's samples are within their batch, and which of them count.
fn within_batch(block: u32, batch: u32) -> vec4<u32> {
    return (block - batch * params.batch_blocks) * 4u + vec4<u32>(0u, 1u, 2u, 3u);
}

fn valid_samples(block: u32) -> vec4<bool> {
    let batch = block / params.batch_blocks;
    let size = min(params.batch_size, params.m - batch * params.batch_size);
    return within_batch(block, batch) < vec4<u32>(size);
}

// The samples of the block at hand, for a shuffled data set.
var<private> picked: vec4<u32>;

// Chooses the samples of a block; those past the end repeat the last, and do not count.
fn pick_samples(block: u32, epoch: u32) {
    if SHUFFLE == 1u {
        let batch = block / params.batch_blocks;
        let positions = min(batch * params.batch_size + within_batch(block, batch), vec4<u32>(params.m - 1u));
        picked = positions;
        // The cost of all samples is computed in their own order.
        if params.evaluate == 0u {
            let order = order_of(params.m, params.seed, epoch);
            picked = vec4<u32>(
                ordered_sample(order, positions.x), ordered_sample(order, positions.y),
                ordered_sample(order, positions.z), ordered_sample(order, positions.w),
            );
        }
    }
}

// Row k of x, and of y, for the four samples of a block.
fn features(k: u32, block: u32) -> vec4<f32> {
    let row = k * params.stride;
    if SHUFFLE == 0u {
        return x[row + block];
    }
    let at = row + picked / 4u;
    let lane = picked % 4u;
    return vec4<f32>(x[at.x][lane.x], x[at.y][lane.y], x[at.z][lane.z], x[at.w][lane.w]);
}

fn targets(i: u32, block: u32) -> vec4<f32> {
    let row = i * params.stride;
    if SHUFFLE == 0u {
        return y[row + block];
    }
    let at = row + picked / 4u;
    let lane = picked % 4u;
    return vec4<f32>(y[at.x][lane.x], y[at.y][lane.y], y[at.z][lane.z], y[at.w][lane.w]);
}

// How much the samples of a block count.
fn sample_weights(block: u32, n_outputs: u32) -> vec4<f32> {
    var rows = 1u;
    if LOSS > SOFTMAX_CROSS_ENTROPY { rows = n_outputs; }
    return targets(rows, block);
}

// Softmax: what a class's logits are below the highest, `own` of the label and `all` of the n classes together, as the cost
// takes it; and the label as a row of targets takes it. See loss.wgsl.
fn smoothed(own: vec4<f32>, all: vec4<f32>, n: u32) -> vec4<f32> {
    if params.smoothing > 0.0 {
        return own + params.smoothing * (all / f32(n) - own);
    }
    return own;
}

fn one_hot(own: vec4<bool>, n: u32) -> vec4<f32> {
    let other = params.smoothing / f32(n);
    return select(vec4<f32>(other), vec4<f32>(1.0 - params.smoothing + other), own);
}

// Binary cross-entropy of logits z: the cost in .cost, its derivative by z in .delta; see loss.wgsl.
struct CostAndDelta {
    cost: vec4<f32>,
    delta: vec4<f32>,
}

fn binary_cross_entropy(z: vec4<f32>, labels: vec4<f32>) -> CostAndDelta {
    // One exp for all: softplus(z) - y z = linear + log1p(t), sigmoid(z) = (1 or t) / (1 + t), t = exp(-|z|).
    let t = exp4(-abs(z));
    let linear = select(-z * labels, z * (1.0 - labels), z > vec4<f32>(0.0));
    let a = select(vec4<f32>(1.0), t, z < vec4<f32>(0.0)) / (1.0 + t);
    return CostAndDelta(linear + log1p4(t), a - labels);
}
