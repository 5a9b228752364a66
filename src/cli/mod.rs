//! The command line: one file a command; the only place that prints, reads arguments and picks exit codes.

mod bench;
mod bench_row;
#[cfg(feature = "dashboard")]
mod board;
#[cfg(feature = "dashboard")]
mod board_view;
mod choices;
mod completions;
mod console;
mod data;
mod data_options;
mod doctor;
mod evaluate;
mod export;
mod find_rate;
mod fit;
mod fit_samples;
mod gradcheck;
mod import;
mod info;
mod interrupt;
mod judged;
mod live;
mod model_options;
mod objective_options;
mod options;
mod parts;
mod pictures;
mod predict;
mod rates;
mod record;
mod resume;
mod run_folder;
mod setup_options;
mod steps;
mod stream_options;
mod sweep;
mod sweep_report;
mod train;
mod training_options;
mod verdicts;
mod verify;
mod weights;

use std::error::Error as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use gpu_nn::{Error, Result};

/// Trains neural networks on any GPU with WGSL compute shaders, and on the CPU where there is none.
#[derive(Debug, Parser)]
#[command(name = "gpu-nn", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143 interrupted (Ctrl-C, SIGTERM).\n\
    `gpu-nn train` alone is the course's programme: 400 points of the planar flower, 2-4-1, 10,000 iterations."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and save it with its cost curve and decision boundary
    Train(Box<train::Args>),
    /// Print a trained network's answer for every sample
    Predict(predict::Args),
    /// Accuracy, confusion matrix and cost of a trained network
    Evaluate(evaluate::Args),
    /// Describe a file as the trainer would read it
    Data(data::Args),
    /// Train many networks at once and rank them: sizes, learning rates, seeds
    Sweep(Box<sweep::Args>),
    /// Find a learning rate: the range test, its table and its picture
    FindRate(Box<find_rate::Args>),
    /// Write a trained network for other programs: ONNX, C or NumPy
    Export(export::Args),
    /// Make a model of a scikit-learn MLP's weights in a NumPy file
    Import(import::Args),
    /// Measure every backend and lowering on one problem
    Bench(bench::Args),
    /// Compare gradients with central differences, and a backend's step with both
    Gradcheck(gradcheck::Args),
    /// Prove this machine's GPU right: every kernel and lowering against the reference
    Verify(verify::Args),
    /// Whether this machine has a GPU that can be used, and if not, why and what to do
    Doctor(doctor::Args),
    /// Adapters, drivers and limits, and which would be chosen
    Info(info::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// Parses the arguments and runs the command; `start` is when the process began.
pub fn main(start: Instant) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error(&error),
    };
    match pollster::block_on(run(cli.command, start)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::Cancelled { .. }) => {
            console::notice(&error.to_string());
            interrupt::exit_code()
        }
        Err(error) => {
            console::error(&error.to_string());
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

async fn run(command: Command, start: Instant) -> Result<()> {
    match command {
        Command::Train(args) => train::run(*args, start).await,
        Command::Predict(args) => predict::run(args).await,
        Command::Evaluate(args) => evaluate::run(args).await,
        Command::Data(args) => data::run(args),
        Command::Sweep(args) => sweep::run(*args, start).await,
        Command::FindRate(args) => find_rate::run(*args).await,
        Command::Export(args) => export::run(args),
        Command::Import(args) => import::run(args),
        Command::Bench(args) => bench::run(args, start).await,
        Command::Gradcheck(args) => gradcheck::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Info(args) => info::run(args).await,
        Command::Completions(args) => completions::run(args),
    }
}

/// Help and version go out as clap wrote them; an error becomes one line, as all others.
fn usage_error(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nothing can be done about a closed terminal.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    // The library's own messages name setting and value already.
    let own = error.source().and_then(|source| source.downcast_ref::<gpu_nn::Error>());
    console::error(&own.map_or_else(|| one_line(error), ToString::to_string));
    ExitCode::from(2)
}

/// Clap's message without its usage and its line breaks, with a next step.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let parts: Vec<&str> =
        lines.filter(|line| !line.is_empty() && !line.starts_with("For more information")).collect();
    let message = parts.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument))
            if error.kind() == ErrorKind::UnknownArgument && data_options::is_data(argument) =>
        {
            format!("{message}; data is chosen with --data {argument}")
        }
        _ => format!("{message}; see --help"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_of_every_command_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_argument_is_explained() {
        let cli = Cli::command();
        for command in cli.get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                let (command, name) = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{command}: {name} has no help");
            }
        }
    }
}
