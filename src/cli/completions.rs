//! `gpu-nn completions`: completion scripts for shells.

use clap::CommandFactory;
use clap_complete::Shell;
use gpu_nn::Result;

use super::{Cli, console};

/// Print a completion script, e.g. `gpu-nn completions bash > ~/.local/share/bash-completion/completions/gpu-nn`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(args: Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gpu-nn", &mut script);
    console::print(&String::from_utf8_lossy(&script))
}
