//! What checks of a device need of it and trainings do not: which kernels ran, other shader texts, lowerings to avoid, single
//! runs in any way. Schedules with every matrix in sight are run by `run_once`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::device::Device;
use super::kernels::KERNELS;
use crate::schedule::Lowering;

// `Device::used` has a bit for each.
const _: () = assert!(KERNELS.len() <= 64);

impl Device {
    /// The kernels that were made ready since the last call, in the order of [`KERNELS`].
    pub fn take_used_kernels(&self) -> Vec<&'static str> {
        let used = self.used.swap(0, Ordering::Relaxed);
        KERNELS.iter().enumerate().filter(|(i, _)| used >> i & 1 == 1).map(|(_, info)| info.name).collect()
    }

    /// With another text in the place of a file of shaders/, for a test that plants a fault. Whatever it says, kernels check
    /// their bounds.
    #[doc(hidden)]
    pub fn with_shader_text(mut self, file: &str, text: String) -> Self {
        self.edits.push((file.to_owned(), text));
        self.compiled = Arc::default();
        self
    }

    /// With lowerings that are not to be chosen, since they were found to compute wrongly; they still run when asked for.
    pub fn avoiding(mut self, lowerings: Vec<Lowering>) -> Self {
        self.avoided = lowerings;
        self
    }

    /// The lowerings that are not to be chosen.
    pub fn avoided(&self) -> &[Lowering] {
        &self.avoided
    }
}
