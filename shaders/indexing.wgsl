// index = (workgroup.y * grid.x + workgroup.x) * WORKGROUP_SIZE + local: one number for each invocation of a grid that
// is two-dimensional only because a dimension ends at 65,535 workgroups. The host picks the grid (src/gpu/grid.rs).
//
// The host also appends `const PER_INVOCATION`, the elements that an invocation of an elementwise kernel or a product
// takes care of: the overhead of an invocation is shared by them, and so is what they have in common.

override WORKGROUP_SIZE: u32;

// Number of the workgroup.
fn workgroup_index(workgroup: vec3<u32>, grid: vec3<u32>) -> u32 {
    return workgroup.y * grid.x + workgroup.x;
}

// Number of the invocation.
fn invocation_index(workgroup: vec3<u32>, grid: vec3<u32>, local: u32) -> u32 {
    return workgroup_index(workgroup, grid) * WORKGROUP_SIZE + local;
}
