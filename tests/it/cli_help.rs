//! What the program says of itself: help, version, completions.

use crate::command::Desk;

/// The subcommands that `--help` lists, but for `help` itself.
pub fn subcommands() -> Vec<String> {
    let help = Desk::new().output("--help");
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn help_lists_the_commands() {
    let commands = subcommands();
    for command in ["train", "predict", "evaluate", "sweep", "info", "completions"] {
        assert!(commands.iter().any(|name| name == command), "{command} is not in {commands:?}");
    }
}

#[test]
fn bare_gpu_nn_prints_the_help() {
    let assert = Desk::new().gpu_nn("").code(2).stdout("");
    let help = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(help.contains("Usage: gpu-nn") && help.contains("train"), "{help}");
}

#[test]
fn every_command_has_help_and_the_version() {
    let desk = Desk::new();
    let version = desk.output("--version");
    assert_eq!(version, format!("gpu-nn {}\n", env!("CARGO_PKG_VERSION")));
    for command in subcommands() {
        let help = desk.output(&format!("{command} --help"));
        assert!(help.contains(&format!("Usage: gpu-nn {command}")), "{help}");
        assert!(desk.output(&format!("{command} --version")).contains(env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn completions_know_the_commands_and_options() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.output(&format!("completions {shell}"));
        for word in ["gpu-nn", "train", "evaluate", "learning-rate", "json-parameters"] {
            assert!(script.contains(word), "{shell}: {word} is missing");
        }
    }
}

#[test]
fn info_names_what_auto_would_choose() {
    let desk = Desk::new();
    let info = desk.json("info --json");
    assert!(info["auto"]["backend"].is_string(), "{info}");
    assert!(desk.output("info").contains("--backend auto chooses"));
}

#[test]
fn info_says_what_to_install_where_there_is_no_adapter() {
    let desk = Desk::new();
    let mut command = desk.command(&["info"]);
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        command.env(variable, "/nonexistent.json");
    }
    let assert = command.assert().success();
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    if cfg!(target_os = "linux") {
        assert!(text.contains("No adapter") && text.contains("mesa-vulkan-drivers"), "{text}");
        assert!(text.contains("chooses cpu: no GPU was found"), "{text}");
    }
}
