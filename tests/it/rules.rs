//! House rules that the compiler does not hold: which part may import which, who prints, how long things get.
//!
//! Every rule is a function from a file's text to the lines that break it, and is shown to find a planted fault.

use std::fs;
use std::path::Path;

use crate::cli_help::subcommands;

/// The library's parts with their rank; imports run to a lower rank only, never to a neighbour of the same.
const RANKS: [(&str, usize); 14] = [
    ("error", 0),
    ("npy", 1),
    ("data", 2),
    ("network", 3),
    ("schedule", 4),
    ("cpu", 5),
    ("cpu_reference", 5),
    ("gpu", 5),
    ("training", 6),
    ("verify", 7),
    ("model", 7),
    ("plot", 7),
    ("export", 8),
    ("fit", 8),
];

const MAX_FILE: usize = 400;
const MAX_FUNCTION: usize = 60;

/// A text file of the project, by its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Its lines without comments, and without the tests at its end; a file tests.rs has nothing else.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_code = !self.path.ends_with("/tests.rs");
        let lines = self.text.lines().take_while(move |line| is_code && line.trim() != "#[cfg(test)]");
        lines.enumerate().map(|(i, line)| (i + 1, line.split("//").next().unwrap_or("")))
    }

    /// The places where `is_wrong` finds a line of code wrong.
    fn wrong_lines(&self, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
        let wrong = self.code().filter(|(_, line)| is_wrong(line));
        wrong.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim())).collect()
    }

    /// The part of the library that a file of src belongs to.
    fn part(&self) -> &str {
        let name = self.path.trim_start_matches("src/").split('/').next().unwrap_or("");
        name.trim_end_matches(".rs")
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), folder, &mut found);
    assert!(!found.is_empty(), "no files in {folder}");
    found
}

fn collect(root: &Path, folder: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            collect(root, &path, found);
        } else if path.ends_with(".rs") || path.ends_with(".wgsl") {
            found.push(Source { path, text: fs::read_to_string(entry.path()).unwrap() });
        }
    }
}

/// No file of `folder` breaks the rule.
#[track_caller]
fn assert_rule(folder: &str, rule: impl Fn(&Source) -> Vec<String>) {
    let broken: Vec<String> = sources(folder).iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The rule finds the fault, and not a fault in `clean`.
#[track_caller]
fn assert_finds(rule: impl Fn(&Source) -> Vec<String>, path: &str, fault: &str, clean: &str) {
    let source = |text: &str| Source { path: path.into(), text: text.into() };
    assert!(!rule(&source(fault)).is_empty(), "the fault was not found: {fault}");
    assert_eq!(rule(&source(clean)), Vec::<String>::new());
}

/// The parts of the library that a line's `crate::` paths name.
fn imports(line: &str) -> Vec<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let paths = line.match_indices("crate::").filter(|(at, _)| !line[..*at].ends_with(is_name));
    let names = paths.flat_map(|(at, path)| {
        let rest = &line[at + path.len()..];
        match rest.strip_prefix('{') {
            // The names within inner braces come along; they are no parts of the library.
            Some(group) => group.split(", ").filter(|part| !part.starts_with('}')).collect(),
            None => vec![rest],
        }
    });
    names.map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or("")).collect()
}

fn imports_upward(source: &Source) -> Vec<String> {
    let rank = |part: &str| RANKS.iter().find(|(name, _)| *name == part).map(|(_, rank)| *rank);
    let Some(own) = rank(source.part()) else { return Vec::new() };
    let is_upward =
        |part: &&str| *part != source.part() && rank(part).is_some_and(|imported| imported >= own);
    // A group over several lines would hide its names from this line-by-line look.
    source.wrong_lines(|line| line.ends_with("crate::{") || imports(line).iter().any(is_upward))
}

#[test]
fn imports_run_downward() {
    assert_rule("src", imports_upward);
    let schedule = "src/schedule/build.rs";
    let clean = "use crate::network::Network;\n/// Used by [`crate::gpu`].\n";
    assert_finds(imports_upward, schedule, "use crate::training::Trainer;", clean);
    assert_finds(imports_upward, schedule, "use crate::{error::Error, gpu::Device};", clean);
    assert_finds(
        imports_upward,
        schedule,
        "    let d = crate::plot::Grid::new();",
        "use crate::schedule::Op;",
    );
}

