//! How work is cut into workgroups: sizes, the loop limit, grids and the chunks of long sums. The only place with such
//! numbers.

use super::products::{Product, ProductShape, Side};
use crate::error::{Error, Result};
use crate::network::MAX_UNITS;

/// Invocations a workgroup on a GPU: a power of two (sums halve it), at most 256 (the least that WebGPU grants), and a
/// multiple of the 32 or 64 lanes that GPUs run together.
pub const WORKGROUP_SIZE: u32 = 64;

/// Invocations a workgroup on a software driver: two vector registers' lanes, so that a barrier costs little. The best of
/// 8, 16, 32 and 64 in `benches/layerwise.rs` on Mesa's driver and SwiftShader.
pub const SOFTWARE_WORKGROUP_SIZE: u32 = 16;

/// Invocations a workgroup of the fused and resident kernels on a software driver: one vector register's lanes. The best of
/// 4, 8, 16 and 32 in `benches/lowerings.rs` on Mesa's driver.
const SOFTWARE_LANES: u32 = 8;

/// Fewer invocations a workgroup are not worth a dispatch.
pub(super) const MIN_LANES: u32 = 4;

/// Invocations a workgroup of a fused step, before its memory is considered.
pub(super) fn fused_lanes(software: bool) -> u32 {
    if software { SOFTWARE_LANES } else { WORKGROUP_SIZE }
}

/// Invocations of a resident workgroup, before its memory is considered: on a GPU one block of samples each, if that is
/// possible, since nothing else runs beside it.
pub(super) fn resident_lanes(software: bool, blocks: u32) -> u32 {
    if software { SOFTWARE_LANES } else { blocks.next_power_of_two().clamp(WORKGROUP_SIZE / 2, MAX_LANES) }
}

/// The most invocations a workgroup that WebGPU grants.
const MAX_LANES: u32 = 256;

/// Workgroups that share the samples of a fused step: enough to keep a GPU busy, few enough that their sums are added fast.
pub(super) fn fused_chunks(software: bool) -> u32 {
    if software { WANTED_CHUNKS } else { 8 * WANTED_CHUNKS }
}

/// Elements that an invocation of an elementwise kernel takes care of, samples that one of a product does, and at most
/// so many rows: the components of a vector in WGSL.
pub(super) const PER_INVOCATION: u32 = 4;

/// Rounds of all loops together that an invocation may take: Mesa 22's software driver silently ends them after
/// 65,535, and goes on with wrong numbers. The margin is for the few rounds of a workgroup's sum.
pub(crate) const LOOP_LIMIT: u32 = 65_000;

/// Elements of an array at most: kernels index with 32 bits, and the last workgroups of a grid reach beyond the end.
pub(super) const MAX_ARRAY_ELEMENTS: u64 = 1 << 31;

// A product loops once over the units of a layer.
const _: () = assert!(MAX_UNITS < LOOP_LIMIT as usize);

/// The most classes of a softmax: its kernels loop three times over them.
pub(crate) const MAX_CLASSES: u32 = LOOP_LIMIT / 3;

/// Samples a workgroup adds in a long sum: at least this many, so that short sums take one dispatch ...
const MIN_TERMS: u32 = 1_024;
/// ... at most this many an invocation, so that little is lost to rounding in one strand ...
const MAX_ROUNDS: u32 = 1_024;
/// ... and in between, so that about this many workgroups share a sum.
const WANTED_CHUNKS: u32 = 32;

/// Rows or columns that an invocation of a product takes care of, of so many.
pub(super) fn tile(rows: u32) -> u32 {
    rows.min(PER_INVOCATION)
}

/// Rows and columns an invocation of a wide product.
pub(super) const WIDE_TILE: u32 = 8;

/// Smaller products (rows, columns or terms) are narrow.
const MIN_WIDE: u32 = 16;

/// How much faster a wide product is than a narrow one, if neither computes in vain: 7.1 against 4.5 GFLOP/s on Mesa 25.
const WIDE_GAIN: f64 = 1.5;

/// Terms that a chunk of a wide gradient adds, at least: the sum of a chunk is one strand.
const WIDE_CHUNK: u32 = 1_024;

