//! The training loop over any executor: choosing a backend, advancing, reporting, measuring.
//!
//! Nothing here prints; callers get progress through a callback.

mod backend;
mod cancel;
mod checkpoint;
mod executor;
mod gradient_check;
mod metrics;
mod planner;
mod population;
mod recovery;
mod score;
mod trainer;
mod watch;

pub use backend::{Backend, BackendChoice};
pub use cancel::CancelToken;
pub use checkpoint::Checkpoint;
pub use executor::Executor;
pub use gradient_check::{GRADIENT_TOLERANCE, MatrixCheck, gradient_check};
pub use metrics::{Metric, Metrics};
pub use planner::{Choice, fastest_backend, fastest_lowering};
pub use population::{Outcomes, Population};
pub use recovery::Recovered;
pub use score::{Score, confusion_matrix};
pub use trainer::{Plan, Progress, Trained, Trainer};
pub use watch::{Best, Look, Stopped, WatchPlan};
