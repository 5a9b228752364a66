//! The command line: one file a command; the only place that prints, reads arguments and picks exit codes.

mod completions;
mod console;
mod evaluate;
mod fit;
mod info;
mod options;
mod pictures;
mod predict;
mod record;
mod run_folder;
mod sweep;
mod train;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use gpu_nn::Result;

/// Trains neural networks on any GPU with WGSL compute shaders, and on the CPU where there is none.
#[derive(Debug, Parser)]
#[command(name = "gpu-nn", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\
    `gpu-nn train` alone is the course's programme: 400 points of the planar flower, 2-4-1, 10,000 iterations.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and save it with its cost curve and decision boundary
    Train(train::Args),
    /// Print a trained network's answer for every sample
    Predict(predict::Args),
    /// Accuracy, confusion matrix and cost of a trained network
    Evaluate(evaluate::Args),
    /// Train one network for each of several hidden sizes and compare them
    Sweep(sweep::Args),
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
        Err(error) => {
            console::error(&error.to_string());
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

async fn run(command: Command, start: Instant) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, start).await,
        Command::Predict(args) => predict::run(args).await,
        Command::Evaluate(args) => evaluate::run(args).await,
        Command::Sweep(args) => sweep::run(args, start).await,
        Command::Info(args) => info::run(args).await,
        Command::Completions(args) => completions::run(args),
    }
}

/// Help and version go out as clap wrote them; an error becomes one line, as all others.
fn usage_error(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    {
        // Nothing can be done about a closed terminal.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let text = error.to_string();
    let mut parts: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")) {
        if !line.is_empty() && !line.starts_with("For more information") {
            parts.push(line);
        }
    }
    let message = parts.join(" ");
    console::error(&format!("{}; see --help", message.strip_prefix("error: ").unwrap_or(&message)));
    ExitCode::from(2)
}
