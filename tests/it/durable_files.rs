//! Disks that are full, files that are read-only and folders that two processes want: nothing that was there before is lost.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::command::{Desk, failure};

/// A run with a checkpoint, an export and the answers of its network, all of which are written again below.
fn desk_with_a_run() -> Desk {
    let desk = Desk::new();
    desk.output(
        "train --data xor --hidden 6 --batch-size 64 --optimizer adam --epochs 4 --backend cpu --quiet --out run \
         --checkpoint-every 1 --validation 0.2",
    );
    desk.output("export run --out net.onnx");
    desk.output("export run --out net.c");
    desk.output("predict run --out answers.csv --backend cpu");
    desk
}

/// What each of these commands says when no file may become longer than half a kibibyte, as on a disk that is full.
fn with_a_full_disk(desk: &Desk, line: &str) -> (Option<i32>, String) {
    let mut arguments: Vec<&str> = line.split_whitespace().collect();
    let program = desk.process(&[]).get_program().to_owned();
    // The signal that comes with the limit is ignored, so that writing fails as it does on a full disk.
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    arguments.splice(0..0, ["-c", script, program.to_str().unwrap()]);
    let mut command = Command::new("sh");
    command.args(&arguments).current_dir(desk.path(""));
    for (name, value) in desk.process(&[]).get_envs() {
        command.env(name, value.unwrap());
    }
    let output = command.stdout(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_full_disk_is_an_error_that_loses_no_earlier_file() {
    let desk = desk_with_a_run();
    let before = desk.contents();
    for (line, named) in [
        ("train --resume run --epochs 8", "run/checkpoint.safetensors"),
        ("export run --out net.onnx", "net.onnx"),
        ("export run --out net.c", "net.c"),
        ("predict run --out answers.csv --backend cpu", "answers.csv"),
    ] {
        let (code, message) = with_a_full_disk(&desk, line);
        assert_eq!(code, Some(1), "{line}: {message}");
        assert!(message.starts_with(&format!("error: cannot write {named}: ")), "{line}: {message}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
        assert!(desk.contents() == before, "{line} has changed a file, or left one");
    }
    // A run of its own leaves no folder behind in which nothing could be written.
    let (code, message) = with_a_full_disk(&desk, "train --iterations 10 --backend cpu --no-plots");
    assert_eq!((code, message.contains("model.safetensors")), (Some(1), true), "{message}");
    assert!(desk.contents() == before, "a folder was left");
    // And what was kept is good.
    desk.output("train --resume run --epochs 8 --quiet");
}

#[test]
fn standard_output_on_a_full_disk_is_an_error() {
    let desk = Desk::new();
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let mut command =
        desk.process(&["train", "--iterations", "10", "--backend", "cpu", "--json", "--out", "run"]);
    let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), message.contains("standard output")), (Some(1), true), "{message}");
    // The report is lost, and nothing else.
    assert!(desk.path("run/model.safetensors").exists());
}

#[test]
fn a_file_that_is_read_only_stays_as_it_is() {
    let desk = desk_with_a_run();
    let path = desk.path("net.onnx");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let before = desk.contents();
    let line = failure(&desk, "export run --out net.onnx", 1);
    assert!(line.contains("cannot write net.onnx"), "{line}");
    assert!(desk.contents() == before, "something has changed");
}

#[test]
fn what_is_no_file_is_written_to() {
    let desk = desk_with_a_run();
    let direct = desk.output("predict run --backend cpu");
    let mut child = desk
        .process(&["predict", "run", "--backend", "cpu", "--out", "/dev/stdout"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text, direct);
    // A link stays one.
    std::os::unix::fs::symlink("answers.csv", desk.path("link.csv")).unwrap();
    desk.output("predict run --backend cpu --out link.csv");
    assert!(fs::symlink_metadata(desk.path("link.csv")).unwrap().is_symlink());
    assert_eq!(desk.read("answers.csv"), direct);
}

/// Two trainings that never end want the same folder: one has it, the other says so.
#[test]
fn two_trainings_do_not_share_a_folder() {
    let desk = Desk::new();
    let train = "train --iterations 1000000000 --report-every 1000 --checkpoint-every 1 --backend cpu --quiet --out run";
    let arguments: Vec<&str> = train.split_whitespace().collect();
    let mut first = desk.process(&arguments).spawn().unwrap();
    while !desk.path("run/checkpoint.safetensors").exists() {
        std::thread::yield_now();
    }
    for line in ["train --out run --backend cpu --iterations 10", "train --resume run"] {
        let message = failure(&desk, line, 2);
        assert!(message.contains("another gpu-nn is training in it"), "{line}: {message}");
    }
    // When it is gone, however it went, the folder is free; by its checkpoint too.
    first.kill().unwrap();
    first.wait().unwrap();
    let message = failure(&desk, "train --out run --backend cpu --iterations 10", 2);
    assert!(message.contains("already holds files"), "{message}");
    desk.output("train --resume run/checkpoint.safetensors --max-time 0.01s --quiet --no-plots");
    assert!(desk.path("run/history.csv").exists());
}

/// Many at once: every one of them has a folder to itself, or none.
#[test]
fn of_many_trainings_that_start_at_once_one_has_the_folder() {
    let desk = Desk::new();
    let train = "train --iterations 3000 --backend cpu --quiet --no-plots";
    let start = |out: &str| {
        let line = format!("{train} {out}");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        desk.process(&arguments).stderr(Stdio::null()).spawn().unwrap()
    };
    let same: Vec<_> = (0..8).map(|_| start("--out run")).collect();
    let own: Vec<_> = (0..8).map(|_| start("")).collect();
    let succeeded = |children: Vec<std::process::Child>| {
        children.into_iter().map(|mut child| child.wait().unwrap().success()).filter(|ok| *ok).count()
    };
    assert_eq!((succeeded(same), succeeded(own)), (1, 8));
    let runs: Vec<_> = fs::read_dir(desk.path("runs")).unwrap().collect();
    assert_eq!(runs.len(), 8);
}
