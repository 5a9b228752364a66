//! What the GPU tests share: the device, and comparisons. Numbers to try and single operations as schedules are the library's
//! own, of `verify`.

use std::sync::Mutex;

use gpu_nn::Result;
use gpu_nn::gpu::{self, AdapterRequest, Api, Device};
use gpu_nn::schedule::Contents;
pub use gpu_nn::verify::{
    ACTIVATIONS, Case, Numbers, ROUNDING, SIZES, SMALLEST_NORMAL, WITH_Z, home_networks, single,
    whole_networks,
};
use gpu_nn::verify::{Effort, Probe, Verdict};

/// A test device for the thread, and so for the test: compiling the kernels takes software drivers longer than most tests, so
/// a device goes from one test to the next; and most drivers compile in a device's queue, so no two tests have the same at a
/// time. An error that the device reports in one test shows in all that follow.
///
/// Without an adapter this is `None`, and a test ends after saying so; unless `GPU_NN_REQUIRE_GPU` is 1, since a test
/// that was not run must not look like one that passed.
pub fn device() -> Option<&'static Device> {
    LEASE.with(|lease| lease.0)
}

/// The test device for a test with settings or a record of its own, or one that has to own it: it shares the compiled kernels.
/// `None` as above.
pub fn share() -> Option<Device> {
    device().map(Device::share)
}

/// The device of a thread, until it ends.
struct Lease(Option<&'static Device>);

static FREE: Mutex<Vec<&'static Device>> = Mutex::new(Vec::new());

thread_local! {
    static LEASE: Lease = Lease({
        let free = FREE.lock().unwrap().pop();
        free.or_else(|| open().map(|device| &*Box::leak(Box::new(device))))
    });
}

impl Drop for Lease {
    fn drop(&mut self) {
        FREE.lock().unwrap().extend(self.0);
    }
}

/// A device of its own for a test that means to provoke it; `None` as above.
pub fn open() -> Option<Device> {
    let request = AdapterRequest { api: Api::Any, name: None, software: true };
    match pollster::block_on(Device::open(&request)) {
        Ok(device) => Some(device),
        Err(error) => {
            let required = std::env::var("GPU_NN_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "GPU_NN_REQUIRE_GPU is 1, but: {error}");
            println!("skipped: {error}");
            None
        }
    }
}

/// A case's runs, waited for.
pub trait RunCase {
    /// Runs both sides: (device, reference).
    fn run(&self, device: &Device) -> (Contents, Contents);

    /// Runs the device's side.
    fn run_on(&self, device: &Device) -> Result<Contents>;
}

impl RunCase for Case {
    fn run(&self, device: &Device) -> (Contents, Contents) {
        (self.run_on(device).unwrap(), self.on_reference().unwrap())
    }

    fn run_on(&self, device: &Device) -> Result<Contents> {
        pollster::block_on(self.on_device(device))
    }
}

/// Runs the probes of `verify` that are chosen by their names, in full; each has to pass.
#[track_caller]
pub fn assert_probes_pass(device: &Device, chosen: impl Fn(&str) -> bool) {
    let probes: Vec<Probe> = Probe::all().into_iter().filter(|probe| chosen(&probe.to_string())).collect();
    assert!(!probes.is_empty(), "no probe has such a name");
    for probe in probes {
        let check = pollster::block_on(probe.run(device, Effort::Full));
        assert_eq!(check.verdict, Verdict::Passed, "{probe}");
    }
}

/// Holds one matrix against the reference, each element within its own `bound`.
#[track_caller]
pub fn assert_within(what: &str, got: &[f64], want: &[f64], bound: impl Fn(usize) -> f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let far: Vec<String> = got
        .iter()
        .zip(want)
        .enumerate()
        // Written so that a NaN on either side fails.
        .filter(|(i, (got, want))| !((*got - *want).abs() <= bound(*i) || got == want))
        .map(|(i, (got, want))| format!("  [{i}] got {got:e}, want {want:e}, limit {:.3e}", bound(i)))
        .collect();
    let shown = far[..far.len().min(5)].join("\n");
    assert!(far.is_empty(), "{what}: {} of {} values differ\n{shown}", far.len(), got.len());
}

/// Runs exactly `iterations` steps: the executor may stop earlier and be called again.
pub fn run_all(executor: &mut gpu::Executor<'_>, iterations: usize) {
    let mut left = iterations;
    while left > 0 {
        left -= pollster::block_on(executor.run(left)).unwrap();
    }
}