/// Workgroups in x, y and z.
pub(super) type Grid = [u32; 3];

/// What a device's dispatches look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Invocations a workgroup, the `WORKGROUP_SIZE` of every shader.
    pub workgroup_size: u32,
    /// The most workgroups a dimension of a dispatch.
    pub per_dimension: u32,
}

impl Geometry {
    /// A grid for kernels that number their invocations through, `each` elements an invocation; shaders skip the
    /// surplus of the second dimension.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] when that takes more workgroups than the device has.
    pub(super) fn over_elements(self, elements: usize, each: u32) -> Result<Grid> {
        let workgroups = (elements as u64).div_ceil(u64::from(self.workgroup_size * each));
        let [x, y] = self.fold(workgroups)?;
        Ok([x, y, 1])
    }

    /// A grid with one invocation for [`PER_INVOCATION`] samples of a row, the rows in y.
    ///
    /// # Errors
    /// As [`Geometry::over_elements`].
    pub(super) fn over_samples(self, m: u32, rows: u32) -> Result<Grid> {
        let [x, z] = self.fold(u64::from(m.div_ceil(self.workgroup_size * PER_INVOCATION)))?;
        self.check([x, rows, z])
    }

    /// The same for products, whose invocations take a tile of rows.
    ///
    /// # Errors
    /// As [`Geometry::over_elements`].
    pub(super) fn over_samples_and_tiles(self, m: u32, rows: u32) -> Result<Grid> {
        self.over_samples(m, rows.div_ceil(tile(rows)))
    }

    /// Invocations along a side of a workgroup of [`Product::Workgroup`].
    pub(super) fn side(self) -> u32 {
        self.workgroup_size.isqrt()
    }

    /// Rows and columns a workgroup of a wide product.
    fn wide_tile(self, product: Product) -> (u32, u32) {
        match product {
            Product::Workgroup => (WIDE_TILE * self.side(), WIDE_TILE * self.side()),
            _ => (WIDE_TILE, WIDE_TILE * self.workgroup_size),
        }
    }

    /// Whether so large a product is faster in that way than as a narrow one: it does not mostly compute in vain.
    pub(super) fn is_wide(self, product: Product, shape: ProductShape) -> bool {
        let ProductShape { side, rows, columns, depth } = shape;
        // The terms of a gradient are cut into chunks.
        let depth = match side {
            Side::Weights => self.wide_chunks(product, rows, columns, depth).0.min(depth),
            _ => depth,
        };
        let padded = |tile: (u32, u32)| {
            let whole = |n: u32, tile: u32| f64::from(n.div_ceil(tile)) * f64::from(tile);
            whole(rows, tile.0) * whole(columns, tile.1)
        };
        let narrow = (PER_INVOCATION, PER_INVOCATION * self.workgroup_size);
        product != Product::Narrow
            && rows.min(columns).min(depth) >= MIN_WIDE
            // Loads of slabs take rounds too.
            && depth <= LOOP_LIMIT / 2
            && padded(self.wide_tile(product)) <= WIDE_GAIN * padded(narrow)
    }

    /// A grid for a wide product: tiles of rows in y, blocks of columns in x and z.
    ///
    /// # Errors
    /// As [`Geometry::over_elements`].
    pub(super) fn over_wide_tiles(self, product: Product, rows: u32, columns: u32) -> Result<Grid> {
        let tile = self.wide_tile(product);
        let [x, z] = self.fold(u64::from(columns.div_ceil(tile.1)))?;
        self.check([x, rows.div_ceil(tile.0), z])
    }

    /// Cuts a wide gradient's sums so that there is work for everybody: how many terms a chunk has, and how many chunks.
    pub(super) fn wide_chunks(self, product: Product, rows: u32, columns: u32, depth: u32) -> (u32, u32) {
        let tile = self.wide_tile(product);
        let tiles = rows.div_ceil(tile.0) * columns.div_ceil(tile.1);
        let wanted = (4 * WANTED_CHUNKS).div_ceil(tiles);
        let chunk = depth.div_ceil(wanted).clamp(WIDE_CHUNK, MAX_ROUNDS * PER_INVOCATION);
        (chunk, depth.div_ceil(chunk))
    }

