//! A probe's outcome, and what the outcomes of all say about kernels and lowerings.

use super::comparison::Comparison;
use crate::error::{Error, Result};
use crate::schedule::Lowering;

/// What became of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// All numbers are within their tolerances.
    Passed,
    /// Some are not: where, in words.
    Failed(String),
    /// The device is too small for it: why, in words.
    Skipped(String),
}

/// A probe that was run.
#[derive(Clone, Debug)]
pub struct Check {
    /// The probe's name.
    pub name: String,
    /// The lowering that it is about; `None` for single operations, which layerwise is made of.
    pub lowering: Option<Lowering>,
    /// The kernels that ran.
    pub kernels: Vec<&'static str>,
    /// Numbers compared.
    pub values: usize,
    /// The error that came closest to its tolerance.
    pub worst: f64,
    /// That number's tolerance.
    pub tolerance: f64,
    /// What became of it.
    pub verdict: Verdict,
    /// What is worth knowing all the same.
    pub note: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Whether the device itself failed: what follows on it tells nothing.
    pub device_failed: bool,
}

impl Check {
    pub(super) fn new(
        name: String,
        lowering: Option<Lowering>,
        kernels: Vec<&'static str>,
        seconds: f64,
        comparison: Comparison,
        result: Result<()>,
    ) -> Self {
        let Comparison { values, worst, tolerance, failure, note, .. } = comparison;
        let device_failed = matches!(result, Err(Error::Gpu { .. } | Error::DeviceLost { .. }));
        let verdict = match (failure, result) {
            (Some(failure), _) => Verdict::Failed(failure),
            (None, Err(error @ Error::DeviceLimit { .. })) => Verdict::Skipped(error.to_string()),
            (None, Err(error)) => Verdict::Failed(error.to_string()),
            // A check that looks at nothing must not look like one that passed.
            (None, Ok(())) if values == 0 => Verdict::Failed("nothing was compared".into()),
            (None, Ok(())) => Verdict::Passed,
        };
        Self { name, lowering, kernels, values, worst, tolerance, verdict, note, seconds, device_failed }
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }

    fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
}

/// The lowering that a kernel belongs to; `None` for those that only measure a device.
pub fn lowering_of(kernel: &str) -> Option<Lowering> {
    match kernel {
        "multiply_add_peak" | "copy_peak" => None,
        _ if kernel.starts_with("fused_step") || kernel == "finish_step" => Some(Lowering::Fused),
        _ if kernel.starts_with("resident") => Some(Lowering::Resident),
        _ => Some(Lowering::Layerwise),
    }
}

/// The kernels that the failed checks point to: of each, those that no check found right; where all were found right
/// elsewhere, those of the lowering that it is about, or all that ran.
pub fn suspects(checks: &[Check]) -> Vec<&'static str> {
    let right = |kernel: &str| checks.iter().any(|check| check.passed() && check.kernels.contains(&kernel));
    let mut found = Vec::new();
    for check in checks.iter().filter(|check| check.failed()) {
        let of = |chosen: &dyn Fn(&str) -> bool| -> Vec<&'static str> {
            check.kernels.iter().copied().filter(|kernel| chosen(kernel)).collect()
        };
        let own = of(&|kernel| !right(kernel));
        let of_lowering = of(&|kernel| check.lowering.is_some() && lowering_of(kernel) == check.lowering);
        let guilty = [own, of_lowering].into_iter().find(|kernels| !kernels.is_empty());
        found.extend(guilty.unwrap_or_else(|| check.kernels.clone()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The lowerings that are not to be trusted after these checks. If layerwise is one of them, nor is the device: evaluations and
/// predictions are layerwise, whatever trained.
pub fn avoid(checks: &[Check]) -> Vec<Lowering> {
    let suspects = suspects(checks);
    let kernels = suspects.iter().filter_map(|kernel| lowering_of(kernel));
    // A check may fail before any kernel has run.
    let named = checks.iter().filter(|check| check.failed() && check.kernels.is_empty());
    let named = named.map(|check| check.lowering.unwrap_or(Lowering::Layerwise));
    let wrong: Vec<Lowering> = kernels.chain(named).collect();
    Lowering::ALL.into_iter().filter(|lowering| wrong.contains(lowering)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lowering: Option<Lowering>, kernels: &[&'static str], passed: bool) -> Check {
        let mut comparison = Comparison::default();
        comparison.require(passed, || "off".into());
        Check::new("a check".into(), lowering, kernels.to_vec(), 0.0, comparison, Ok(()))
    }

    #[test]
    fn a_kernel_that_is_right_elsewhere_is_no_suspect_beside_one_that_is_not() {
        let checks = [
            check(None, &["matmul_bias"], true),
            check(Some(Lowering::Layerwise), &["matmul_bias", "take_batch"], false),
        ];
        assert_eq!(suspects(&checks), ["take_batch"]);
        assert_eq!(avoid(&checks), [Lowering::Layerwise]);
    }

    #[test]
    fn where_all_are_right_elsewhere_those_of_the_lowering_are_suspects() {
        let checks = [
            check(None, &["matmul_bias"], true),
            check(Some(Lowering::Fused), &["finish_step", "fused_step_registers"], true),
            check(Some(Lowering::Fused), &["matmul_bias", "finish_step", "fused_step_registers"], false),
        ];
        assert_eq!(suspects(&checks), ["finish_step", "fused_step_registers"]);
        assert_eq!(avoid(&checks), [Lowering::Fused]);
        let alone = [check(None, &["activate"], true), check(None, &["activate"], false)];
        assert_eq!(suspects(&alone), ["activate"]);
    }

    #[test]
    fn kernels_that_only_measure_cost_no_lowering() {
        let checks = [check(None, &["copy_peak"], false)];
        assert_eq!(suspects(&checks), ["copy_peak"]);
        assert_eq!(avoid(&checks), []);
        let before_any_kernel = [check(Some(Lowering::Resident), &[], false)];
        assert_eq!(avoid(&before_any_kernel), [Lowering::Resident]);
    }

    #[test]
    fn a_device_that_is_too_small_is_no_failure() {
        let limit = Error::DeviceLimit {
            what: "W".into(),
            needed: "2".into(),
            device: "d".into(),
            limit: "1".into(),
            hint: "h".into(),
        };
        let of = |result| Check::new("c".into(), None, Vec::new(), 0.0, Comparison::default(), result);
        assert!(matches!(of(Err(limit)).verdict, Verdict::Skipped(_)));
        let lost = of(Err(Error::DeviceLost { message: "gone".into() }));
        assert!(lost.failed() && lost.device_failed);
    }
}
