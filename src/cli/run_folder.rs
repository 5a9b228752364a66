//! The folder of a run: a fresh `runs/NAME-N`, or the one that was asked for.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use gpu_nn::model::{Durability, UNFINISHED, replace};
use gpu_nn::{Error, Result};

/// The folder of one run, which nobody else writes to meanwhile; what was made for it is removed again, if still empty, unless
/// the run keeps it.
pub struct RunFolder {
    path: PathBuf,
    /// Held until the run ends, however it does.
    lock: Option<Lock>,
    /// The folders that were made for this run, the innermost first; only these are ever removed.
    made: Vec<PathBuf>,
    kept: bool,
}

impl RunFolder {
    /// Makes the folder `wanted`, or the first free `runs/NAME-N`: before the training, so that a place that cannot be
    /// written costs no time.
    ///
    /// # Errors
    /// [`Error::Write`] when it cannot be made; [`Error::InvalidArgument`] when `wanted` already holds something, or another
    /// process trains in it.
    pub fn create(wanted: Option<&Path>, name: &str) -> Result<Self> {
        // There before anything is made: dropped on the way, it takes back what was made so far.
        let mut folder = Self { path: PathBuf::new(), lock: None, made: Vec::new(), kept: false };
        match wanted {
            Some(path) => {
                folder.path = path.into();
                // Before it is looked at: of two that find it empty one would write among the other's files.
                folder.make_and_lock("--out")?;
                check_empty(path)?;
            }
            None => {
                folder.path = fresh(Path::new("runs"), name, &mut folder.made)?;
                folder.make_and_lock("run")?;
            }
        }
        Ok(folder)
    }

    /// Makes the folder if it is not there, and locks it.
    fn make_and_lock(&mut self, what: &'static str) -> Result<()> {
        for _ in 0..TRIES {
            make(&self.path, &mut self.made)?;
            let lock = Lock::of(what, &self.path);
            if lock.is_err() {
                // It is in use, whoever made it.
                self.made.clear();
            }
            self.lock = lock?;
            // Whoever had it may have taken it away in between; what is locked then is no folder of anybody's.
            if self.lock.as_ref().is_none_or(|lock| lock.is_of(&self.path)) {
                break;
            }
        }
        Ok(())
    }

    /// The folder of a run that goes on, by itself or by the checkpoint in it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when another process trains in it; [`Error::Read`] when it cannot be looked into.
    pub fn reopen(path: &Path) -> Result<Self> {
        let path = match path.parent() {
            Some(parent) if path.is_file() => if_named(parent),
            _ => path,
        };
        let lock = Lock::of("run to resume", path)?;
        let entries = fs::read_dir(path).map_err(|source| Error::Read { path: path.into(), source })?;
        for entry in entries.flatten() {
            // Left behind by a process that was killed while it wrote; nobody writes now.
            if entry.path().extension().is_some_and(|ending| ending == UNFINISHED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Self { path: path.into(), lock, made: Vec::new(), kept: true })
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the run, in the place of an earlier one.
    pub fn write(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        replace(&self.file(name), bytes.as_ref(), Durability::Process)?;
        self.kept = true;
        Ok(())
    }

    /// The run has written a file itself: the folder stays.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if cfg!(not(unix)) {
            // The lock is a file in the folder.
            drop(self.lock.take());
        }
        if !self.kept {
            for path in self.made.iter().rev() {
                // Only an empty folder can be removed like this, and only while nobody else can lock it; nothing of anybody's is
                // lost.
                let _ = fs::remove_dir(path);
            }
        }
    }
}

/// Makes the folders on the way to `path` that are not there yet, and adds those that it made, the innermost last.
fn make(path: &Path, made: &mut Vec<PathBuf>) -> Result<()> {
    let named = path.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    let missing: Vec<&Path> = named.take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => made.push(folder.to_path_buf()),
            // Another process was faster.
            Err(_) if folder.is_dir() => {}
            Err(source) => return Err(Error::Write { path: path.into(), source }),
        }
    }
    if path.is_dir() {
        return Ok(());
    }
    Err(Error::Write { path: path.into(), source: io::ErrorKind::NotADirectory.into() })
}

/// A folder of which only a name inside was given is the current one.
fn if_named(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// A folder that other processes see is in use. The system lets go of it when the process ends, so that none is ever left.
struct Lock {
    file: File,
    /// The file that is locked, where folders cannot be.
    made: Option<PathBuf>,
}

/// How often a folder is made again that others take away; a file system that gives a folder two identities ends it too.
const TRIES: usize = 100;

/// The name of the file that is locked on systems that do not lock folders.
const LOCK_NAME: &str = "in-use.lock";

impl Lock {
    /// The lock of a folder; none where its file system knows no locks.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when another process has it; [`Error::Read`] when the folder cannot be opened.
    fn of(what: &'static str, folder: &Path) -> Result<Option<Self>> {
        let (file, made) = if cfg!(unix) {
            (File::open(folder), None)
        } else {
            let path = folder.join(LOCK_NAME);
            (File::create(&path), Some(path))
        };
        let file = file.map_err(|source| Error::Read { path: folder.into(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, made })),
            Err(TryLockError::WouldBlock) => {
                let reason = "another gpu-nn is training in it; wait for its end, or name another folder";
                Err(Error::invalid(what, folder.display(), reason))
            }
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    /// Whether what is locked is still that folder.
    #[cfg(unix)]
    fn is_of(&self, folder: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |metadata: io::Result<fs::Metadata>| metadata.ok().map(|it| (it.dev(), it.ino()));
        identity(self.file.metadata()) == identity(fs::metadata(folder))
    }

    /// Whether what is locked is still in that folder; Windows removes no folder with an open file in it.
    #[cfg(not(unix))]
    fn is_of(&self, _folder: &Path) -> bool {
        self.file.metadata().is_ok()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = fs::remove_file(path);
        }
    }
}

/// Refuses a folder that holds anything.
fn check_empty(path: &Path) -> Result<()> {
    let mut entries = fs::read_dir(path).map_err(|source| Error::Read { path: path.into(), source })?;
    if entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK_NAME)) {
        let reason = "the folder already holds files; name a new or an empty one";
        return Err(Error::invalid("--out", path.display(), reason));
    }
    Ok(())
}

/// The first `NAME-N` that nobody has: making a folder is the test, so that two runs at once get two.
fn fresh(parent: &Path, name: &str, made: &mut Vec<PathBuf>) -> Result<PathBuf> {
    make(parent, made)?;
    for n in 1.. {
        let path = parent.join(format!("{name}-{n}"));
        match fs::create_dir(&path) {
            Ok(()) => {
                made.push(path.clone());
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(Error::Write { path, source }),
        }
    }
    unreachable!("the numbers do not end")
}
