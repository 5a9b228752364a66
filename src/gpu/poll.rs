//! Waiting for the device: the one place that differs between native programs and the browser.

#[cfg(not(target_arch = "wasm32"))]
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_intrusive::channel::shared::oneshot_channel;

use crate::error::{Error, Result};

/// Drives the device until its callbacks have run. A browser does that by itself, and must not be blocked.
fn poll(device: &wgpu::Device) -> Result<()> {
    #[cfg(not(target_arch = "wasm32"))]
    caught(|| device.poll(wgpu::PollType::wait_indefinitely()))?
        .map_err(|error| Error::Gpu { during: "waiting for the device", message: error.to_string() })?;
    #[cfg(target_arch = "wasm32")]
    let _ = device;
    Ok(())
}

/// What `wait` returns. wgpu 30 panics in `poll`, and only there, when the driver says that the device is lost; it holds no lock
/// then.
#[cfg(not(target_arch = "wasm32"))]
fn caught<T>(wait: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(wait)).map_err(|panic| {
        let message = match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
            (Some(message), _) => message.as_str(),
            (None, Some(message)) => message,
            (None, None) => "the driver gave it up",
        };
        Error::DeviceLost { message: message.split_whitespace().collect::<Vec<_>>().join(" ") }
    })
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

#[cfg(test)]
mod tests {
    use super::caught;
    use crate::error::Error;

    #[test]
    fn a_loss_that_wgpu_panics_with_is_an_error() {
        let lost = caught(|| -> u32 { panic!("Error in Device::poll:\n  Parent device is {}", "lost") });
        let Err(Error::DeviceLost { message }) = lost else { panic!("{lost:?}") };
        assert_eq!(message, "Error in Device::poll: Parent device is lost");
        assert_eq!(caught(|| 3).unwrap(), 3);
    }
}
