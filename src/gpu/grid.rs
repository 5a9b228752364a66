//! How work is cut into workgroups: sizes, the loop limit, grids and the chunks of long sums. The only place with such
//! numbers.

use crate::error::{Error, Result};
use crate::network::MAX_UNITS;

/// Invocations a workgroup, the `WORKGROUP_SIZE` of every shader: a power of two (sums halve it), at most 256 (the
/// least that WebGPU grants), and a multiple of the 32 or 64 lanes that GPUs run together.
pub const WORKGROUP_SIZE: u32 = 64;

/// Rounds of all loops together that an invocation may take: Mesa 22's software driver silently ends them after
/// 65,535, and goes on with wrong numbers. The margin is for the few rounds of a workgroup's sum.
pub(super) const LOOP_LIMIT: u32 = 65_000;

/// Elements of an array at most: kernels index with 32 bits, and the last workgroups of a grid reach beyond the end.
pub(super) const MAX_ARRAY_ELEMENTS: u64 = 1 << 31;

// A product loops once over the units of a layer.
const _: () = assert!(MAX_UNITS < LOOP_LIMIT as usize);

/// The most classes of a softmax: its kernels loop three times over them.
pub(super) const MAX_CLASSES: u32 = LOOP_LIMIT / 3;

/// Samples an invocation adds in a long sum: at least this many, so that short sums take one dispatch ...
const MIN_ROUNDS: u32 = 16;
/// ... at most this many, so that little is lost to rounding in one strand ...
const MAX_ROUNDS: u32 = 256;
/// ... and in between, so that about this many workgroups share a sum.
const WANTED_CHUNKS: u32 = 32;

/// A two-dimensional grid of workgroups for `workgroups` of them; shaders skip the surplus.
///
/// # Errors
/// [`Error::DeviceLimit`] when they are more than the square of `per_dimension`.
pub(super) fn grid(workgroups: u64, per_dimension: u32) -> Result<[u32; 2]> {
    let width = workgroups.clamp(1, u64::from(per_dimension));
    let height = workgroups.div_ceil(width).max(1);
    match u32::try_from(height) {
        // `width` is at most `per_dimension`, a u32.
        Ok(height) if height <= per_dimension => Ok([width as u32, height]),
        _ => Err(Error::DeviceLimit {
            what: "a dispatch".into(),
            needed: format!("{workgroups} workgroups"),
            device: "the adapter".into(),
            limit: format!("{per_dimension} a dimension"),
            hint: "use fewer samples".into(),
        }),
    }
}

/// A grid with one invocation for each of `items`.
pub(super) fn grid_for_items(items: u64, per_dimension: u32) -> Result<[u32; 2]> {
    grid(items.div_ceil(u64::from(WORKGROUP_SIZE)), per_dimension)
}

/// How a sum over m samples is cut: chunk after chunk, each of `rounds * WORKGROUP_SIZE` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    /// Samples an invocation adds.
    pub(super) rounds: u32,
    /// Number of chunks, one workgroup each.
    pub(super) count: u32,
}

/// Cuts a sum over `m` samples, each of which costs `loops` rounds of inner loops.
///
/// # Errors
/// [`Error::DeviceLimit`] when the chunks themselves would be too many to add in one loop.
pub(super) fn chunks(m: u32, loops: u32) -> Result<Chunks> {
    let most = (LOOP_LIMIT / (loops + 1)).clamp(1, MAX_ROUNDS);
    let wanted = m.div_ceil(WORKGROUP_SIZE * WANTED_CHUNKS);
    let rounds = wanted.max(MIN_ROUNDS).min(most);
    let count = m.div_ceil(rounds * WORKGROUP_SIZE);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_hold_all_workgroups_and_little_more() {
        for workgroups in [0, 1, 65_534, 65_535, 65_536, 65_537, 200_000, 1 << 31] {
            let [x, y] = grid(workgroups, 65_535).expect("fits");
            let total = u64::from(x) * u64::from(y);
            assert!(
                total >= workgroups && total < workgroups.max(1) + u64::from(x),
                "{workgroups}: {x} x {y}"
            );
            assert!(x <= 65_535 && y <= 65_535);
        }
        assert!(grid(65_535 * 65_535 + 1, 65_535).is_err());
    }

    #[test]
    fn chunks_cover_every_sample_within_the_loop_limit() {
        for m in [1, 63, 400, 1_024, 1_025, 65_536, 200_000, 10_000_000, 1 << 29] {
            for loops in [0, 7, 300, 43_000] {
                let Ok(Chunks { rounds, count }) = chunks(m, loops) else {
                    assert!(m >= 10_000_000 && loops > 0, "{m} {loops}");
                    continue;
                };
                let covered = u64::from(rounds) * u64::from(WORKGROUP_SIZE) * u64::from(count);
                assert!(
                    covered >= u64::from(m) && covered < u64::from(m) + u64::from(rounds * WORKGROUP_SIZE)
                );
                assert!(rounds * (loops + 1) <= LOOP_LIMIT && count <= LOOP_LIMIT, "{m} {loops}");
            }
        }
    }
}
