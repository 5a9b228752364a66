//! Work in blocks of samples, smaller ones where the device has no room for large ones.

use crate::error::{Error, Result};

/// Runs `work` with blocks of `block` samples, and with half of them for as long as there is no room, down to `least`; `block`
/// is then what there was room for.
///
/// # Errors
/// Those of `work`; [`Error::OutOfMemory`] when there is no room for the smallest block either.
pub(super) async fn in_blocks_that_fit<T>(
    block: &mut usize,
    least: usize,
    mut work: impl AsyncFnMut(usize) -> Result<T>,
) -> Result<T> {
    loop {
        match work(*block).await {
            Err(Error::OutOfMemory { .. }) if *block > least => *block = (*block / 2).max(least),
            result => return result,
        }
    }
}
