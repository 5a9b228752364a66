//! The README's table of promises: each names test files that exist and tests that are in them.

use std::fs;
use std::path::Path;

fn read(path: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The rows of the table: (promise, held by).
fn promises(readme: &str) -> Vec<(&str, &str)> {
    let section = readme.split("## What gpu-nn promises").nth(1).unwrap_or("");
    let section = section.split("\n## ").next().unwrap_or("");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| **"));
    rows.filter_map(|row| row.trim_end_matches(" |").split_once(" | ")).collect()
}

/// What is wrong with a row's right side: files and tests that are not there, or none at all.
fn broken(held_by: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut count = 0;
    for part in held_by.split('[').skip(1) {
        let link = part.split_once("](").and_then(|(_, rest)| rest.split_once(')'));
        let Some((path, rest)) = link else {
            wrong.push(format!("no link in [{part}"));
            continue;
        };
        let text = read(path).unwrap_or_else(|error| {
            wrong.push(error);
            String::new()
        });
        // Names are what is between pairs of backticks.
        for test in rest.split('`').skip(1).step_by(2) {
            count += 1;
            if !text.contains(&format!("#[test]\nfn {test}()")) {
                wrong.push(format!("{path} has no test {test}"));
            }
        }
    }
    if count == 0 {
        wrong.push(format!("no test is named in: {held_by}"));
    }
    wrong
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let readme = read("README.md").unwrap();
    let promises = promises(&readme);
    assert!(promises.len() >= 10, "{promises:?}");
    let wrong: Vec<String> = promises.iter().flat_map(|(_, held_by)| broken(held_by)).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_promise_without_its_test_is_noticed() {
    let here = "[promises](tests/it/promises.rs)";
    assert_eq!(broken(&format!("{here} `a_promise_without_its_test_is_noticed`")), Vec::<String>::new());
    assert_eq!(
        broken(&format!("{here} `no_such_thing`")),
        ["tests/it/promises.rs has no test no_such_thing"]
    );
    assert_eq!(broken("[gone](tests/it/gone.rs) `a`").len(), 2);
    assert_eq!(broken("somebody").len(), 1);
    assert_eq!(broken(here).len(), 1);
    let table = "## What gpu-nn promises\n\n| promise | held by |\n|---|---|\n| **Much** of it | [a](b) `c` |\n## Next";
    assert_eq!(promises(table), [("Much** of it", "[a](b) `c`")]);
}
