//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Puts `bytes` into the place of whatever `path` holds: written beside it, synced, and renamed.
///
/// # Errors
/// [`Error::Write`]; what was there before is still there then.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    let written = write_synced(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|source| {
        // It is of no use to anybody; that it may stay behind changes nothing.
        let _ = fs::remove_file(&unfinished);
        Error::Write { path: path.into(), source }
    })
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
