// Forward, cost and backward of four samples at a time, for any network that fits workgroup memory:
//
//   a_l = g_l(w_l a_(l-1) + b_l)     dz_L = a_L - y     dw_l += dz_l a_(l-1)^T     db_l += dz_l
//   dz_(l-1) = (w_l^T dz_l) * g'_(l-1)(a_(l-1))
//
// Every invocation has its own column of activations and its own sums; a layer's rows are taken four at a time, so that
// what is loaded serves four of them. The sizes come from the network's table.

// Units of the largest network's layers, the input's not counted.
override N_UNITS: u32;
override N_ACTIVATIONS: u32 = N_UNITS * WORKGROUP_SIZE;

var<workgroup> activations: array<vec4<f32>, N_ACTIVATIONS>;

fn begin_sums(table: u32, local: u32) {
    for (var p = 0u; p <= n_parameters(table); p++) {
        sums[local * SUM_STRIDE + p] = 0.0;
    }
}

// Unit i of the layer whose first unit is number `at`.
fn slot(at: u32, i: u32, local: u32) -> u32 {
    return (at + i) * WORKGROUP_SIZE + local;
}

// Row k of a layer's input: x for the first layer, the activations of the one before for the others.
fn layer_input(first_layer: bool, at: u32, k: u32, block: u32, local: u32) -> vec4<f32> {
    if first_layer {
        return features(k, block);
    }
    return activations[slot(at, k, local)];
}

// Four neighbouring rows, those past the end repeating the last.
fn four_rows(first: u32, count: u32) -> vec4<u32> {
    return min(vec4<u32>(first, first + 1u, first + 2u, first + 3u), vec4<u32>(count - 1u));
}

fn four_parameters(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(theta[at.x], theta[at.y], theta[at.z], theta[at.w]);
}

// Layer `row` of the table; its input begins at unit a_at, its own units behind it. One column of z is one of the four rows.
fn forward(row: u32, first_layer: bool, a_at: u32, out_at: u32, block: u32, local: u32) {
    let n_l = units(row);
    let n_prev = units_before(row);
    let w_at = weights_at(row);
    let g = activation_of(row);
    let slope = slope_of(row);
    for (var first = 0u; first < n_l; first += 4u) {
        let rows = four_rows(first, n_l);
        let b = four_parameters(w_at + n_l * n_prev + rows);
        var z = mat4x4<f32>(vec4<f32>(b.x), vec4<f32>(b.y), vec4<f32>(b.z), vec4<f32>(b.w));
        for (var k = 0u; k < n_prev; k++) {
            let w = four_parameters(w_at + rows * n_prev + k);
            let a = layer_input(first_layer, a_at, k, block, local);
            z += mat4x4<f32>(w.x * a, w.y * a, w.z * a, w.w * a);
        }
        // Rows past the end store what the last one does.
        for (var i = 0u; i < 4u; i++) {
            activations[slot(out_at, rows[i], local)] = activation4(g, slope, z[i]);
        }
    }
}

fn weight_gradient(row: u32, first_layer: bool, a_at: u32, out_at: u32, block: u32, local: u32) {
    let n_l = units(row);
    let n_prev = units_before(row);
    let own = local * SUM_STRIDE + weights_at(row);
    for (var first = 0u; first < n_l; first += 4u) {
        let rows = four_rows(first, n_l);
        let count = min(4u, n_l - first);
        let dz0 = activations[slot(out_at, rows.x, local)];
        let dz1 = activations[slot(out_at, rows.y, local)];
        let dz2 = activations[slot(out_at, rows.z, local)];
        let dz3 = activations[slot(out_at, rows.w, local)];
        let b = own + n_l * n_prev + first;
        sums[b] += horizontal_sum(dz0);
        if count > 1u { sums[b + 1u] += horizontal_sum(dz1); }
        if count > 2u { sums[b + 2u] += horizontal_sum(dz2); }
        if count > 3u { sums[b + 3u] += horizontal_sum(dz3); }
        for (var k = 0u; k < n_prev; k++) {
            let a = layer_input(first_layer, a_at, k, block, local);
            let w = own + first * n_prev + k;
            sums[w] += dot(dz0, a);
            if count > 1u { sums[w + n_prev] += dot(dz1, a); }
            if count > 2u { sums[w + 2u * n_prev] += dot(dz2, a); }
            if count > 3u { sums[w + 3u * n_prev] += dot(dz3, a); }
        }
    }
}

