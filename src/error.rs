//! The one error type of the library; every message names the thing, the value, and the next step.
//!
//! Nothing here prints or exits: the command line turns [`Error::is_usage`] into its exit code.

use std::path::PathBuf;

/// A result of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong, each variant with what a person needs to go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be used, whatever the data: the caller has to type another one.
    #[error("invalid {what} `{value}`: {reason}")]
    InvalidArgument {
        /// The setting, as the user knows it (`learning rate`, `hidden layer`).
        what: &'static str,
        /// What was given.
        value: String,
        /// Why it cannot be used and what can.
        reason: String,
    },
    /// A file that could not be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file or folder that could not be written.
    #[error("cannot write {}: {source}; choose another place with --out", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Data that can be read but not be learnt from.
    #[error("{origin}: {problem}")]
    Data {
        /// File or data set, with the line where there is one.
        origin: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Two shapes that do not fit together.
    #[error("{what}: expected {expected}, found {found}; {hint}")]
    Shape {
        /// The matrix, file or layer in question.
        what: String,
        /// The shape or count that would fit.
        expected: String,
        /// The shape or count that was given.
        found: String,
        /// The next step.
        hint: String,
    },
    /// A model file that is damaged, or not one of ours.
    #[error("cannot load the model {}: {problem}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// No adapter answers to what was asked for.
    #[error("no adapter for {wanted}: {reason}")]
    NoAdapter {
        /// The backend or adapter name that was asked for.
        wanted: String,
        /// What was found instead and what to install or type.
        reason: String,
    },
    /// Something larger than the device can hold or address.
    #[error("{what} needs {needed}, but {device} allows {limit}; {hint}")]
    DeviceLimit {
        /// The buffer or dispatch in question.
        what: String,
        /// What it needs, with its unit.
        needed: String,
        /// The adapter.
        device: String,
        /// What the adapter allows, with its unit.
        limit: String,
        /// The next step.
        hint: String,
    },
    /// The device or its driver reported an error.
    #[error("the GPU failed while {during}: {message}; try another --adapter, or --backend cpu-reference")]
    Gpu {
        /// What was being done.
        during: &'static str,
        /// The driver's or wgpu's own words.
        message: String,
    },
    /// The device has no room for a buffer.
    #[error(
        "the GPU has no memory left for {during} ({message}); \
         train in smaller batches (--batch-size), or on the CPU (--backend cpu)"
    )]
    OutOfMemory {
        /// What was being done.
        during: &'static str,
        /// The driver's or wgpu's own words.
        message: String,
    },
    /// The device is gone: unplugged, or reset by the operating system.
    #[error("the GPU device was lost ({message}); start again, or use --backend cpu-reference")]
    DeviceLost {
        /// The driver's or wgpu's own words.
        message: String,
    },
    /// A device whose kernels do not compute what the reference does.
    #[error(
        "{adapter} computes wrongly: {failed} of {checks} checks failed, which points to {kernels}; update its driver and \
         attach `gpu-nn verify --json` to a bug report (meanwhile --backend auto leaves out what failed)"
    )]
    Unproved {
        /// The adapter.
        adapter: String,
        /// Checks that failed.
        failed: usize,
        /// All checks.
        checks: usize,
        /// The kernels that they point to.
        kernels: String,
    },
    /// The cost stopped being a number.
    #[error(
        "training diverged: the cost at iteration {iteration} is {cost}; \
         lower the learning rate (now {learning_rate:?}) or the scale of the initial weights"
    )]
    Diverged {
        /// The first iteration whose cost is not finite.
        iteration: usize,
        /// That cost.
        cost: f64,
        /// The learning rate in use.
        learning_rate: f64,
    },
    /// Somebody asked for it to stop.
    #[error("interrupted after {done} of {all} {what}; {next}")]
    Cancelled {
        /// What was being done, in the plural (`iterations`).
        what: &'static str,
        /// How many of them were done.
        done: usize,
        /// How many were to be done.
        all: usize,
        /// What was kept, and how to go on.
        next: String,
    },
    /// A picture that could not be drawn or encoded.
    #[error("cannot draw {picture}: {problem}")]
    Picture {
        /// Which picture.
        picture: &'static str,
        /// The reason.
        problem: String,
    },
}

impl Error {
    /// Whether the caller has to change what was asked for (exit code 2), not the surroundings (exit code 1).
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::InvalidArgument { .. })
    }

    /// Whether the same work may well succeed on a device that is opened again, or in another way.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::DeviceLost { .. } | Self::OutOfMemory { .. })
    }

    /// Shorthand for [`Error::InvalidArgument`].
    pub fn invalid(what: &'static str, value: impl ToString, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { what, value: value.to_string(), reason: reason.into() }
    }

    /// Shorthand for [`Error::Data`].
    pub fn data(origin: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Data { origin: origin.into(), problem: problem.into() }
    }
}
