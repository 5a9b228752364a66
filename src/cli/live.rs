//! Who follows a training while it runs: `--tensorboard`, `--dashboard`.

use std::path::Path;

use clap::Args;
use gpu_nn::export::EventFile;
use gpu_nn::training::Progress;
use gpu_nn::{Error, Result};

use super::fit::Live;
use super::steps::Steps;

/// What can be watched while a network is trained.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Results")]
pub struct LiveArgs {
    /// Also write an event file for TensorBoard (`tensorboard --logdir runs`): cost, metrics of the validation data, learning
    /// rate
    #[arg(long)]
    pub tensorboard: bool,
    /// Show live curves in the terminal, with rates and the time to go; q or Ctrl-C stops and keeps a checkpoint
    #[cfg(feature = "dashboard")]
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    pub dashboard: bool,
}

impl LiveArgs {
    /// What follows a training with results in that folder.
    pub fn of<'a>(&self, folder: &'a Path) -> Live<'a> {
        Live {
            folder: self.tensorboard.then_some(folder),
            #[cfg(feature = "dashboard")]
            dashboard: self.dashboard,
            #[cfg(not(feature = "dashboard"))]
            dashboard: false,
        }
    }

    /// Refuses a dashboard that nobody would see.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where there is no terminal.
    pub fn check(&self) -> Result<()> {
        #[cfg(feature = "dashboard")]
        {
            use std::io::{IsTerminal, stdin, stdout};
            if self.dashboard && !(stdout().is_terminal() && stdin().is_terminal()) {
                let reason = "standard input and output have to be a terminal; leave --dashboard out";
                return Err(Error::invalid("place to draw on", "no terminal", reason));
            }
        }
        Ok(())
    }
}

/// Points of a curve over all iterations, of a training that nothing else looks at.
const POINTS: usize = 1_000;

/// The event file of a training.
pub struct Events {
    file: EventFile,
    steps: Steps,
    /// Whether looks tell of the cost.
    watched: bool,
    /// Costs and looks that are written.
    costs: usize,
    looks: usize,
    /// Why no more is written: it stops nothing, and is reported at the end.
    error: Option<Error>,
}

impl Events {
    /// A new file in the folder of a run; `costs` and `looks` are those of earlier files.
    pub fn create(
        folder: &Path,
        steps: Steps,
        watched: bool,
        (costs, looks): (usize, usize),
    ) -> Result<Self> {
        Ok(Self { file: EventFile::create(folder)?, steps, watched, costs, looks, error: None })
    }

    /// Writes what is new.
    pub fn see(&mut self, progress: &Progress<'_>) {
        if self.error.is_none() {
            self.error = self.add(progress).err();
        }
    }

    fn add(&mut self, progress: &Progress<'_>) -> Result<()> {
        if !self.watched {
            let every = self.steps.iterations.div_ceil(POINTS);
            let first = self.costs.next_multiple_of(every);
            for iteration in (first..progress.costs.len()).step_by(every) {
                let cost = ("training/cost", progress.costs[iteration]);
                self.file.scalars(iteration, [cost, ("learning_rate", self.rate(iteration))])?;
            }
            self.costs = self.costs.max(progress.costs.len());
        }
        for look in progress.looks.iter().skip(self.looks) {
            let rate = self.rate(look.iteration.saturating_sub(1));
            let values = [("training/cost", look.training_cost), ("learning_rate", rate)];
            let validation = look.validation.as_ref().map_or(&[][..], |metrics| metrics.values());
            let named: Vec<(String, f64)> =
                validation.iter().map(|(metric, value)| (format!("validation/{metric}"), *value)).collect();
            let validation = named.iter().map(|(name, value)| (name.as_str(), *value));
            self.file.scalars(look.iteration, values.into_iter().chain(validation))?;
        }
        // A training that goes on after its device was lost sees some again.
        self.looks = self.looks.max(progress.looks.len());
        Ok(())
    }

    /// The learning rate of an iteration.
    fn rate(&self, iteration: usize) -> f64 {
        let descent = &self.steps.descent;
        descent.learning_rate * descent.rates.factor(iteration)
    }

    /// The first error that writing met with.
    pub fn error(self) -> Option<Error> {
        self.error
    }
}