    /// A grid as it is.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] for a dimension that the device does not have.
    pub(super) fn check(self, grid: Grid) -> Result<Grid> {
        match grid.iter().find(|&&n| n > self.per_dimension) {
            None => Ok(grid),
            Some(&n) => Err(self.too_many(u64::from(n))),
        }
    }

    /// Two dimensions that hold that many workgroups, with less than a row to spare.
    fn fold(self, workgroups: u64) -> Result<[u32; 2]> {
        let width = workgroups.clamp(1, u64::from(self.per_dimension));
        match u32::try_from(workgroups.div_ceil(width).max(1)) {
            // `width` is at most `per_dimension`, a u32.
            Ok(height) if height <= self.per_dimension => Ok([width as u32, height]),
            _ => Err(self.too_many(workgroups)),
        }
    }

    fn too_many(self, workgroups: u64) -> Error {
        Error::DeviceLimit {
            what: "a dispatch".into(),
            needed: format!("{workgroups} workgroups"),
            device: "the adapter".into(),
            limit: format!("{} a dimension", self.per_dimension),
            hint: "use fewer samples or narrower layers, or --backend cpu-reference".into(),
        }
    }

    /// Cuts a sum over `m` samples, each of which costs `loops` rounds of inner loops.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] when the chunks themselves would be too many to add in one loop.
    pub(super) fn chunks(self, m: u32, loops: u32) -> Result<Chunks> {
        let most = (LOOP_LIMIT / (loops + 1)).clamp(1, MAX_ROUNDS);
        let wanted = m.div_ceil(self.workgroup_size * WANTED_CHUNKS);
        let rounds = wanted.max(MIN_TERMS / self.workgroup_size).min(most);
        let count = m.div_ceil(rounds * self.workgroup_size);
        if count > LOOP_LIMIT {
            return Err(Error::DeviceLimit {
                what: format!("a sum over {m} samples"),
                needed: format!("{count} chunks"),
                device: "a kernel".into(),
                limit: format!("{LOOP_LIMIT}"),
                hint: "use fewer samples".into(),
            });
        }
        Ok(Chunks { rounds, count })
    }
}

/// How a sum over m samples is cut: chunk after chunk, each of `rounds * workgroup_size` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    /// Samples an invocation adds.
    pub(super) rounds: u32,
    /// Number of chunks, one workgroup each.
    pub(super) count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOMETRY: Geometry = Geometry { workgroup_size: WORKGROUP_SIZE, per_dimension: 65_535 };

    #[test]
    fn grids_hold_all_workgroups_and_little_more() {
        for workgroups in [0, 1, 65_534, 65_535, 65_536, 65_537, 200_000, 1 << 31] {
            let [x, y] = GEOMETRY.fold(workgroups).expect("fits");
            let total = u64::from(x) * u64::from(y);
            assert!(
                total >= workgroups && total < workgroups.max(1) + u64::from(x),
                "{workgroups}: {x} x {y}"
            );
            assert!(x <= 65_535 && y <= 65_535);
        }
        assert!(GEOMETRY.fold(65_535 * 65_535 + 1).is_err());
    }

    #[test]
    fn chunks_cover_every_sample_within_the_loop_limit() {
        for workgroup_size in [SOFTWARE_WORKGROUP_SIZE, WORKGROUP_SIZE] {
            let geometry = Geometry { workgroup_size, ..GEOMETRY };
            for m in [1, 63, 400, 1_024, 1_025, 65_536, 200_000, 10_000_000, 1 << 28] {
                for loops in [0, 7, 300, 43_000] {
                    let Ok(Chunks { rounds, count }) = geometry.chunks(m, loops) else {
                        assert!(m >= 200_000 && loops > 7, "{m} {loops}");
                        continue;
                    };
                    let chunk = u64::from(rounds) * u64::from(workgroup_size);
                    let covered = chunk * u64::from(count);
                    assert!(covered >= u64::from(m) && covered < u64::from(m) + chunk);
                    assert!(rounds * (loops + 1) <= LOOP_LIMIT && count <= LOOP_LIMIT, "{m} {loops}");
                }
            }
        }
    }
}
