//! The folder of a run: a fresh `runs/NAME-N`, or the one that was asked for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gpu_nn::{Error, Result};

/// The folder of one run; what was made for it is removed again, if still empty, unless the run keeps it.
pub struct RunFolder {
    path: PathBuf,
    /// The folders that were made for this run, the innermost first; only these are ever removed.
    made: Vec<PathBuf>,
    kept: bool,
}

impl RunFolder {
    /// Makes the folder `wanted`, or the first free `runs/NAME-N`: before the training, so that a place that cannot be
    /// written costs no time.
    ///
    /// # Errors
    /// [`Error::Write`] when it cannot be made; [`Error::InvalidArgument`] when `wanted` already holds something.
    pub fn create(wanted: Option<&Path>, name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        let path = wanted.unwrap_or(runs);
        // Complete before anything is made: dropped on the way, it takes back what was made so far.
        let mut folder = Self { path: path.into(), made: missing(path), kept: false };
        match wanted {
            Some(path) => make_empty(path)?,
            None => {
                folder.path = fresh(runs, name)?;
                folder.made.insert(0, folder.path.clone());
            }
        }
        Ok(folder)
    }

    /// The folder of a run that goes on.
    pub fn reopen(path: &Path) -> Self {
        Self { path: path.into(), made: Vec::new(), kept: true }
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the run.
    pub fn write(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.file(name);
        fs::write(&path, bytes).map_err(|source| Error::Write { path, source })?;
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
        if !self.kept {
            for path in &self.made {
                // Only an empty folder can be removed like this; nothing of anybody's is lost.
                let _ = fs::remove_dir(path);
            }
        }
    }
}

/// The folders on the way to `path` that are not there yet, the innermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let named = path.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    named.take_while(|folder| !folder.exists()).map(Path::to_path_buf).collect()
}

/// Makes the folder that was asked for, if it is not there; it must not hold anything.
fn make_empty(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::Write { path: path.into(), source })?;
    let mut entries = fs::read_dir(path).map_err(|source| Error::Read { path: path.into(), source })?;
    if entries.next().is_some() {
        let reason = "the folder already holds files; name a new or an empty one";
        return Err(Error::invalid("--out", path.display(), reason));
    }
    Ok(())
}

/// The first `NAME-N` that nobody has: making a folder is the test, so that two runs at once get two.
fn fresh(parent: &Path, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(parent).map_err(|source| Error::Write { path: parent.into(), source })?;
    for n in 1.. {
        let path = parent.join(format!("{name}-{n}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(Error::Write { path, source }),
        }
    }
    unreachable!("the numbers do not end")
}
