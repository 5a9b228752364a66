//! Ctrl-C and SIGTERM: the first asks the work under way to stop in good order, the second ends the program at once.

use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, thread};

use gpu_nn::training::{CancelToken, Stopped};
use gpu_nn::{Error, Result};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::console;
use super::record::{shell_word, stopped_name};
use super::run_folder::RunFolder;

/// The signal that was heard last; 0 for none. A process has one, and so does this program.
static HEARD: AtomicUsize = AtomicUsize::new(0);

/// What a shell adds to the number of a signal for the exit code of the program that it ended.
const SIGNALLED: u8 = 128;

/// While it lives, signals are a request; before and afterwards they end the program.
pub struct Interrupt {
    token: CancelToken,
    /// Whether the next signal ends the program: from the first on, and again when nobody looks at the token any more.
    at_once: Arc<AtomicBool>,
    heard: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// [`Error::Data`] when the system does not let it.
    pub fn listen() -> Result<Self> {
        let (flag, at_once) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let heard = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds `at_once` unset, and sets it for the second.
            let ends = i32::from(SIGNALLED) + signal;
            let listening = flag::register_conditional_shutdown(signal, ends, Arc::clone(&at_once))
                .and_then(|_| flag::register(signal, Arc::clone(&at_once)))
                .and_then(|_| flag::register_usize(signal, Arc::clone(&heard), signal as usize))
                .and_then(|_| flag::register(signal, Arc::clone(&flag)));
            listening.map_err(cannot_listen)?;
        }
        Ok(Self { token: CancelToken::from(flag), at_once, heard })
    }

    /// Is cancelled by the first signal.
    pub fn token(&self) -> &CancelToken {
        &self.token
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        HEARD.store(self.heard.load(Ordering::SeqCst), Ordering::SeqCst);
        self.at_once.store(true, Ordering::SeqCst);
    }
}

fn cannot_listen(error: io::Error) -> Error {
    Error::data("signals", format!("the system does not let the program listen for Ctrl-C: {error}"))
}

/// The exit code of work that was cancelled: 130 after Ctrl-C, 143 after SIGTERM, as those of programs that signals end.
pub fn exit_code() -> ExitCode {
    let signal = u8::try_from(HEARD.load(Ordering::SeqCst)).unwrap_or_default();
    ExitCode::from(SIGNALLED + signal)
}

/// How often it is looked whether another process has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// Runs a command and collects its output; nothing if it was cancelled, and the command is ended then.
///
/// # Errors
/// Those of starting and reading a process.
pub fn output_unless(cancel: &CancelToken, command: &mut Command) -> io::Result<Option<Output>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Read as they come: a full pipe would stop the process.
    let readers = (thread::spawn(|| read(stdout)), thread::spawn(|| read(stderr)));
    let status = loop {
        let ended = child.try_wait()?;
        // Ctrl-C reaches it too: what it leaves behind then is no result.
        if cancel.is_cancelled() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        match ended {
            Some(status) => break status,
            None => thread::sleep(GLANCE),
        }
    };
    let all =
        |reader: thread::JoinHandle<io::Result<Vec<u8>>>| reader.join().unwrap_or_else(|_| Ok(Vec::new()));
    Ok(Some(Output { status, stdout: all(readers.0)?, stderr: all(readers.1)? }))
}

fn read(from: Option<impl io::Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The object that an interrupted `train --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    stopped: &'static str,
    iterations: usize,
    iterations_done: usize,
    out: &'a str,
    resume: &'a str,
}

/// The error of a training that was interrupted and whose checkpoint is in the folder, with how to go on; others stay as they
/// are.
///
/// # Errors
/// [`Error::Write`] when standard output cannot be written.
pub fn report(error: Error, folder: &mut RunFolder, json: bool) -> Result<Error> {
    let Error::Cancelled { what, done, all, .. } = error else { return Ok(error) };
    folder.keep();
    let out = folder.path().display().to_string();
    let resume = format!("gpu-nn train --resume {}", shell_word(&out));
    if json {
        let stopped = stopped_name(Stopped::Cancelled);
        console::print_json(&Report {
            stopped,
            iterations: all,
            iterations_done: done,
            out: &out,
            resume: &resume,
        })?;
    }
    Ok(Error::Cancelled { what, done, all, next: format!("go on with: {resume}") })
}
