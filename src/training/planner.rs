//! Which lowering a device is to use: measured on the very problem, since neither shapes nor names tell.

use web_time::Instant;

use super::backend::Backend;
use super::executor::Executor;
use crate::error::{Error, Result};
use crate::schedule::{Lowering, Problem};

/// A measurement takes this long or one submission, whichever is longer.
const SECONDS: f64 = 0.01;

/// The way a problem is going to be trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The lowering.
    pub lowering: Lowering,
    /// Why, in a few words.
    pub why: String,
}

/// The fastest lowering of the backend's device for `iterations` of the problem, by trying those that can do it. The trials
/// end when what is left to be gained is less than what another would cost.
///
/// # Errors
/// Those of every lowering's executor, when none can do it; failures of the device.
pub async fn fastest_lowering(backend: &Backend, problem: &Problem<'_>, iterations: usize) -> Result<Choice> {
    let mut found: Vec<(Lowering, f64)> = Vec::new();
    for lowering in [Lowering::Resident, Lowering::Fused, Lowering::Layerwise] {
        let begin = Instant::now();
        let seconds = match backend.executor(problem, lowering) {
            Ok(executor) => seconds_an_iteration(executor).await?,
            // The last one takes what the others do not; its own limits are the answer.
            Err(Error::DeviceLimit { .. }) if lowering != Lowering::Layerwise => continue,
            Err(error) if found.is_empty() => return Err(error),
            Err(_) => continue,
        };
        found.push((lowering, seconds));
        let best = fastest(&found).1;
        if best * iterations as f64 <= begin.elapsed().as_secs_f64() {
            break;
        }
    }
    let (lowering, _) = fastest(&found);
    let times = found.iter().map(|(lowering, seconds)| format!("{lowering} {:.0} us", seconds * 1e6));
    let why = match found.len() {
        1 if lowering == Lowering::Layerwise => "the network is too large for the others".to_owned(),
        _ => format!("measured an iteration: {}", times.collect::<Vec<_>>().join(", ")),
    };
    Ok(Choice { lowering, why })
}

fn fastest(found: &[(Lowering, f64)]) -> (Lowering, f64) {
    let first = *found.first().expect("the last lowering was tried or its error returned");
    found.iter().fold(first, |best, next| if next.1 < best.1 { *next } else { best })
}

/// Measures after a first submission, which compiles.
async fn seconds_an_iteration(mut executor: Executor<'_>) -> Result<f64> {
    executor.run(1).await?;
    // Submissions grow until they fill the time.
    let mut wanted = 1;
    loop {
        let begin = Instant::now();
        let mut done = 0;
        while done < wanted {
            done += executor.run(wanted - done).await?;
        }
        let seconds = begin.elapsed().as_secs_f64();
        if seconds >= SECONDS {
            return Ok(seconds / done as f64);
        }
        wanted *= 4;
    }
}
