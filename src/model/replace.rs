//! Files that are there as a whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
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

/// Puts `bytes` into the place of whatever `path` holds, as a [`Replacement`] does.
///
/// # Errors
/// [`Error::Write`]; what was there before is still there then.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    let mut new = Replacement::begin(path)?;
    new.write(bytes)?;
    new.finish(durability)
}

/// A file that takes the place of whatever its path holds once it is finished: written beside it, and renamed. Two that write the
/// same file at once leave the one or the other. What is no file, such as `/dev/stdout`, is written to.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    /// Closed before it is renamed or removed, for the sake of Windows.
    file: Option<BufWriter<File>>,
    /// Where it is while it is not finished, and where it goes; `None` for what is written to as it is.
    moves: Option<Move>,
}

#[derive(Debug)]
struct Move {
    unfinished: PathBuf,
    target: PathBuf,
    permissions: Option<Permissions>,
}

impl Replacement {
    /// An empty one; what is there stays there for now.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn begin(path: &Path) -> Result<Self> {
        Self::try_begin(path).map_err(|source| Error::Write { path: path.into(), source })
    }

    fn try_begin(path: &Path) -> io::Result<Self> {
        // A link stays one: what it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let before = fs::metadata(&target).ok();
        let (file, moves) = match before {
            Some(there) if !there.is_file() => (OpenOptions::new().write(true).open(&target)?, None),
            // A rename would not mind.
            Some(there) if there.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            before => {
                let unfinished = beside(&target);
                let permissions = before.map(|there| there.permissions());
                (File::create(&unfinished)?, Some(Move { unfinished, target, permissions }))
            }
        };
        Ok(Self { path: path.into(), file: Some(BufWriter::new(file)), moves })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().expect("it is open until it is finished");
        file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Takes its place.
    ///
    /// # Errors
    /// [`Error::Write`]; what was there before is still there then.
    pub fn finish(mut self, durability: Durability) -> Result<()> {
        self.try_finish(durability).map_err(|source| self.failed(source))
    }

    fn try_finish(&mut self, durability: Durability) -> io::Result<()> {
        let mut file = self.file.take().expect("it is finished once");
        file.flush()?;
        let Some(Move { unfinished, target, permissions }) = &self.moves else { return Ok(()) };
        if durability == Durability::Power {
            file.get_ref().sync_all()?;
        }
        drop(file);
        if let Some(permissions) = permissions {
            fs::set_permissions(unfinished, permissions.clone())?;
        }
        fs::rename(unfinished, target)?;
        self.moves = None;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write { path: self.path.clone(), source }
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        drop(self.file.take());
        if let Some(Move { unfinished, .. }) = &self.moves {
            // It is of no use to anybody; that it may stay behind changes nothing.
            let _ = fs::remove_file(unfinished);
        }
    }
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
