//! Lines, errors and the progress bar: everything that reaches a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use gpu_nn::training::{PopulationEvent, Progress, Recovered};
use gpu_nn::{Error, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

#[cfg(feature = "dashboard")]
use super::board::Board;

/// Prints an error in one line on standard error, whatever line breaks the names and values in it hold.
pub fn error(message: &str) {
    // Nothing can be done about a closed standard error.
    let _ = writeln!(io::stderr(), "error: {}", clean(message));
}

/// Prints a warning in one line on standard error, also where nothing else is printed: what follows may be wrong.
pub fn warning(message: &str) {
    let _ = writeln!(io::stderr(), "warning: {}", clean(message));
}

/// Prints what is no error in one line on standard error: for a program that ends with nothing else to say.
pub fn notice(message: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(message));
}

/// Text on one line, whatever it holds.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Prints to standard output; a reader that has gone away (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    unless_gone(try_print(text))
}

/// Prints to standard output, for whoever has more to say: [`unless_gone`] takes care of a reader that has gone away.
pub fn try_print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|source| Error::Write { path: STANDARD_OUTPUT.into(), source })
}

/// Standard output as errors name it.
const STANDARD_OUTPUT: &str = "standard output";

/// Makes nothing of it that the reader of standard output has gone away (`| head`).
pub fn unless_gone(printed: Result<()>) -> Result<()> {
    match printed {
        Err(Error::Write { path, source })
            if source.kind() == io::ErrorKind::BrokenPipe && path.as_os_str() == STANDARD_OUTPUT =>
        {
            Ok(())
        }
        printed => printed,
    }
}

/// Prints a value as one JSON object.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Write { path: STANDARD_OUTPUT.into(), source: error.into() })?;
    print(&format!("{text}\n"))
}

/// Where a command's ordinary lines go: to standard output, or nowhere with `--quiet` and `--json`.
pub struct Console {
    lines: bool,
    bar: ProgressBar,
    /// Where everything goes while it is open.
    #[cfg(feature = "dashboard")]
    board: std::cell::RefCell<Option<Board>>,
}

impl Console {
    /// With `lines` the user sees what happens; on a terminal also a progress bar over `length` steps.
    pub fn new(lines: bool, length: usize) -> Self {
        let bar = if lines && io::stderr().is_terminal() && io::stdout().is_terminal() {
            ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr_with_hz(10))
        } else {
            ProgressBar::hidden()
        };
        let template = "{bar:30} {human_pos}/{human_len} iterations, {elapsed} gone, {eta} to go {msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is a constant"));
        Self {
            lines,
            bar,
            #[cfg(feature = "dashboard")]
            board: std::cell::RefCell::default(),
        }
    }

    /// Prints a line, above the progress bar if there is one.
    pub fn line(&self, text: &str) -> Result<()> {
        if !self.lines {
            return Ok(());
        }
        #[cfg(feature = "dashboard")]
        if let Some(board) = &*self.board.borrow() {
            board.state().line(text);
            return Ok(());
        }
        self.bar.suspend(|| print(&format!("{text}\n")))
    }

    /// Moves the progress bar.
    pub fn progress(&self, done: usize) {
        self.bar.set_position(done as u64);
    }

    /// Says that a training goes on after its device failed.
    pub fn recovered(&self, recovered: &Recovered) {
        let Recovered { cause, at, from } = recovered;
        let (at, from) = (thousands(*at), thousands(*from));
        let _ = self.line(&format!("device    {cause}: after {at} iterations; goes on from {from}"));
    }

    /// Shows what happens to many networks.
    pub fn population(&self, event: &PopulationEvent) {
        match event {
            PopulationEvent::Done(done) => self.progress(*done),
            PopulationEvent::Recovered(recovered) => self.recovered(recovered),
        }
    }

    /// Shows how far a training is.
    pub fn see(&self, progress: &Progress<'_>) {
        self.progress(progress.done);
        #[cfg(feature = "dashboard")]
        if let Some(board) = &*self.board.borrow() {
            board.state().see(progress);
        }
    }

    /// Shows everything in the dashboard from now on, until it is finished.
    #[cfg(feature = "dashboard")]
    pub fn open(&self, board: Board) {
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        *self.board.borrow_mut() = Some(board);
    }

    /// Removes the progress bar, and the dashboard, which shows an error first; its lines are printed.
    pub fn finish(&self, error: Option<&Error>) {
        self.bar.finish_and_clear();
        #[cfg(feature = "dashboard")]
        if let Some(board) = self.board.borrow_mut().take() {
            for line in board.close(error) {
                // As all lines of a training: what cannot be printed is noticed at the end.
                let _ = print(&format!("{line}\n"));
            }
        }
        #[cfg(not(feature = "dashboard"))]
        let _ = error;
    }
}

/// `12.3 s`, `45 ms`.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", 1e3 * seconds) } else { format!("{seconds:.2} s") }
}

/// `10,000`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A bar over a file or its rows while they are read, on a terminal.
pub struct Reading(ProgressBar);

impl Reading {
    /// With `lines` the user sees it; `what` is done with what it counts.
    pub fn new(lines: bool, what: &'static str) -> Self {
        let bar = if lines && io::stderr().is_terminal() && io::stdout().is_terminal() {
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10))
        } else {
            ProgressBar::hidden()
        };
        Self(bar.with_message(what))
    }

    /// So many bytes are read, of all where their number is known.
    pub fn bytes(&self, done: u64, all: Option<u64>) {
        self.show(
            "{bar:30} {bytes}/{total_bytes} {msg}, {elapsed} gone, {eta} to go",
            done,
            all.unwrap_or(done),
        );
    }

    /// So many rows are.
    pub fn rows(&self, done: u64, all: u64) {
        self.show("{bar:30} {human_pos}/{human_len} {msg}, {elapsed} gone", done, all);
    }

    fn show(&self, template: &str, done: u64, all: u64) {
        if self.0.is_hidden() {
            return;
        }
        if self.0.length() != Some(all) {
            self.0.set_style(ProgressStyle::with_template(template).expect("the templates are constants"));
            self.0.set_length(all);
        }
        self.0.set_position(done);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
