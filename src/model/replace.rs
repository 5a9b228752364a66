//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// What a file has to outlive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The process: whatever ends it.
    Process,
    /// The machine too: the bytes are on the disk before the file takes its place.
    Power,
}

/// The ending of what is not finished yet.
pub const UNFINISHED: &str = "unfinished";

/// Puts `bytes` into the place of whatever `path` holds: written beside it, and renamed. Two that write the same file at once
/// leave the one or the other. What is no file, such as `/dev/stdout`, is written to.
///
/// # Errors
/// [`Error::Write`]; what was there before is still there then.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    try_replace(path, bytes, durability).map_err(|source| Error::Write { path: path.into(), source })
}

fn try_replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let before = fs::metadata(&target).ok();
    match &before {
        Some(there) if !there.is_file() => return fs::write(&target, bytes),
        // A rename would not mind.
        Some(there) if there.permissions().readonly() => return Err(io::ErrorKind::PermissionDenied.into()),
        _ => {}
    }
    let unfinished = beside(&target);
    let written = write(&unfinished, bytes, durability).and_then(|()| {
        if let Some(before) = before {
            fs::set_permissions(&unfinished, before.permissions())?;
        }
        fs::rename(&unfinished, &target)
    });
    if written.is_err() {
        // It is of no use to anybody; that it may stay behind changes nothing.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// A name that nobody else writes to.
fn beside(target: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut name = target.file_name().unwrap_or_default().to_owned();
    // Browsers have no processes, and no files either: writing says so.
    let process = if cfg!(target_arch = "wasm32") { 0 } else { process::id() };
    name.push(format!(".{process}-{}.{UNFINISHED}", COUNT.fetch_add(1, Ordering::Relaxed)));
    target.with_file_name(name)
}

fn write(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    match durability {
        Durability::Process => Ok(()),
        Durability::Power => file.sync_all(),
    }
}
