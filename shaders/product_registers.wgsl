// sum(r, c) += left(r, d) right(d, c)   straight from the arrays, see product.wgsl: for processors whose caches are fast and
// whose workgroup memory is no faster, as those of software drivers.
//
// Neighbouring invocations have neighbouring columns; an invocation's own are WORKGROUP_SIZE apart. The grid counts the
// tiles of rows in y.

// Where the rows and columns of an invocation begin.
struct Begin {
    rows_low: vec4<u32>,
    rows_high: vec4<u32>,
    columns_low: vec4<u32>,
    columns_high: vec4<u32>,
}

fn sum_terms(tile: ptr<function, Tile>, begin: Begin, start: u32, end: u32) {
    for (var d = start; d < end; d++) {
        let term = mat2x4<f32>(load_right(begin.columns_low, d), load_right(begin.columns_high, d));
        add_term(tile, load_left(begin.rows_low, d), load_left(begin.rows_high, d), term);
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn product_registers(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    params = given;
    let place = block_and_chunk(workgroup, grid);
    let row = workgroup.y * 8u;
    let low = (place.x * 8u + FOUR) * WORKGROUP_SIZE + local;
    let high = low + 4u * WORKGROUP_SIZE;
    let begin = Begin(left_rows(row), left_rows(row + 4u), right_columns(low), right_columns(high));
    let start = place.y * params.chunk;
    let end = min(start + params.chunk, params.depth);
    var tile = Tile();
    if FORM == GRADIENT {
        for (var first = start; first < end; first += STRAND) {
            var strand = Tile();
            sum_terms(&strand, begin, first, min(first + STRAND, end));
            add_strand(&tile, &strand);
        }
    } else {
        sum_terms(&tile, begin, start, end);
    }
    store_tile(&tile, vec2<u32>(row, row + 4u), low, high, place.y);
}
