//! Which backend and which lowering are to train: measured on the very problem, since neither shapes nor names tell.

use web_time::Instant;

use super::backend::{Backend, BackendChoice};
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
    /// Seconds of an iteration, as measured.
    pub seconds: f64,
    /// Why, in a few words.
    pub why: String,
}

/// The fastest lowering of the backend's device for `iterations` of the problem, by trying those that can do it and are not
/// avoided. The trials end when what is left to be gained is less than what another would cost.
///
/// # Errors
/// Those of every lowering's executor, when none can do it; failures of the device.
pub async fn fastest_lowering(backend: &Backend, problem: &Problem<'_>, iterations: usize) -> Result<Choice> {
    let mut found: Vec<(Lowering, f64)> = Vec::new();
    for lowering in [Lowering::Resident, Lowering::Fused, Lowering::Layerwise] {
        // Layerwise is the last resort even where it is avoided: whoever insists on such a device has been warned.
        let last_resort = lowering == Lowering::Layerwise && found.is_empty();
        if backend.avoided().contains(&lowering) && !last_resort {
            continue;
        }
        let begin = Instant::now();
        let seconds = match backend.executor(problem, lowering) {
            Ok(executor) => seconds_an_iteration(executor, |_| false).await?,
            // The last one takes what the others do not; its own limits are the answer.
            Err(Error::DeviceLimit { .. } | Error::OutOfMemory { .. }) if lowering != Lowering::Layerwise => {
                continue;
            }
            Err(error) if found.is_empty() => return Err(error),
            Err(_) => continue,
        };
        found.push((lowering, seconds));
        let best = fastest(&found).1;
        if best * iterations as f64 <= begin.elapsed().as_secs_f64() {
            break;
        }
    }
    let (lowering, seconds) = fastest(&found);
    let times = found.iter().map(|(lowering, seconds)| format!("{lowering} {}", duration(*seconds)));
    let mut why = match found.len() {
        1 if lowering == Lowering::Layerwise && backend.avoided().is_empty() => {
            "the others do not take this training".to_owned()
        }
        _ => format!("measured an iteration: {}", times.collect::<Vec<_>>().join(", ")),
    };
    let avoided: Vec<&str> = backend.avoided().iter().map(|lowering| lowering.name()).collect();
    if !avoided.is_empty() {
        why += &format!("; {} failed `gpu-nn verify` on this adapter", avoided.join(" and "));
    }
    Ok(Choice { lowering, seconds, why })
}

/// A training that the CPU ends sooner is not worth opening a GPU for: that takes about as long.
const WORTH_A_GPU: f64 = 0.3;

/// The fastest backend for `iterations` of the problem: the CPU, or the best GPU where the training is long enough for a
/// trial to pay and the trial says so. With it, why. A software driver is not tried: it computes on the same cores.
///
/// # Errors
/// [`Error::Shape`] or [`Error::InvalidArgument`] when the parts of the problem do not fit each other.
pub async fn fastest_backend(problem: &Problem<'_>, iterations: usize) -> Result<(Backend, String)> {
    fastest_trusted_backend(problem, iterations, &|_| Vec::new()).await
}

/// The same, where `distrust` names the lowerings that are not to be chosen on a device; with layerwise, which evaluates and
/// predicts for all of them, goes the device.
///
/// # Errors
/// As [`fastest_backend`].
pub async fn fastest_trusted_backend(
    problem: &Problem<'_>,
    iterations: usize,
    distrust: &dyn Fn(&Backend) -> Vec<Lowering>,
) -> Result<(Backend, String)> {
    let host = Backend::host();
    let short = |seconds: f64| seconds * (iterations as f64) < WORTH_A_GPU;
    let on_host = seconds_an_iteration(host.executor(problem, Lowering::Layerwise)?, short).await?;
    let total = on_host * iterations as f64;
    if short(on_host) {
        let why = format!("measured: {} in all, less than opening a GPU would take", duration(total));
        return Ok((host, why));
    }
    // Says itself why it is the host where there is no GPU.
    let (device, why) = Backend::open(BackendChoice::Auto, None).await?;
    if device.adapter().is_none() {
        return Ok((device, why));
    }
    let avoided = distrust(&device);
    if avoided.contains(&Lowering::Layerwise) {
        let why = format!("{} failed `gpu-nn verify`", device.adapter().unwrap_or("the GPU"));
        return Ok((host, why));
    }
    let device = device.avoiding(avoided);
    match fastest_lowering(&device, problem, iterations).await {
        Ok(choice) if choice.seconds < on_host => {
            let why = format!(
                "measured an iteration: {}, {} on the CPU",
                duration(choice.seconds),
                duration(on_host)
            );
            Ok((device, why))
        }
        Ok(choice) => {
            let why = format!(
                "measured an iteration: {}, {} on the GPU",
                duration(on_host),
                duration(choice.seconds)
            );
            Ok((host, why))
        }
        Err(error) => Ok((host, format!("a GPU was found but cannot be used: {error}"))),
    }
}

/// The faster of the host and the best GPU for windows of samples, of which the problem is one; with it, why.
///
/// # Errors
/// As [`fastest_backend`].
pub async fn fastest_window_backend(problem: &Problem<'_>) -> Result<(Backend, String)> {
    let (device, why) = Backend::open(BackendChoice::Auto, None).await?;
    if device.adapter().is_none() {
        return Ok((device, why));
    }
    let host = Backend::host();
    let on_host = seconds_an_iteration(host.executor(problem, Lowering::Layerwise)?, |_| false).await?;
    let on_device = match device.executor(problem, Lowering::Layerwise) {
        Ok(executor) => seconds_an_iteration(executor, |_| false).await?,
        Err(error) => return Ok((host, format!("a GPU was found but cannot be used: {error}"))),
    };
    let times = format!(
        "measured an iteration: {} on the CPU, {} on the GPU",
        duration(on_host),
        duration(on_device)
    );
    Ok((if on_device < on_host { device } else { host }, times))
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.1} s"),
    }
}

fn fastest(found: &[(Lowering, f64)]) -> (Lowering, f64) {
    let first = *found.first().expect("the last lowering was tried or its error returned");
    found.iter().fold(first, |best, next| if next.1 < best.1 { *next } else { best })
}

/// Measures after a first submission, which compiles; until `enough` of an iteration's seconds so far, or long enough.
async fn seconds_an_iteration(mut executor: Executor<'_>, enough: impl Fn(f64) -> bool) -> Result<f64> {
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
        if seconds >= SECONDS || enough(seconds / done as f64) {
            return Ok(seconds / done as f64);
        }
        wanted *= 4;
    }
}
