//! docs/errors.md: a row for each variant of the error type, made here and held against the file.
//!
//! `GPU_NN_WRITE_ERRORS=1 cargo test --test it errors_page` writes it anew.

use std::fs;
use std::io;
use std::path::Path;

use gpu_nn::Error;

/// Where an error comes from in the table, with an example of it.
struct Example {
    error: Error,
    /// What to do about it, beyond what the message says.
    next: &'static str,
}

fn example(error: Error, next: &'static str) -> Example {
    Example { error, next }
}

fn not_found() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "No such file or directory (os error 2)")
}

/// An example of each variant, in the enum's order.
fn examples() -> Vec<Example> {
    let mut examples = of_what_is_given();
    examples.extend(of_devices());
    examples.extend(of_trainings());
    examples
}

fn of_what_is_given() -> Vec<Example> {
    vec![
        example(
            "sideways".parse::<gpu_nn::schedule::Lowering>().unwrap_err(),
            "Type one of the values that the message names; `gpu-nn COMMAND --help` explains each option.",
        ),
        example(
            Error::Read { path: "people.csv".into(), source: not_found() },
            "Check the path, and that you may read the file.",
        ),
        example(
            Error::Write {
                path: "runs/flower-1/model.safetensors".into(),
                source: io::Error::new(io::ErrorKind::StorageFull, "No space left on device (os error 28)"),
            },
            "Make room, or write elsewhere with `--out`. Files that were there before are as they were.",
        ),
        example(
            Error::data(
                "people.csv, line 7",
                "`abc` in column `age` is no number; correct it, or use --drop age",
            ),
            "Correct the line, or leave the column out; `gpu-nn data FILE` shows the file as the trainer reads it.",
        ),
        example(
            Error::Shape {
                what: "features of more.csv".into(),
                expected: "4".into(),
                found: "5".into(),
                hint: "use a file with the columns of the training data".into(),
            },
            "Give both sides the same shape; `gpu-nn data FILE` counts columns, `gpu-nn evaluate RUN` names the network.",
        ),
        example(
            Error::Model {
                path: "runs/flower-1/model.safetensors".into(),
                problem: "it is cut short; train again, or copy it anew".into(),
            },
            "Use a model that gpu-nn wrote; one of another program comes in with `gpu-nn import`.",
        ),
    ]
}

fn of_devices() -> Vec<Example> {
    vec![
        example(
            Error::NoAdapter {
                wanted: "--backend vulkan".into(),
                reason: "none was found; install your card's Vulkan driver, or use --backend cpu-reference"
                    .into(),
            },
            "`gpu-nn doctor` says why there is none and what to install; `--backend cpu` works everywhere.",
        ),
        example(
            Error::DeviceLimit {
                what: "A1 (60000 x 40000)".into(),
                needed: "9156 MiB".into(),
                device: "llvmpipe".into(),
                limit: "128 MiB an array".into(),
                hint: "use fewer samples or narrower layers, or --backend cpu-reference".into(),
            },
            "Use `--batch-size`, fewer samples or narrower layers, or `--backend cpu`; `gpu-nn info` shows the limits.",
        ),
        example(
            Error::Gpu { during: "training", message: "Validation Error: the buffer is destroyed".into() },
            "`gpu-nn verify` tells whether the driver is at fault; its `--json` belongs into a bug report.",
        ),
        example(
            Error::OutOfMemory { during: "building the training step", message: "Out of Memory".into() },
            "Use `--batch-size`, or `--backend cpu`. A training tries smaller pieces and other lowerings by itself first.",
        ),
        example(
            Error::DeviceLost { message: "the driver was reset".into() },
            "Start again; with `--checkpoint-every` a training goes on with `--resume`. Update the driver if it returns.",
        ),
        example(
            Error::Unproved {
                adapter: "Some GPU".into(),
                failed: 2,
                checks: 74,
                kernels: "row_sum, finish_sum".into(),
            },
            "Update the driver and run `gpu-nn verify` again; until then use what `auto` takes, or `--backend cpu`.",
        ),
    ]
}

