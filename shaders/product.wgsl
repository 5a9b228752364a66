// sum(r, c) = sum over d of left(r, d) right(d, c)     (rows, columns), d below depth; then, by FORM:
//
//   FORWARD    a = g(sum + b)             left = w, right = x; z if g is the identity
//   DELTA      dz = sum * g'(z)           left = w^T, right = dz of the next layer; with g' in terms of a (rows, columns)
//   GRADIENT   dw = scale * sum           left = dz, right = a_prev^T; (n_chunks, rows, columns), d of a chunk each
//              theta = theta - learning_rate * dw    only if params.update is 1
//   PLAIN      da = sum
//
// The products of wide layers. An invocation keeps 8 rows and 8 columns of sums in registers: 16 numbers are loaded for 64
// multiplications. The sums are named, not an array: no driver needs to unroll a loop to find registers for them.

override FORM: u32;
const FORWARD = 0u;
const DELTA = 1u;
const GRADIENT = 2u;
// Which g: one pipeline each.
override ACTIVATION: u32;

struct ProductParams {
    rows: u32,
    columns: u32,
    depth: u32,
    chunk: u32,        // terms of a chunk
    left_offset: u32,
    left_row: u32,     // left(r, d) = left[left_offset + r * left_row + d * left_depth]
    left_depth: u32,
    right_depth: u32,  // right(d, c) = right[d * right_depth + c * right_column]
    right_column: u32,
    out_offset: u32,
    bias_offset: u32,
    slope: f32,
    scale: f32,
    update: u32,
    learning_rate: f32,
}

@group(0) @binding(0) var<storage, read> given: ProductParams;
var<private> params: ProductParams;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read> extra: array<f32>;       // FORWARD: the parameter arena; DELTA: a
@group(0) @binding(5) var<storage, read_write> theta: array<f32>; // GRADIENT: the parameter arena, laid out as the gradients

struct Tile {
    r0: mat2x4<f32>,
    r1: mat2x4<f32>,
    r2: mat2x4<f32>,
    r3: mat2x4<f32>,
    r4: mat2x4<f32>,
    r5: mat2x4<f32>,
    r6: mat2x4<f32>,
    r7: mat2x4<f32>,
}

// One term of each sum.
fn add_term(tile: ptr<function, Tile>, low: vec4<f32>, high: vec4<f32>, right_term: mat2x4<f32>) {
    (*tile).r0 += low.x * right_term;
    (*tile).r1 += low.y * right_term;
    (*tile).r2 += low.z * right_term;
    (*tile).r3 += low.w * right_term;
    (*tile).r4 += high.x * right_term;
    (*tile).r5 += high.y * right_term;
    (*tile).r6 += high.z * right_term;
    (*tile).r7 += high.w * right_term;
}

// The terms of a gradient are the samples, of which there are many: so many are added in one strand, and then the strands,
// so that little is lost to rounding.
const STRAND = 64u;

fn add_strand(total: ptr<function, Tile>, strand: ptr<function, Tile>) {
    (*total).r0 += (*strand).r0;
    (*total).r1 += (*strand).r1;
    (*total).r2 += (*strand).r2;
    (*total).r3 += (*strand).r3;
    (*total).r4 += (*strand).r4;
    (*total).r5 += (*strand).r5;
    (*total).r6 += (*strand).r6;
    (*total).r7 += (*strand).r7;
}

fn tile_row(tile: ptr<function, Tile>, r: u32) -> mat2x4<f32> {
    switch r {
        case 0u: { return (*tile).r0; }
        case 1u: { return (*tile).r1; }
        case 2u: { return (*tile).r2; }
        case 3u: { return (*tile).r3; }
        case 4u: { return (*tile).r4; }
        case 5u: { return (*tile).r5; }
        case 6u: { return (*tile).r6; }
        default: { return (*tile).r7; }
    }
}

// The block of columns of a workgroup, and its chunk of the terms: z counts either.
fn block_and_chunk(workgroup: vec3<u32>, grid: vec3<u32>) -> vec2<u32> {
    if FORM == GRADIENT {
        return vec2<u32>(workgroup.x, workgroup.z);
    }
    return vec2<u32>(workgroup.z * grid.x + workgroup.x, 0u);
}

fn store(row: u32, column: u32, chunk: u32, value: f32) {
    if column >= params.columns {
        return;
    }
    let at = row * params.columns + column;
    if FORM == GRADIENT {
        let to = params.out_offset + chunk * params.rows * params.columns + at;
        out[to] = value;
        if params.update == 1u {
            theta[to] -= params.learning_rate * value;
        }
    } else {
        out[at] = value;
    }
}

// Columns past the end repeat the last one.
fn columns_there_are(columns: vec4<u32>) -> vec4<u32> {
    return min(columns, vec4<u32>(params.columns - 1u));
}

// g' of four columns of a row.
fn slopes(row: u32, columns: vec4<u32>) -> vec4<f32> {
    let at = row * params.columns + columns_there_are(columns);
    return derivative4(ACTIVATION, params.slope, vec4<f32>(extra[at.x], extra[at.y], extra[at.z], extra[at.w]));
}

fn store_four(row: u32, columns: vec4<u32>, chunk: u32, sums: vec4<f32>) {
    var values = sums;
    switch FORM {
        case FORWARD: { values = activation4(ACTIVATION, params.slope, sums + extra[params.bias_offset + row]); }
        case DELTA: { values = sums * slopes(row, columns); }
        case GRADIENT: { values = sums * params.scale; }
        default: {}
    }
    store(row, columns.x, chunk, values.x);
    store(row, columns.y, chunk, values.y);
    store(row, columns.z, chunk, values.z);
    store(row, columns.w, chunk, values.w);
}

// Rows and columns past the end are not stored. Loops, the inner one without an end that is known beforehand, so that drivers
// compile 4 and not 64 activations.
fn store_tile(tile: ptr<function, Tile>, rows: vec2<u32>, low: vec4<u32>, high: vec4<u32>, chunk: u32) {
    let halves = select(2u, 1u, high.x >= params.columns);
    for (var r = 0u; r < 8u; r++) {
        let row = select(rows.y + r - 4u, rows.x + r, r < 4u);
        if row < params.rows {
            let sums = tile_row(tile, r);
            for (var half = 0u; half < halves; half++) {
                store_four(row, select(high, low, half == 0u), chunk, select(sums[1], sums[0], half == 0u));
            }
        }
    }
}

const FOUR = vec4<u32>(0u, 1u, 2u, 3u);

// Where four rows of the left begin; those past the end repeat the last one.
fn left_rows(first: u32) -> vec4<u32> {
    return params.left_offset + min(first + FOUR, vec4<u32>(params.rows - 1u)) * params.left_row;
}

fn load_left(rows: vec4<u32>, d: u32) -> vec4<f32> {
    let at = rows + d * params.left_depth;
    return vec4<f32>(left[at.x], left[at.y], left[at.z], left[at.w]);
}

// Where columns of the right begin.
fn right_columns(columns: vec4<u32>) -> vec4<u32> {
    return columns_there_are(columns) * params.right_column;
}

fn load_right(columns: vec4<u32>, d: u32) -> vec4<f32> {
    let at = columns + d * params.right_depth;
    return vec4<f32>(right[at.x], right[at.y], right[at.z], right[at.w]);
}