#[test]
fn executors_do_not_know_each_other() {
    assert_finds(
        imports_upward,
        "src/gpu/executor.rs",
        "use crate::cpu_reference::cost;",
        "use crate::gpu::Api;",
    );
    assert_finds(
        imports_upward,
        "src/cpu/executor.rs",
        "use crate::cpu_reference::cost;",
        "use crate::schedule::Op;",
    );
    assert_finds(
        imports_upward,
        "src/cpu_reference/mod.rs",
        "use crate::gpu::Device;",
        "use crate::data::Dataset;",
    );
}

#[test]
fn every_part_of_the_library_has_a_rank() {
    let ranked = |part: &str| RANKS.iter().any(|(name, _)| *name == part);
    for source in sources("src") {
        let part = source.part();
        assert!(ranked(part) || ["cli", "main", "lib"].contains(&part), "{} has no rank", source.path);
    }
}

fn uses_wgpu(source: &Source) -> Vec<String> {
    if source.part() == "gpu" {
        return Vec::new();
    }
    source.wrong_lines(|line| line.contains("wgpu::") || line.trim_start().starts_with("use wgpu"))
}

#[test]
fn only_the_gpu_part_knows_wgpu() {
    assert_rule("src", uses_wgpu);
    assert_finds(uses_wgpu, "src/training/backend.rs", "fn f(device: wgpu::Device) {}", "// wgpu::Device");
}

fn talks(source: &Source) -> Vec<String> {
    if ["cli", "main"].contains(&source.part()) {
        return Vec::new();
    }
    let words = ["println!", "eprintln!", "print!", "eprint!", "dbg!", "process::exit", "clap", "io::stdout"];
    source.wrong_lines(|line| words.iter().any(|word| line.contains(word)))
}

#[test]
fn only_the_command_line_prints_and_exits() {
    assert_rule("src", talks);
    assert_finds(talks, "src/data/mod.rs", "    println!(\"{m}\");", "/// println!");
    assert_finds(talks, "src/gpu/poll.rs", "std::process::exit(1);", "return Err(error);");
    assert_finds(talks, "src/network/spec.rs", "use clap::ValueEnum;", "use std::fmt;");
}

fn too_long(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut long = Vec::new();
    if lines.len() > MAX_FILE {
        long.push(format!("{}: {} lines, more than {MAX_FILE}", source.path, lines.len()));
    }
    for (i, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.split_whitespace().take_while(|word| *word != "fn");
        let is_function = line.contains("fn ") && words.clone().all(is_modifier) && words.count() < 6;
        if !is_function || line.ends_with([';', '}']) {
            continue;
        }
        // The formatter puts the closing brace under the start of the line that opened.
        let closing = format!("{}}}", " ".repeat(indent));
        let end = lines[i..].iter().position(|line| *line == closing);
        let length = end.map_or(0, |end| end + 1);
        if length > MAX_FUNCTION {
            long.push(format!("{}:{}: {length} lines, more than {MAX_FUNCTION}", source.path, i + 1));
        }
    }
    long
}

/// What may stand before `fn`.
fn is_modifier(word: &str) -> bool {
    word.starts_with("pub") || ["async", "const", "unsafe", "super)", "crate)"].contains(&word)
}