fn of_trainings() -> Vec<Example> {
    vec![
        example(
            Error::Diverged { iteration: 213, cost: f64::INFINITY, learning_rate: 20.0 },
            "Lower `--learning-rate` (`gpu-nn find-rate` finds one), or use `--init xavier`. The last good network is kept.",
        ),
        example(
            Error::Cancelled {
                what: "iterations",
                done: 4_000,
                all: 10_000,
                next: "a checkpoint was kept".into(),
            },
            "Go on with `gpu-nn train --resume RUN`, with the same bits as if nothing had happened.",
        ),
        example(
            Error::Picture { picture: "the decision boundary", problem: "it takes 2 features, not 4".into() },
            "Use `--no-plots`; everything else of the run is written.",
        ),
    ]
}

/// The variants in the text of src/error.rs, each with its doc comment on one line.
fn variants(text: &str) -> Vec<(String, String)> {
    let body = text.split("pub enum Error {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let mut variants = Vec::new();
    let mut cause = Vec::new();
    for line in body.lines().filter_map(|line| line.strip_prefix("    ")) {
        if let Some(comment) = line.strip_prefix("/// ") {
            cause.push(comment);
        } else if let Some(name) = line.strip_suffix(" {").filter(|name| name.starts_with(char::is_uppercase))
        {
            variants.push((name.to_owned(), std::mem::take(&mut cause).join(" ")));
        }
    }
    variants
}

/// The name of an error's variant.
fn name(error: &Error) -> String {
    let debugged = format!("{error:?}");
    debugged.split([' ', '(', '{']).next().unwrap().to_owned()
}

/// The exit code of the command line.
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Cancelled { .. } => 130,
        error if error.is_usage() => 2,
        _ => 1,
    }
}

/// The page for these variants; an error says which of them has no example.
fn page(variants: &[(String, String)], examples: &[Example]) -> Result<String, String> {
    let mut page = "# Errors\n\n\
        Every error is one line on standard error that names the thing, the value and the next step. In the library each is a\n\
        variant of `gpu_nn::Error`. This page is made of src/error.rs by `tests/it/errors_page.rs`, which holds it against the\n\
        enum: `GPU_NN_WRITE_ERRORS=1 cargo test --test it errors_page` writes it.\n\n\
        | variant | exit code | cause | an example of its message | next step |\n|---|---|---|---|---|\n"
        .to_owned();
    for (variant, cause) in variants {
        let example = examples.iter().find(|example| name(&example.error) == *variant);
        let Example { error, next } = example.ok_or_else(|| format!("{variant} has no example"))?;
        let message = error.to_string().replace('|', "\\|");
        page += &format!("| `{variant}` | {} | {cause} | {message} | {next} |\n", exit_code(error));
    }
    Ok(page)
}

fn source() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error.rs")).unwrap()
}

#[test]
fn the_page_is_that_of_the_enum() {
    let variants = variants(&source());
    assert!(variants.len() >= 13, "{variants:?}");
    let page = page(&variants, &examples()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    if std::env::var("GPU_NN_WRITE_ERRORS").is_ok_and(|value| value == "1") {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/errors.md is stale: GPU_NN_WRITE_ERRORS=1 cargo test --test it errors_page writes it"
    );
}

#[test]
fn an_example_is_one_line_that_ends_with_what_to_do() {
    for Example { error, next } in examples() {
        let message = error.to_string();
        assert!(message.lines().count() == 1 && next.ends_with('.'), "{message}: {next}");
    }
}

#[test]
fn a_variant_without_an_example_is_noticed() {
    let more = source().replace(
        "    /// The cost stopped",
        "    /// Something new.\n    New {\n    },\n    /// The cost stopped",
    );
    let error = page(&variants(&more), &examples()).unwrap_err();
    assert_eq!(error, "New has no example");
    // Another cause is another page.
    let other = source().replace("A file that could not be read.", "A file that is not there.");
    assert_ne!(page(&variants(&other), &examples()), page(&variants(&source()), &examples()));
}
