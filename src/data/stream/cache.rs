//! A temporary file for the cells of a text or of a compressed file. It has no name once it is open (on Windows, it goes
//! when it is closed), so that it leaves nothing behind however the process ends.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// Bytes written at a time.
const BUFFER: usize = 1 << 20;

/// A cache that grows.
pub(super) struct Cache {
    file: BufWriter<File>,
    folder: PathBuf,
    /// What it is the cache of, as messages name it.
    origin: String,
    bytes: u64,
}

impl Cache {
    /// An empty cache in that folder.
    ///
    /// # Errors
    /// [`Error::Data`] naming the folder.
    pub(super) fn new(origin: String, folder: &Path) -> Result<Self> {
        let file = nameless(folder).map_err(|source| failed(&origin, folder, 0, &source))?;
        Ok(Self { file: BufWriter::with_capacity(BUFFER, file), folder: folder.into(), origin, bytes: 0 })
    }

    /// Appends a row of doubles.
    ///
    /// # Errors
    /// [`Error::Data`] for a full disk, naming the folder.
    pub(super) fn push(&mut self, cells: &[f64]) -> Result<()> {
        cells.iter().try_for_each(|cell| self.write(&cell.to_le_bytes()))
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| self.failed(&source))
    }

    /// The complete cache as a file to be read.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(super) fn finish(mut self) -> Result<File> {
        self.file.flush().map_err(|source| self.failed(&source))?;
        let (folder, origin, bytes) = (self.folder, self.origin, self.bytes);
        self.file.into_inner().map_err(|error| failed(&origin, &folder, bytes, error.error()))
    }

    fn failed(&self, source: &io::Error) -> Error {
        failed(&self.origin, &self.folder, self.bytes, source)
    }
}

fn failed(origin: &str, folder: &Path, bytes: u64, source: &io::Error) -> Error {
    let (folder, mib) = (folder.display(), bytes >> 20);
    let problem = format!(
        "its cache in {folder} cannot be written after {mib} MiB ({source}); make room there, or name another folder \
         with --cache"
    );
    Error::data(origin, problem)
}

/// A file that nobody else can open and that goes with its handle.
fn nameless(folder: &Path) -> io::Result<File> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // FILE_FLAG_DELETE_ON_CLOSE.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0400_0000);
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("gpu-nn-{}-{n}.cache", process::id()));
        match options.open(&path) {
            // Left over from a process of the same number, which a crash of the whole machine took.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => {
                let file = opened?;
                #[cfg(not(windows))]
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
        }
    }
}