// dz of the layer before, in the place of its activations.
fn input_gradient(row: u32, a_at: u32, out_at: u32, local: u32) {
    let n_l = units(row);
    let n_prev = units_before(row);
    let w_at = weights_at(row);
    let g = activation_of(row - TABLE_ROW);
    let slope = slope_of(row - TABLE_ROW);
    for (var first = 0u; first < n_prev; first += 4u) {
        let columns = four_rows(first, n_prev);
        var da = mat4x4<f32>();
        for (var i = 0u; i < n_l; i++) {
            let w = four_parameters(w_at + i * n_prev + columns);
            let dz = activations[slot(out_at, i, local)];
            da += mat4x4<f32>(w.x * dz, w.y * dz, w.z * dz, w.w * dz);
        }
        // All are read before one is stored: columns past the end store what the last one does.
        for (var k = 0u; k < 4u; k++) {
            let a = activations[slot(a_at, columns[k], local)];
            da[k] *= derivative4(g, slope, a);
        }
        for (var k = 0u; k < 4u; k++) {
            activations[slot(a_at, columns[k], local)] = da[k];
        }
    }
}

// Turns the logits, n_l from unit `at` on, into dz and adds the cost to sums[cost_at].
fn output_delta(block: u32, at: u32, n_l: u32, cost_at: u32, local: u32) {
    let valid = valid_samples(block);
    var cost = vec4<f32>(0.0);
    if LOSS == BINARY_CROSS_ENTROPY {
        let result = binary_cross_entropy(activations[slot(at, 0u, local)], targets(0u, block));
        cost = result.cost;
        activations[slot(at, 0u, local)] = select(vec4<f32>(0.0), result.delta, valid);
    } else if LOSS == SOFTMAX_CROSS_ENTROPY {
        var highest = activations[slot(at, 0u, local)];
        for (var i = 1u; i < n_l; i++) {
            let z = activations[slot(at, i, local)];
            highest = select(highest, z, z > highest);
        }
        var total = vec4<f32>(0.0);
        var own = vec4<f32>(0.0);
        var all = vec4<f32>(0.0);
        for (var i = 0u; i < n_l; i++) {
            let below = highest - activations[slot(at, i, local)];
            let power = exp4(-below);
            own = select(own, below, targets(0u, block) == vec4<f32>(f32(i)));
            all += below;
            total += power;
            activations[slot(at, i, local)] = power;
        }
        cost = smoothed(own, all, n_l) + ln4(total);
        for (var i = 0u; i < n_l; i++) {
            let label = one_hot(targets(0u, block) == vec4<f32>(f32(i)), n_l);
            let delta = activations[slot(at, i, local)] / total - label;
            activations[slot(at, i, local)] = select(vec4<f32>(0.0), delta, valid);
        }
    } else {
        for (var i = 0u; i < n_l; i++) {
            let r = activations[slot(at, i, local)] - targets(i, block);
            cost += residual_cost4(r);
            activations[slot(at, i, local)] = select(vec4<f32>(0.0), residual_delta4(r), valid);
        }
    }
    if WEIGHTED == 1u {
        let weights = sample_weights(block, n_l);
        cost *= weights;
        for (var i = 0u; i < n_l; i++) {
            activations[slot(at, i, local)] *= weights;
        }
    }
    sums[cost_at] += horizontal_sum(select(vec4<f32>(0.0), cost, valid));
}

fn add_block(table: u32, block: u32, local: u32) {
    let depth = n_layers(table);
    // The first unit of a layer's input; the first layer's input is x and takes no place.
    var a_at = 0u;
    var out_at = 0u;
    for (var l = 0u; l < depth; l++) {
        let row = layer_row(table, l);
        forward(row, l == 0u, a_at, out_at, block, local);
        a_at = out_at;
        out_at += units(row);
    }
    output_delta(block, a_at, units(layer_row(table, depth - 1u)), local * SUM_STRIDE + n_parameters(table), local);
    for (var l = depth - 1u; l > 0u; l--) {
        let row = layer_row(table, l);
        out_at = a_at;
        a_at = out_at - units_before(row);
        weight_gradient(row, false, a_at, out_at, block, local);
        input_gradient(row, a_at, out_at, local);
    }
    weight_gradient(layer_row(table, 0u), true, 0u, 0u, block, local);
}

fn end_sums(table: u32, local: u32) {}
