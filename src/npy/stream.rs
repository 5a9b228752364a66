//! Elements as they come: block by block, so that memory grows with what is there and not with what is claimed.

use std::io::Read;

use super::failure::Failure;

/// Bytes read at a time, where a piece is not longer.
const BLOCK: usize = 1 << 18;

/// Hands over `n` pieces of `size` bytes, as many at a time as make a block.
///
/// # Errors
/// Those of the reader and of `take`.
pub(crate) fn blocks(
    reader: &mut dyn Read,
    mut n: usize,
    size: usize,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let pieces = (BLOCK / size.max(1)).clamp(1, n.max(1));
    let mut buffer = vec![0; pieces * size];
    while n > 0 {
        let now = pieces.min(n);
        let bytes = &mut buffer[..now * size];
        reader.read_exact(bytes)?;
        take(bytes)?;
        n -= now;
    }
    Ok(())
}

/// Refuses a reader that has more bytes.
///
/// # Errors
/// [`Failure::Content`], and those of the reader.
pub(crate) fn expect_end(reader: &mut dyn Read) -> Result<(), Failure> {
    match reader.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(Failure::Content("it goes on after its array; it is damaged: copy it again".into())),
    }
}
