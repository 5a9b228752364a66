//! Waiting for the device: the one place that differs between native programs and the browser.

use futures_intrusive::channel::shared::oneshot_channel;

use crate::error::{Error, Result};

/// Drives the device until its callbacks have run. A browser does that by itself, and must not be blocked.
fn poll(device: &wgpu::Device) -> Result<()> {
    #[cfg(not(target_arch = "wasm32"))]
    device
        .poll(wgpu::PollType::wait_indefinitely())
        .map_err(|error| Error::Gpu { during: "waiting for the device", message: error.to_string() })?;
    #[cfg(target_arch = "wasm32")]
    let _ = device;
    Ok(())
}

/// Completes when everything submitted so far has run.
pub(super) async fn submitted_work_done(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<()> {
    let (sender, receiver) = oneshot_channel();
    // Sending fails only when nobody waits any more.
    queue.on_submitted_work_done(move || drop(sender.send(())));
    poll(device)?;
    receiver.receive().await.ok_or(Error::DeviceLost { message: "submitted work was dropped".into() })
}

/// Maps `buffer` for reading.
pub(super) async fn map_for_reading(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<()> {
    let (sender, receiver) = oneshot_channel();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
    poll(device)?;
    receiver
        .receive()
        .await
        .ok_or(Error::DeviceLost { message: "a readback was dropped".into() })?
        .map_err(|error| Error::Gpu { during: "mapping a readback buffer", message: error.to_string() })
}
