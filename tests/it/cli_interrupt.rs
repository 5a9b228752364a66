//! Ctrl-C and SIGTERM, as real signals to the real program: what is kept, what is said, and that a training that is taken up
//! again ends with the same bits.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::arrays::npy;
use crate::command::Desk;
use crate::gpu_support::device;

/// A command under way.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// What is left of a command that has ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Running {
    fn start(desk: &Desk, line: &str) -> Self {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = desk.process(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Waits for a line of standard output that begins so.
    fn wait_for(&mut self, beginning: &str) {
        let mut line = String::new();
        while !line.trim_start().starts_with(beginning) {
            line.clear();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "the program ended before it printed `{beginning}`");
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    fn end(mut self) -> Ended {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { code: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

/// A training in batches with everything that a checkpoint has to hold, and looks for each of its epochs.
const TRAINING: &str = "train --data spiral --m 400 --hidden 12:relu,6 --init he --batch-size 32 --optimizer adam \
                        --learning-rate 0.01 --validation 0.2 --no-plots";

/// Each backend, with the epochs that take it about a second.
fn ways() -> Vec<(String, usize)> {
    let mut ways = vec![("--backend cpu".to_owned(), 2_000), ("--backend cpu-reference".to_owned(), 1_500)];
    if device().is_some() {
        let lowerings = [("layerwise", 60), ("fused", 80), ("resident", 150)];
        ways.extend(lowerings.map(|(name, epochs)| (format!("--backend vulkan --lowering {name}"), epochs)));
    }
    ways
}

#[test]
fn ctrl_c_keeps_a_checkpoint_from_which_a_training_goes_on_with_the_same_bits() {
    for (number, (way, epochs)) in ways().into_iter().enumerate() {
        let desk = Desk::new();
        let line = format!("{TRAINING} {way} --epochs {epochs}");
        desk.output(&format!("{line} --quiet --out whole"));
        // Both signals, each on half of the backends.
        let (signal, code) = if number % 2 == 0 { ("INT", 130) } else { ("TERM", 143) };
        let mut running = Running::start(&desk, &format!("{line} --out part"));
        running.wait_for("epoch");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(code), "{way}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("interrupted after "), "{way}: {}", ended.stderr);
        assert!(ended.stderr.contains("gpu-nn train --resume part"), "{way}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{way}: {}", ended.stderr);
        assert!(desk.path("part/checkpoint.safetensors").exists(), "{way}");
        // Once more, in the middle of what was taken up.
        let mut running = Running::start(&desk, "train --resume part");
        running.wait_for("resumed");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, Some(code), "{way}: {} {}", ended.stdout, ended.stderr);
        desk.output("train --resume part --quiet");
        for name in ["history.csv", "looks.csv", "model.safetensors"] {
            let bytes = |folder: &str| fs::read(desk.path(folder).join(name)).unwrap();
            assert!(bytes("part") == bytes("whole"), "{way}: {name} differs");
        }
    }
}

#[test]
fn an_interrupted_prediction_leaves_nothing_behind() {
    let desk = Desk::new();
    desk.output("train --data noisy_moons --iterations 10 --backend cpu --no-plots --quiet --out run");
    fs::write(desk.path("x.npy"), npy("<f4", false, "(1000000, 2)", &vec![0; 8_000_000])).unwrap();
    let before = desk.contents();
    let running = Running::start(&desk, "predict run --data x.npy --stream --backend cpu --out answers.csv");
    // Signals are listened to before anything is written.
    let begun = |name: std::ffi::OsString| name.to_string_lossy().ends_with("unfinished");
    while !fs::read_dir(desk.path("")).unwrap().any(|entry| begun(entry.unwrap().file_name())) {
        std::thread::yield_now();
    }
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("interrupted after ") && ended.stderr.contains(" of 1000000 answers"));
    assert_eq!(desk.contents(), before);
}

#[test]
fn an_interrupted_training_says_so_in_json() {
    let desk = Desk::new();
    let line = "train --iterations 1000000000 --backend cpu --json --out run --checkpoint-every 1 --report-every 1000";
    let running = Running::start(&desk, line);
    while !desk.path("run/checkpoint.safetensors").exists() {
        std::thread::yield_now();
    }
    running.signal("INT");
    let ended = running.end();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &report["stopped"]), (Some(130), &Value::from("cancelled")));
    let done = report["iterations_done"].as_u64().unwrap();
    assert!((1..1_000_000_000).contains(&done), "{report}");
    assert_eq!(report["resume"], "gpu-nn train --resume run");
    // To end it there is a matter of asking for no more.
    desk.output(&format!("train --resume run --iterations {done} --quiet --no-plots"));
    let history = desk.read("run/history.csv");
    assert_eq!(history.lines().count() as u64, done + 2);
}

#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let desk = Desk::new();
    // Its iterations take seconds, and each is a submission.
    let line = "train --data blobs --m 4000 --hidden 700,700 --backend cpu-reference --no-plots --out run";
    let mut running = Running::start(&desk, line);
    running.wait_for("training");
    std::thread::sleep(std::time::Duration::from_millis(200));
    running.signal("INT");
    // Signals that come at the same time count as one.
    std::thread::sleep(std::time::Duration::from_millis(100));
    running.signal("INT");
    let ended = running.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(130), ""));
    assert!(!desk.path("run/checkpoint.safetensors").exists());
}

#[test]
fn an_interrupted_sweep_leaves_nothing_behind() {
    for way in ["--backend cpu", "--backend cpu-reference", "--backend vulkan --lowering resident"] {
        if way.contains("vulkan") && device().is_none() {
            continue;
        }
        let desk = Desk::new();
        let mut running = Running::start(
            &desk,
            &format!("sweep --hidden 3,4 --init-seed 1..20 --iterations 10000000 {way}"),
        );
        running.wait_for("training");
        std::thread::sleep(std::time::Duration::from_millis(300));
        running.signal("INT");
        let ended = running.end();
        assert_eq!(ended.code, Some(130), "{way}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("interrupted after "), "{way}: {}", ended.stderr);
        assert!(desk.contents().is_empty(), "{way}: something was left");
    }
}

#[test]
fn an_interrupted_bench_ends_its_measurement() {
    let desk = Desk::new();
    let mut running = Running::start(&desk, "bench --only cpu --iterations 1000000000");
    running.wait_for("way");
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal("TERM");
    let ended = running.end();
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(143), 1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("interrupted after 0 of 1 ways"), "{}", ended.stderr);
}
