//! Why a file cannot be read: the system's fault, or the content's.

use std::fmt;
use std::io;

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Reading failed.
    Read(io::Error),
    /// The content cannot be used, and what to do about it.
    Content(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::Content("cut short: it ends before its array does; copy it again".into())
            }
            _ => Self::Read(error),
        }
    }
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Content(problem)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "damaged or not readable ({error}); copy the file again"),
            Self::Content(problem) => f.write_str(problem),
        }
    }
}
