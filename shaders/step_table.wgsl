// size_t = the three numbers of a step from row t of the tables; they lie behind the networks' own.

fn step_size(first: u32, row: u32) -> StepSize {
    let at = first + 3u * row;
    return StepSize(bitcast<f32>(tables[at]), bitcast<f32>(tables[at + 1u]), bitcast<f32>(tables[at + 2u]));
}
