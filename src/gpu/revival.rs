//! A device that was lost, and the one that takes its place: the same adapter opened again.

use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use super::adapters;
use super::device::Device;
use super::faults::Asked;
use crate::error::Result;

/// A device that is used for some time: one that somebody else owns, or the one that took its place.
#[derive(Clone)]
pub(super) enum Held<'d> {
    Borrowed(&'d Device),
    Shared(Arc<Device>),
}

impl Deref for Held<'_> {
    type Target = Device;

    fn deref(&self) -> &Device {
        match self {
            Self::Borrowed(device) => device,
            Self::Shared(device) => device,
        }
    }
}

impl Device {
    /// The device that took the place of this one when it was lost, or itself.
    pub(super) fn living(&self) -> Held<'_> {
        let successor = self.successor.lock().unwrap_or_else(PoisonError::into_inner);
        match &*successor {
            Some(device) => Held::Shared(Arc::clone(device)),
            None => Held::Borrowed(self),
        }
    }

    /// Opens the adapter again after a loss. Whatever is made on this device from now on is made on the new one; what was made
    /// before is lost.
    ///
    /// # Errors
    /// [`crate::Error::NoAdapter`] when the adapter does not answer any more; [`crate::Error::Gpu`] when the driver refuses to
    /// open it.
    pub async fn revive(&self) -> Result<()> {
        let mut device = Self::of_adapter(&adapters::same(&self.info).await?).await?;
        device.checked = self.checked;
        (device.edits, device.avoided) = (self.edits.clone(), self.avoided.clone());
        (device.products, device.faults) = (Arc::clone(&self.products), Arc::clone(&self.faults));
        *self.successor.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(device));
        Ok(())
    }

    /// Destroys the device before a submission, and lets it have no room for a buffer, each so many after the one before: for
    /// tests of what survives that.
    #[doc(hidden)]
    pub fn fail_on_purpose(&self, losses: &[u64], shortages: &[u64]) {
        self.faults.plan(losses, shortages);
    }

    /// What it and its successors were asked for since it was opened.
    #[doc(hidden)]
    pub fn asked(&self) -> Asked {
        self.faults.asked()
    }

    /// Bytes that the driver's allocator has handed out to this device, and in how many pieces, where it tells.
    #[doc(hidden)]
    pub fn allocated(&self) -> Option<(u64, usize)> {
        let report = self.living().device.generate_allocator_report()?;
        Some((report.total_allocated_bytes, report.allocations.len()))
    }
}
