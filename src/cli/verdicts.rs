//! What `gpu-nn verify` found on this machine's adapters, kept beside the choices of earlier runs: lowerings that compute wrongly
//! are not chosen again, and whoever asks for them is warned.

use gpu_nn::schedule::Lowering;
use gpu_nn::training::Backend;
use gpu_nn::verify::{Check, avoid, suspects};

use super::choices::{Choices, VERDICT};
use super::console;

/// What is wrong with an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Lowerings that are not to be chosen.
    pub lowerings: Vec<Lowering>,
    /// The kernels that the checks point to.
    pub kernels: String,
}

/// An adapter by its API, name and driver, as this version of the program verifies it.
fn key([api, adapter, driver]: [&str; 3]) -> String {
    format!("{VERDICT}{api} | {adapter} | {driver} | {}", env!("CARGO_PKG_VERSION"))
}

/// Keeps what the checks of an adapter (API, name, driver) say.
pub fn remember(adapter: [&str; 3], checks: &[Check]) {
    Choices::load(false).remember(key(adapter), &text(checks));
}

/// `passed`, or `failed | LOWERINGS | KERNELS`.
fn text(checks: &[Check]) -> String {
    if !checks.iter().any(Check::failed) {
        return "passed".into();
    }
    let lowerings: Vec<&str> = avoid(checks).iter().map(|lowering| lowering.name()).collect();
    format!("failed | {} | {}", lowerings.join(", "), suspects(checks).join(", "))
}

fn parse(text: &str) -> Option<Finding> {
    let (lowerings, kernels) = text.strip_prefix("failed | ")?.split_once(" | ")?;
    let lowerings = lowerings.split(", ").filter_map(|name| name.parse().ok()).collect();
    Some(Finding { lowerings, kernels: kernels.to_owned() })
}

/// What an earlier `verify` found wrong with an adapter (API, name, driver), if anything.
fn of(adapter: [&str; 3]) -> Option<Finding> {
    parse(Choices::load(false).get(&key(adapter))?)
}

/// The kernels of an adapter that compute wrongly, if it is not to be trusted with any training.
pub fn wrong_kernels(adapter: [&str; 3]) -> Option<String> {
    let finding = of(adapter)?;
    finding.lowerings.contains(&Lowering::Layerwise).then_some(finding.kernels)
}

fn finding(backend: &Backend) -> Option<Finding> {
    of([backend.name(), backend.adapter()?, backend.driver()?])
}

/// The lowerings of a backend that are not to be chosen.
pub fn distrusted(backend: &Backend) -> Vec<Lowering> {
    finding(backend).map_or_else(Vec::new, |finding| finding.lowerings)
}

/// The backend as it may be used. One that cannot be trusted at all is the CPU instead if nobody asked for it (`free`); one that
/// was asked for stays, with a warning.
pub fn heed(backend: Backend, why: String, free: bool) -> (Backend, String) {
    let Some(Finding { lowerings, kernels }) = finding(&backend) else { return (backend, why) };
    if lowerings.contains(&Lowering::Layerwise) {
        let adapter = backend.adapter().unwrap_or("the GPU").to_owned();
        if free {
            let why =
                format!("{adapter} failed `gpu-nn verify`: {kernels}; --backend gpu takes it all the same");
            return (Backend::host(), why);
        }
        console::warning(&format!(
            "{adapter} failed `gpu-nn verify` ({kernels}): its results may be wrong; --backend cpu is safe"
        ));
    }
    (backend.avoiding(lowerings), why)
}

/// Warns of a lowering that was asked for although it failed.
pub fn warn_of(lowering: Lowering, backend: &Backend) {
    if backend.avoided().contains(&lowering) {
        console::warning(&format!(
            "{lowering} failed `gpu-nn verify` on {}: its results may be wrong; leave --lowering out",
            backend.adapter().unwrap_or("this adapter")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_as_it_was_written() {
        let finding = parse("failed | fused, resident | finish_step, resident_registers").unwrap();
        assert_eq!(finding.lowerings, [Lowering::Fused, Lowering::Resident]);
        assert_eq!(finding.kernels, "finish_step, resident_registers");
        // Only a kernel that measures failed: nothing is avoided.
        assert_eq!(parse("failed |  | copy_peak").unwrap().lowerings, []);
        assert_eq!(parse("passed"), None);
        assert_eq!(parse("nonsense"), None);
        assert_eq!(text(&[]), "passed");
    }
}
