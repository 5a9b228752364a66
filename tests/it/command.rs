//! The program as a user starts it: in a folder of its own, with nothing of the machine's display and no noise from it.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use serde_json::Value;
use tempfile::TempDir;

/// A working directory for commands; removed in the end.
pub struct Desk {
    folder: TempDir,
    /// What libwayland, behind some Vulkan drivers, complains about on standard error where it is missing.
    runtime: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: private_folder(), runtime: private_folder() }
    }

    /// A file or folder on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the program keeps what it has measured and verified.
    pub fn choices(&self) -> PathBuf {
        self.runtime.path().join("gpu-nn").join("choices.json")
    }

    /// Puts a text file on the desk.
    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file and folder on the desk, sorted, with the bytes of the files.
    pub fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found);
        found.sort();
        found
    }

    /// `gpu-nn` with these arguments, separated by spaces; `command` takes others.
    pub fn gpu_nn(&self, arguments: &str) -> Assert {
        self.command(&arguments.split_whitespace().collect::<Vec<_>>()).assert()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("gpu-nn"));
        command.current_dir(self.folder.path()).env("XDG_RUNTIME_DIR", self.runtime.path());
        command.env("XDG_CACHE_HOME", self.runtime.path());
        // What the driver has compiled is no secret between tests.
        command.env("MESA_SHADER_CACHE_DIR", env!("CARGO_TARGET_TMPDIR")).args(arguments);
        command
    }

    /// Starts a command and does not wait for it.
    pub fn spawn(&self, arguments: &[&str]) -> std::process::Child {
        self.process(arguments).spawn().unwrap()
    }

    /// A command to be started as the test likes.
    pub fn process(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("gpu-nn"));
        command.current_dir(self.folder.path()).env("XDG_RUNTIME_DIR", self.runtime.path());
        command.env("XDG_CACHE_HOME", self.runtime.path());
        // What the driver has compiled is no secret between tests.
        command.env("MESA_SHADER_CACHE_DIR", env!("CARGO_TARGET_TMPDIR")).args(arguments);
        command
    }

    /// Runs a command that succeeds without a word on standard error; its standard output.
    #[track_caller]
    pub fn output(&self, arguments: &str) -> String {
        let assert = self.gpu_nn(arguments).success().stderr("");
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    }

    /// The same for a command that prints one JSON object and nothing else.
    #[track_caller]
    pub fn json(&self, arguments: &str) -> Value {
        let text = self.output(arguments);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments}: {e}\n{text}"));
        assert!(value.is_object(), "{arguments}: {value}");
        value
    }
}

/// Runs a command that fails with that exit code, one line on standard error and nothing on standard output; the line.
#[track_caller]
pub fn failure(desk: &Desk, arguments: &str, code: i32) -> String {
    let assert = desk.gpu_nn(arguments).failure().code(code);
    let line = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(line.starts_with("error: ") && line.lines().count() == 1, "{arguments}: {line}");
    line
}

/// A folder that only its owner can enter, as a runtime folder has to be.
fn private_folder() -> TempDir {
    // `tempdir` makes them with mode 700.
    tempfile::tempdir().unwrap()
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            found.push((path, Vec::new()));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}
