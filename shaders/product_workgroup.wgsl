// sum(r, c) += left(r, d) right(d, c)   by way of workgroup memory, see product.wgsl: for GPUs, whose invocations share
// what each of them loads.
//
// A workgroup is SIDE x SIDE invocations and has 8 SIDE rows and columns; an invocation has two times four neighbours of
// each. Slab after slab of SLAB terms is loaded, by whichever neighbours make the loads contiguous. The grid counts the
// tiles of rows in y.

// WORKGROUP_SIZE = SIDE * SIDE
override SIDE: u32;
const SLAB = 16u;
override SLAB_SIZE: u32 = SLAB * 2u * SIDE;

// (SLAB, 2 SIDE): four rows, or columns, each
var<workgroup> left_slab: array<vec4<f32>, SLAB_SIZE>;
var<workgroup> right_slab: array<vec4<f32>, SLAB_SIZE>;

// The term and the four rows of the t-th load.
fn load_order(t: u32, along_depth: bool) -> vec2<u32> {
    if along_depth {
        return vec2<u32>(t % SLAB, t / SLAB);
    }
    return vec2<u32>(t / (2u * SIDE), t % (2u * SIDE));
}

fn load_slabs(first: u32, end: u32, row: u32, column: u32, local: u32) {
    for (var t = local; t < SLAB_SIZE; t += WORKGROUP_SIZE) {
        let of_left = load_order(t, params.left_depth == 1u);
        let of_right = load_order(t, params.right_depth == 1u);
        // Terms past the end are zeros on both sides.
        var l = vec4<f32>(0.0);
        var r = vec4<f32>(0.0);
        if first + of_left.x < end { l = load_left(left_rows(row + 4u * of_left.y), first + of_left.x); }
        if first + of_right.x < end {
            r = load_right(right_columns(column + 4u * of_right.y + FOUR), first + of_right.x);
        }
        left_slab[of_left.x * 2u * SIDE + of_left.y] = l;
        right_slab[of_right.x * 2u * SIDE + of_right.y] = r;
    }
}

// All invocations of the workgroup come here together.
fn sum_slabs(tile: ptr<function, Tile>, start: u32, end: u32, row: u32, column: u32, local: u32) {
    for (var first = start; first < end; first += SLAB) {
        load_slabs(first, end, row, column, local);
        workgroupBarrier();
        for (var d = 0u; d < SLAB; d++) {
            let l = d * 2u * SIDE + local / SIDE;
            let r = d * 2u * SIDE + local % SIDE;
            add_term(tile, left_slab[l], left_slab[l + SIDE], mat2x4<f32>(right_slab[r], right_slab[r + SIDE]));
        }
        workgroupBarrier();
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn product_workgroup(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let place = block_and_chunk(workgroup, grid);
    let row = workgroup.y * 8u * SIDE;
    let column = place.x * 8u * SIDE;
    let at_row = local / SIDE;
    let at_column = local % SIDE;
    let start = place.y * params.chunk;
    let end = min(start + params.chunk, params.depth);
    var tile = Tile();
    if FORM == GRADIENT {
        for (var first = start; first < end; first += STRAND) {
            var strand = Tile();
            sum_slabs(&strand, first, min(first + STRAND, end), row, column, local);
            add_strand(&tile, &strand);
        }
    } else {
        sum_slabs(&tile, start, end, row, column, local);
    }
    let low = column + 4u * at_column + FOUR;
    let rows = row + 4u * vec2<u32>(at_row, at_row + SIDE);
    store_tile(&tile, rows, low, low + 4u * SIDE, place.y);
}