#[test]
fn files_and_functions_stay_short() {
    for folder in ["src", "shaders", "examples"] {
        assert_rule(folder, too_long);
    }
    let function = |lines: usize| format!("pub(super) fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    assert_finds(too_long, "src/lib.rs", &function(MAX_FUNCTION + 1), &function(MAX_FUNCTION));
    assert_finds(too_long, "src/lib.rs", &"\n".repeat(MAX_FILE + 1), &"\n".repeat(MAX_FILE));
}

fn undescribed(source: &Source) -> Vec<String> {
    let described = source.text.starts_with("//! ");
    if described { Vec::new() } else { vec![format!("{} does not begin with `//! `", source.path)] }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for folder in ["src", "tests", "examples"] {
        assert_rule(folder, undescribed);
    }
    assert_finds(undescribed, "src/lib.rs", "use std::fmt;\n", "//! A library.\n");
}

fn gives_up(source: &Source) -> Vec<String> {
    source.wrong_lines(|line| [".unwrap()", "todo!", "unimplemented!"].iter().any(|word| line.contains(word)))
}

#[test]
fn nothing_is_unwrapped_or_left_to_do() {
    assert_rule("src", gives_up);
    let clean = "let a = b?;\n#[cfg(test)]\nmod tests { fn t() { a.unwrap(); } }\n";
    assert_finds(gives_up, "src/lib.rs", "let a = b.unwrap();", clean);
    assert_finds(gives_up, "src/lib.rs", "    todo!()", clean);
}

fn unproved_unsafe(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let is_unsafe =
        |line: &str| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|w| w == "unsafe");
    let unproved = source.code().filter(|(number, line)| {
        let above = &lines[number.saturating_sub(6)..number - 1];
        is_unsafe(line) && !above.iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety"))
    });
    unproved.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())).collect()
}

#[test]
fn unsafe_code_is_proved_in_a_comment() {
    assert_rule("src", unproved_unsafe);
    let clean = "// SAFETY: the host has checked the bounds.\nunsafe { f() }\n";
    assert_finds(unproved_unsafe, "src/lib.rs", "unsafe { f() }\n", clean);
}

/// The variants of `Op` in the text of schedule/op.rs, in snake case.
fn ops(text: &str) -> Vec<String> {
    let body = text.split("pub enum Op {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let variants = body.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    variants.filter(|name| name.starts_with(char::is_uppercase)).map(snake_case).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (i, c) in name.chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// What an operation lacks: a kernel in the shaders, or a public twin in `cpu_reference`.
fn missing(op: &str, shaders: &str, twins: &str) -> Vec<String> {
    // An entry point's attribute may stand on the line before.
    let kernel = shaders
        .split("@compute")
        .skip(1)
        .any(|entry| entry.split("fn ").nth(1).is_some_and(|rest| rest.split('(').next() == Some(op)));
    let twin = twins.contains(&format!("pub fn {op}("));
    let lacks = [(kernel, "kernel"), (twin, "twin in cpu_reference")];
    lacks.iter().filter(|(there, _)| !there).map(|(_, what)| format!("{op} has no {what}")).collect()
}

#[test]
fn every_operation_has_a_kernel_and_a_twin_of_its_name() {
    let all = |folder: &str| sources(folder).into_iter().map(|source| source.text).collect::<String>();
    let (shaders, twins) = (all("shaders"), all("src/cpu_reference"));
    let op_file = sources("src/schedule").into_iter().find(|source| source.path.ends_with("/op.rs")).unwrap();
    let ops = ops(&op_file.text);
    assert!(ops.len() >= 10 && ops.contains(&"matmul_bias".to_owned()), "{ops:?}");
    let missing_ones: Vec<String> = ops.iter().flat_map(|op| missing(op, &shaders, &twins)).collect();
    assert!(missing_ones.is_empty(), "{missing_ones:?}");
    assert_eq!(missing("transpose", &shaders, &twins).len(), 2);
}

/// The commands that a text does not show as `gpu-nn COMMAND`.
fn unmentioned<'a>(commands: &'a [String], text: &str) -> Vec<&'a String> {
    commands.iter().filter(|command| !text.contains(&format!("gpu-nn {command}"))).collect()
}

#[test]
fn the_readme_shows_every_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let commands = subcommands();
    assert!(commands.len() >= 6, "{commands:?}");
    assert_eq!(unmentioned(&commands, &readme), Vec::<&String>::new());
}

#[test]
fn a_command_that_a_readme_leaves_out_is_noticed() {
    let commands = ["train".to_owned(), "sweep".to_owned()];
    assert_eq!(unmentioned(&commands, "run `gpu-nn train`"), [&commands[1]]);
}
