//! The training loop over any executor: choosing a backend, advancing, reporting, measuring.
//!
//! Nothing here prints; callers get progress through a callback.

mod backend;
mod cancel;
mod checkpoint;
mod class_weight;
mod curves;
mod evaluator;
mod executor;
mod feed;
mod gradient_check;
mod lbfgs;
mod method;
mod metrics;
mod planner;
mod plateau;
mod population;
mod rate_range;
mod recovery;
mod score;
mod streamed;
#[cfg(feature = "gpu")]
mod together;
mod trainer;
mod watch;
mod wolfe;

pub use backend::{Backend, BackendChoice};
pub use cancel::CancelToken;
pub use checkpoint::Checkpoint;
pub use class_weight::{ClassWeight, sample_weights};
pub use curves::{
    CalibrationBin, ClassScores, RocCurve, calibration, calibration_error, claims, class_scores, roc_curve,
};
pub use executor::Executor;
pub use feed::{Feed, StandIn, Targets as FeedTargets, WINDOW_BYTES, stand_in};
pub use gradient_check::{GRADIENT_TOLERANCE, MatrixCheck, gradient_check};
pub use lbfgs::{LBFGS_HISTORY, Lbfgs};
pub use method::Method;
pub use metrics::{Metric, Metrics};
pub use planner::{
    Choice, fastest_backend, fastest_lowering, fastest_trusted_backend, fastest_window_backend,
};
pub use plateau::Plateau;
pub use population::{Outcomes, Population, PopulationEvent};
pub use rate_range::{RangeTest, RangeTested};
pub use recovery::Recovered;
pub use score::{Score, confusion_matrix};
pub use streamed::TakeOutputs;
pub use trainer::{Plan, Progress, Trained, Trainer};
pub use watch::{Best, Look, Stopped, WatchPlan, check_metric};
