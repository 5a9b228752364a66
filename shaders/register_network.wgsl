// Forward, cost and backward of four samples at a time, for networks so small that an invocation keeps their parameters,
// activations and sums in registers:
//
//   a_l = g_l(w_l a_(l-1) + b_l)     dz_L = a_L - y     dw_l += dz_l a_(l-1)^T     db_l += dz_l
//   dz_(l-1) = (w_l^T dz_l) * g'_(l-1)(a_(l-1))
//
// The sizes are override constants: loops have a fixed number of rounds, which drivers unroll, and then no array is left.

// Layers, and the units of each from the input on; 0 past the last.
override DEPTH: u32;
override N_0: u32;
override N_1: u32;
override N_2: u32;
override N_3: u32;
// Activations; that of the last layer is the identity.
override G_1: u32;
override G_2: u32;
override G_3: u32;

override W_2: u32 = N_1 * (N_0 + 1u);
override W_3: u32 = W_2 + N_2 * (N_1 + 1u);
override A_2: u32 = N_0 + N_1;

var<private> w: array<f32, REGISTER_PARAMETERS>;
var<private> sum: array<f32, REGISTER_PARAMETERS>;
var<private> cost_sum: f32;
// Activations from the input on; dz takes the place of a when a is not needed any more.
var<private> a: array<vec4<f32>, REGISTER_UNITS>;

// Every invocation takes the parameters and begins new sums.
fn begin_sums(table: u32, local: u32) {
    for (var p = 0u; p < N_PARAMETERS; p++) {
        w[p] = theta[p];
        sum[p] = 0.0;
    }
    cost_sum = 0.0;
}

fn forward(n_prev: u32, n_l: u32, a_at: u32, w_at: u32, g: u32, slope: f32) {
    for (var i = 0u; i < n_l; i++) {
        var z = vec4<f32>(w[w_at + n_l * n_prev + i]);
        for (var k = 0u; k < n_prev; k++) {
            z += w[w_at + i * n_prev + k] * a[a_at + k];
        }
        a[a_at + n_prev + i] = activation4(g, slope, z);
    }
}

// dz stands in the place of a_l.
fn weight_gradient(n_prev: u32, n_l: u32, a_at: u32, w_at: u32) {
    for (var i = 0u; i < n_l; i++) {
        let dz = a[a_at + n_prev + i];
        sum[w_at + n_l * n_prev + i] += horizontal_sum(dz);
        for (var k = 0u; k < n_prev; k++) {
            sum[w_at + i * n_prev + k] += dot(dz, a[a_at + k]);
        }
    }
}

fn input_gradient(n_prev: u32, n_l: u32, a_at: u32, w_at: u32, g_prev: u32, slope: f32) {
    for (var k = 0u; k < n_prev; k++) {
        var da = vec4<f32>(0.0);
        for (var i = 0u; i < n_l; i++) {
            da += w[w_at + i * n_prev + k] * a[a_at + n_prev + i];
        }
        a[a_at + k] = da * derivative4(g_prev, slope, a[a_at + k]);
    }
}

// Turns the logits, n_l from `at` on, into dz and adds the cost.
fn output_delta(block: u32, at: u32, n_l: u32) {
    let valid = valid_samples(block);
    var cost = vec4<f32>(0.0);
    if LOSS == BINARY_CROSS_ENTROPY {
        let result = binary_cross_entropy(a[at], targets(0u, block));
        cost = result.cost;
        a[at] = result.delta;
    } else if LOSS == SOFTMAX_CROSS_ENTROPY {
        var highest = a[at];
        for (var i = 1u; i < n_l; i++) {
            highest = select(highest, a[at + i], a[at + i] > highest);
        }
        var total = vec4<f32>(0.0);
        var own = vec4<f32>(0.0);
        var all = vec4<f32>(0.0);
        for (var i = 0u; i < n_l; i++) {
            let below = highest - a[at + i];
            own = select(own, below, targets(0u, block) == vec4<f32>(f32(i)));
            all += below;
            a[at + i] = exp4(-below);
            total += a[at + i];
        }
        cost = smoothed(own, all, n_l) + ln4(total);
        for (var i = 0u; i < n_l; i++) {
            a[at + i] = a[at + i] / total - one_hot(targets(0u, block) == vec4<f32>(f32(i)), n_l);
        }
    } else {
        for (var i = 0u; i < n_l; i++) {
            let r = a[at + i] - targets(i, block);
            cost += residual_cost4(r);
            a[at + i] = residual_delta4(r);
        }
    }
    if WEIGHTED == 1u {
        let weights = sample_weights(block, n_l);
        cost *= weights;
        for (var i = 0u; i < n_l; i++) {
            a[at + i] *= weights;
        }
    }
    cost_sum += horizontal_sum(select(vec4<f32>(0.0), cost, valid));
    for (var i = 0u; i < n_l; i++) {
        a[at + i] = select(vec4<f32>(0.0), a[at + i], valid);
    }
}

fn add_block(table: u32, block: u32, local: u32) {
    for (var k = 0u; k < N_0; k++) {
        a[k] = features(k, block);
    }
    let slope_1 = slope_of(layer_row(table, 0u));
    var slope_2 = 0.0;
    if DEPTH > 1u { slope_2 = slope_of(layer_row(table, 1u)); }
    forward(N_0, N_1, 0u, 0u, G_1, slope_1);
    if DEPTH > 1u { forward(N_1, N_2, N_0, W_2, G_2, slope_2); }
    if DEPTH > 2u { forward(N_2, N_3, A_2, W_3, G_3, 0.0); }
    if DEPTH == 1u { output_delta(block, N_0, N_1); }
    if DEPTH == 2u { output_delta(block, A_2, N_2); }
    if DEPTH == 3u { output_delta(block, A_2 + N_2, N_3); }
    if DEPTH > 2u {
        weight_gradient(N_2, N_3, A_2, W_3);
        input_gradient(N_2, N_3, A_2, W_3, G_2, slope_2);
    }
    if DEPTH > 1u {
        weight_gradient(N_1, N_2, N_0, W_2);
        input_gradient(N_1, N_2, N_0, W_2, G_1, slope_1);
    }
    weight_gradient(N_0, N_1, 0u, 0u);
}

// Leaves the sums where the workgroup finds them.
fn end_sums(table: u32, local: u32) {
    for (var p = 0u; p < N_PARAMETERS; p++) {
        sums[local * SUM_STRIDE + p] = sum[p];
    }
    sums[local * SUM_STRIDE + N_PARAMETERS] = cost_sum;
}
