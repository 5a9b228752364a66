//! `--dashboard`: what it shows, and the thread that shows it; how it looks is in `board_view`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gpu_nn::training::{CancelToken, Metric, Metrics, Progress};
use gpu_nn::{Error, Result};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::board_view::draw;
use super::steps::Steps;

/// The exit code of a program that Ctrl-C ended: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// Between two pictures.
const PERIOD: Duration = Duration::from_millis(100);

/// Lines that are remembered.
const LINES: usize = 200;

/// The most points of a curve; of longer ones every second is left out.
const POINTS: usize = 4_000;

/// A curve that keeps its size.
#[derive(Debug)]
pub struct Series {
    pub points: Vec<(f64, f64)>,
    every: usize,
    seen: usize,
}

impl Default for Series {
    fn default() -> Self {
        Self { points: Vec::new(), every: 1, seen: 0 }
    }
}

impl Series {
    pub fn push(&mut self, x: f64, y: f64) {
        if self.seen.is_multiple_of(self.every) && y.is_finite() {
            self.points.push((x, y));
        }
        self.seen += 1;
        if self.points.len() >= POINTS {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.every *= 2;
        }
    }
}

/// Everything that is shown.
pub struct State {
    pub title: String,
    pub steps: Steps,
    pub metric: Metric,
    pub done: usize,
    /// Iterations that were done before this process.
    pub before: usize,
    pub costs: Series,
    pub training: Series,
    pub validation: Series,
    /// The metric that is watched, of the validation data.
    pub scores: Series,
    /// The best look: its iteration and the metric's value.
    pub best: Option<(usize, f64)>,
    pub lines: VecDeque<String>,
    pub error: Option<String>,
    pub stopping: bool,
    /// Looks that were seen.
    looks: usize,
    seen: usize,
}

impl State {
    pub fn new(title: String, steps: Steps, metric: Metric, before: usize) -> Self {
        Self {
            title,
            steps,
            metric,
            done: before,
            before,
            costs: Series::default(),
            training: Series::default(),
            validation: Series::default(),
            scores: Series::default(),
            best: None,
            lines: VecDeque::new(),
            error: None,
            stopping: false,
            looks: 0,
            seen: 0,
        }
    }

    /// Takes over what is new.
    pub fn see(&mut self, progress: &Progress<'_>) {
        self.done = progress.done;
        for (iteration, cost) in progress.costs.iter().enumerate().skip(self.seen) {
            self.costs.push(iteration as f64, *cost);
        }
        self.seen = self.seen.max(progress.costs.len());
        for look in progress.looks.iter().skip(self.looks) {
            let at = look.iteration as f64;
            self.training.push(at, look.training_cost);
            if let Some(metrics) = &look.validation {
                let value = |metric| metrics.get(metric).unwrap_or(f64::NAN);
                self.metric = shown_metric(self.metric, metrics);
                self.validation.push(at, value(Metric::Cost));
                self.scores.push(at, value(self.metric));
                if look.best {
                    self.best = Some((look.iteration, value(self.metric)));
                }
            }
        }
        self.looks = self.looks.max(progress.looks.len());
    }

    pub fn line(&mut self, text: &str) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(text.to_owned());
    }

    /// The learning rate of the iteration under way.
    pub fn rate(&self) -> f64 {
        let descent = &self.steps.descent;
        descent.learning_rate * descent.rates.factor(self.done)
    }
}

/// What is watched, or where that is the cost, which has a curve already, the share or degree of what is right.
fn shown_metric(watched: Metric, metrics: &Metrics) -> Metric {
    let others = [Metric::Accuracy, Metric::R2];
    match watched {
        Metric::Cost => others.into_iter().find(|other| metrics.get(*other).is_some()).unwrap_or(watched),
        _ => watched,
    }
}

/// The dashboard; closed when it is dropped.
pub struct Board {
    state: Arc<Mutex<State>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Board {
    /// Takes the terminal over. `q` and Ctrl-C cancel the token.
    ///
    /// # Errors
    /// [`Error::Write`] when the terminal does not let it.
    pub fn open(state: State, cancel: CancelToken) -> Result<Self> {
        let terminal = ratatui::try_init()
            .map_err(|source| Error::Write { path: "the terminal (leave --dashboard out)".into(), source })?;
        let (state, closing) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let (shown, end) = (Arc::clone(&state), Arc::clone(&closing));
        let thread = std::thread::spawn(move || {
            // A terminal that cannot be drawn on any more does not end the training.
            let _ = show(terminal, &shown, &end, &cancel);
            let _ = ratatui::try_restore();
        });
        Ok(Self { state, closing, thread: Some(thread) })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        // Plain data: whoever panicked while holding it left it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the terminal back; an error is shown until a key is pressed.
    pub fn close(mut self, error: Option<&Error>) -> VecDeque<String> {
        self.state().error = error.map(|error| super::console::clean(&error.to_string()));
        self.stop();
        std::mem::take(&mut self.state().lines)
    }

    fn stop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It draws and returns; a panic in it has restored the terminal already.
            let _ = thread.join();
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.stop();
    }
}

fn show(
    mut terminal: DefaultTerminal,
    state: &Mutex<State>,
    closing: &AtomicBool,
    cancel: &CancelToken,
) -> std::io::Result<()> {
    let begin = Instant::now();
    // Terminals without a second screen still show what was printed.
    terminal.clear()?;
    loop {
        let ends = closing.load(Ordering::Relaxed);
        let failed = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.stopping = cancel.is_cancelled();
            terminal.draw(|frame| draw(frame, &state, begin.elapsed()))?;
            state.error.is_some()
        };
        if ends && !failed {
            return Ok(());
        }
        if !event::poll(PERIOD)? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
        {
            if failed {
                return Ok(());
            }
            if asks_to_stop(key) {
                end_if_asked_twice(cancel);
                cancel.cancel();
            }
        }
    }
}

/// As a second signal does where there is no dashboard: whoever asks again does not want to wait.
fn end_if_asked_twice(cancel: &CancelToken) {
    if cancel.is_cancelled() {
        ratatui::restore();
        std::process::exit(INTERRUPTED);
    }
}

/// In this mode the terminal sends Ctrl-C as a key, not as a signal.
fn asks_to_stop(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    matches!((key.code, control), (KeyCode::Char('q'), false) | (KeyCode::Char('c'), true))
}
