// sum(r, c) += left(r, d) right(d, c)   straight from the arrays, see product.wgsl: for processors whose caches are fast and
// whose workgroup memory is no faster, as those of software drivers.
//
// Neighbouring invocations have neighbouring columns; an invocation's own are WORKGROUP_SIZE apart. The grid counts the
// tiles of rows in y.

@compute @workgroup_size(WORKGROUP_SIZE)
fn product_registers(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = block_and_chunk(workgroup, grid);
    let row = workgroup.y * 8u;
    let low = (place.x * 8u + FOUR) * WORKGROUP_SIZE + local;
    let high = low + 4u * WORKGROUP_SIZE;
    let rows_low = left_rows(row);
    let rows_high = left_rows(row + 4u);
    let columns_low = right_columns(low);
    let columns_high = right_columns(high);
    let end = min((place.y + 1u) * params.chunk, params.depth);
    var tile = Tile();
    for (var d = place.y * params.chunk; d < end; d++) {
        let term = mat2x4<f32>(load_right(columns_low, d), load_right(columns_high, d));
        add_term(&tile, load_left(rows_low, d), load_left(rows_high, d), term);
    }
    store_tile(&tile, vec2<u32>(row, row + 4u), low, high, place.y);
}
