//! Event files that TensorBoard draws curves of: scalars by name and iteration, in TFRecord files of protocol buffers. No
//! TensorFlow is needed to write them.

mod proto;
mod record;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use prost::Message;
use web_time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use proto::{Event, Summary, Value};

/// What the first record has to say.
const VERSION: &str = "brain.Event:2";

/// An event file under way; every event is in the file as soon as it is written, so that TensorBoard can follow.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// A new file in a folder that is there, under a name that TensorBoard looks for and no other run has.
    ///
    /// # Errors
    /// [`Error::Write`] when it cannot be made.
    pub fn create(folder: &Path) -> Result<Self> {
        let now = seconds();
        // By time: a training that is resumed goes on in a file of its own, which TensorBoard reads after the others.
        let name = |n: u32| {
            format!("events.out.tfevents.{:010}.{:03}{n}.gpu-nn", now as u64, (now.fract() * 1e3) as u32)
        };
        let mut n = 0;
        let (file, path) = loop {
            let path = folder.join(name(n));
            match File::create_new(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => n += 1,
                Err(source) => return Err(Error::Write { path, source }),
            }
        };
        let mut events = Self { file, path };
        events.write(&Event { wall_time: now, file_version: Some(VERSION.into()), ..Event::default() })?;
        Ok(events)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds the scalars of an iteration, each by its name (`validation/accuracy`; what is before the bar groups them).
    ///
    /// # Errors
    /// [`Error::Write`] when the file cannot be written.
    pub fn scalars<'a>(
        &mut self,
        iteration: usize,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<()> {
        let value = |(tag, value): (&str, f64)| Value { tag: tag.into(), simple_value: Some(value as f32) };
        let value = values.into_iter().map(value).collect();
        self.write(&Event {
            wall_time: seconds(),
            step: i64::try_from(iteration).unwrap_or(i64::MAX),
            file_version: None,
            summary: Some(Summary { value }),
        })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let written = record::write(&mut self.file, &event.encode_to_vec()).and_then(|()| self.file.flush());
        written.map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}

/// Seconds since 1970, now.
fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
