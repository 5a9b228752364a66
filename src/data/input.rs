//! A file or standard input as bytes: opened, unpacked where it is gzip, its beginning looked at.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Bytes at the beginning that are looked at to tell what a file is.
const HEAD: usize = 1 << 16;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An opened file.
pub(super) struct Input {
    /// As messages name it.
    path: PathBuf,
    head: Vec<u8>,
    rest: Box<dyn Read>,
    /// Its length in bytes, where that is known: not of gzip and standard input.
    length: Option<u64>,
    progress: Progress,
}

/// How much of a file has been read, as it lies on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    read: Arc<AtomicU64>,
    /// All bytes, where that is known.
    pub(super) total: Option<u64>,
}

impl Progress {
    /// Bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// A reader that counts its bytes.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A file's name without its folders.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The error of a failed read: the file's fault where its content is at odds with itself.
pub(super) fn read_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            Error::data(
                path.display().to_string(),
                format!("damaged or cut short ({source}); copy the file again"),
            )
        }
        _ => Error::Read { path: path.into(), source },
    }
}

/// Whether a path stands for standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (path, reader, length): (_, Box<dyn Read>, _) = if is_standard_input(path) {
            (PathBuf::from("standard input"), Box::new(io::stdin().lock()), None)
        } else {
            let file = File::open(path).map_err(|source| read_error(path, source))?;
            // What is not a regular file, such as a pipe, has no length to be held to.
            let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
            (path.to_path_buf(), Box::new(file), length)
        };
        let progress = Progress { total: length, ..Progress::default() };
        let reader = Box::new(Counted { inner: reader, read: progress.read.clone() });
        let mut input = Self { path, head: Vec::new(), rest: reader, length, progress };
        input.fill_head()?;
        if input.head.starts_with(&GZIP) {
            let packed = Cursor::new(std::mem::take(&mut input.head)).chain(input.rest);
            input.rest = Box::new(MultiGzDecoder::new(packed));
            input.length = None;
            input.fill_head()?;
        }
        Ok(input)
    }

    fn fill_head(&mut self) -> Result<()> {
        let read = self.rest.by_ref().take(HEAD as u64).read_to_end(&mut self.head);
        read.map_err(|source| read_error(&self.path, source))?;
        Ok(())
    }

    /// The path as messages name it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as text.
    pub(super) fn origin(&self) -> String {
        self.path.display().to_string()
    }

    /// The number of bytes, where it is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether it is a file of its own bytes, which can be opened again and read in any order: not standard input, nothing
    /// compressed.
    pub(super) fn is_plain(&self) -> bool {
        self.length.is_some()
    }

    /// How much of it has been read, now and later.
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The first bytes: all of a short file.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// All bytes.
    pub(super) fn into_reader(self) -> Box<dyn Read> {
        Box::new(Cursor::new(self.head).chain(self.rest))
    }
}
