//! Wrong input: one line on standard error that names thing, value and next step, the exit code, and nothing left behind.

use crate::command::Desk;

/// The program refuses these arguments with that exit code and one line that holds all of `words`; it prints nothing
/// on standard output, and leaves the desk as it was.
#[track_caller]
fn refused(desk: &Desk, arguments: &[&str], code: i32, words: &[&str]) {
    let before = desk.contents();
    let assert = desk
        .command(arguments)
        .env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json")
        .assert();
    let output = assert.get_output();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert!(error.starts_with("error: ") && error.ends_with('\n'), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
    for word in words {
        assert!(error.contains(word), "{arguments:?}: `{word}` is not in {error}");
    }
    assert!(desk.contents() == before, "{arguments:?}: files were left behind or changed");
}

/// `train` with `options`, quietly on the CPU, on an empty desk.
#[track_caller]
fn train_refuses(options: &str, code: i32, words: &[&str]) {
    let arguments = format!("train --backend cpu-reference --quiet --no-plots --iterations 50 {options}");
    // A repeated option is an error of its own: the one to be tested replaces the usual one.
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    for option in ["--backend", "--iterations"] {
        if options.contains(option) {
            let at = arguments.iter().position(|argument| *argument == option).unwrap();
            arguments.drain(at..at + 2);
        }
    }
    if options.contains("--animate") {
        arguments.retain(|argument| *argument != "--no-plots");
    }
    refused(&Desk::new(), &arguments, code, words);
}

/// `train` on a file with this text.
#[track_caller]
fn train_refuses_file(text: &str, code: i32, words: &[&str]) {
    let desk = Desk::new();
    desk.put("in.csv", text);
    let arguments = ["train", "--backend", "cpu-reference", "--quiet", "--data", "in.csv"];
    refused(&desk, &arguments, code, &[&["in.csv"], words].concat());
}

#[test]
fn refuses_an_unknown_data_set() {
    train_refuses("--data flowers", 2, &["data set `flowers`", "flower, noisy_circles", "CSV file"]);
}

#[test]
fn refuses_a_missing_file() {
    train_refuses("--data missing.csv", 1, &["cannot read missing.csv", "check the path"]);
}

#[test]
fn refuses_a_file_without_samples() {
    train_refuses_file("", 1, &["no samples"]);
    train_refuses_file("\n \n", 1, &["no samples"]);
    train_refuses_file("a,b,label\n", 1, &["no samples"]);
}

#[test]
fn refuses_a_ragged_file() {
    train_refuses_file("1,2,a\n1,2,3,b\n", 1, &["line 2", "expected 3 fields", "found 4"]);
}

#[test]
fn refuses_text_in_a_number_column() {
    train_refuses_file("h,w,label\n1,2,a\n1,tall,b\n", 1, &["line 3", "column `w`", "`tall`", "correct it"]);
}

#[test]
fn refuses_values_that_are_not_finite() {
    for value in ["NaN", "inf", "-inf"] {
        train_refuses_file(&format!("1,2,a\n1,{value},b\n"), 1, &["line 2", "column 2", value]);
    }
}

#[test]
fn refuses_a_single_class() {
    train_refuses_file("1,2,a\n3,4,a\n", 1, &["only one class (`a`)", "at least two"]);
}

#[test]
fn refuses_too_few_samples() {
    train_refuses("--m 0", 2, &["number of samples `0`", "flower takes 2"]);
    train_refuses("--m 1", 2, &["number of samples `1`", "flower takes 2"]);
    train_refuses("--m 2 --data spiral", 2, &["number of samples `2`", "spiral takes 3"]);
    train_refuses("--m -4", 2, &["'-4'", "--m", "whole number"]);
    train_refuses("--m many", 2, &["'many'", "--m", "whole number"]);
}

#[test]
fn refuses_a_seed_that_is_none() {
    for option in ["--data-seed", "--init-seed"] {
        for value in ["-1", "4294967296", "x"] {
            let quoted = format!("'{value}'");
            train_refuses(&format!("{option} {value}"), 2, &[option, &quoted, "0 to 4294967295"]);
        }
    }
}

#[test]
fn refuses_hidden_layers_that_are_none() {
    for value in ["0", "abc", "-1", "4,,5", "4,none", "99999999999999999999"] {
        train_refuses(&format!("--hidden {value}"), 2, &["hidden layer `", "20,7,5", "none"]);
    }
    train_refuses("--hidden 60001", 2, &["hidden layer `60001`", "between 1 and 60000"]);
    train_refuses("--hidden 4:step", 2, &["activation `step`", "tanh"]);
}

#[test]
fn refuses_an_unknown_activation() {
    train_refuses("--activation step", 2, &["activation `step`", "leaky_relu(SLOPE)"]);
    train_refuses("--activation leaky_relu(x)", 2, &["activation `leaky_relu(x)`", "leaky_relu(SLOPE)"]);
}

#[test]
fn refuses_a_slope_out_of_range() {
    for slope in ["0", "1", "-0.1", "NaN"] {
        let named = format!("slope `{slope}`");
        train_refuses(&format!("--activation leaky_relu({slope})"), 2, &[&named, "between 0 and 1"]);
    }
}

#[test]
fn refuses_a_learning_rate_that_is_no_positive_number() {
    for rate in ["NaN", "0", "-0.5", "inf", "fast"] {
        let quoted = format!("'{rate}'");
        train_refuses(&format!("--learning-rate {rate}"), 2, &["--learning-rate", &quoted, "such as 1.2"]);
    }
}

#[test]
fn refuses_to_do_nothing() {
    for option in ["--iterations", "--report-every"] {
        for value in ["0", "-1", "few"] {
            let quoted = format!("'{value}'");
            train_refuses(&format!("{option} {value}"), 2, &[option, &quoted, "at least 1"]);
        }
    }
}

#[test]
fn refuses_noise_that_is_none() {
    train_refuses("--noise -0.1", 2, &["noise `-0.1`", "0 or more"]);
    train_refuses("--noise NaN", 2, &["noise `NaN`", "0 or more"]);
    train_refuses("--noise loud", 2, &["--noise", "'loud'", "a number such as"]);
    train_refuses("--noise 0.1 --data no_structure", 2, &["noise `0.1`", "no_structure", "leave it out"]);
}

#[test]
fn refuses_settings_of_generators_for_a_file() {
    let desk = Desk::new();
    desk.put("in.csv", "1,2,a\n3,4,b\n");
    for (option, what) in [("--m", "number of samples"), ("--data-seed", "data seed"), ("--noise", "noise")] {
        let arguments = ["train", "--backend", "cpu-reference", "--data", "in.csv", option, "7"];
        refused(&desk, &arguments, 2, &[&format!("{what} `7`"), "not to a file"]);
    }
}

#[test]
fn refuses_a_label_column_that_is_not_there() {
    train_refuses("--label y", 2, &["label column `y`", "flower is generated", "leave --label out"]);
    let desk = Desk::new();
    desk.put("in.csv", "h,w,label\n1,2,a\n3,4,b\n");
    for (label, next) in [("kind", "`h`, `w`, `label`"), ("4", "columns 1 to 3")] {
        let arguments = ["train", "--backend", "cpu-reference", "--data", "in.csv", "--label", label];
        refused(&desk, &arguments, 2, &[&format!("label column `{label}`"), next]);
    }
}

#[test]
fn refuses_an_output_that_does_not_fit() {
    train_refuses(
        "--output sigmoid --data spiral",
        2,
        &["output `sigmoid`", "3 classes", "--output softmax"],
    );
    train_refuses("--output hinge", 2, &["'hinge'", "--output", "softmax, identity"]);
}

#[test]
fn refuses_an_unknown_backend() {
    train_refuses("--backend cuda", 2, &["backend `cuda`", "cpu-reference"]);
    train_refuses("--adapter x", 2, &["adapter `x`", "leave --adapter out"]);
}

#[test]
fn says_what_to_install_where_there_is_no_adapter() {
    let next = ["mesa-vulkan-drivers", "--backend cpu-reference"];
    train_refuses("--backend vulkan", 1, &[&["no adapter for --backend vulkan"], &next[..]].concat());
    train_refuses("--backend gpu", 1, &["no adapter for --backend gpu", "--backend cpu-reference"]);
}

#[test]
fn refuses_a_place_that_cannot_be_written() {
    let desk = Desk::new();
    desk.put("file", "");
    let train = ["train", "--backend", "cpu-reference", "--iterations", "2", "--quiet", "--out"];
    for place in ["file", "file/run", "new/../file/run"] {
        refused(&desk, &[&train[..], &[place]].concat(), 1, &["cannot write", "file", "--out"]);
    }
}

#[test]
fn refuses_a_folder_that_holds_something() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("full")).unwrap();
    desk.put("full/mine", "mine");
    let arguments = ["train", "--backend", "cpu-reference", "--out", "full"];
    refused(&desk, &arguments, 2, &["--out `full`", "already holds files", "a new or an empty one"]);
}

#[test]
fn refuses_to_animate_what_has_no_plane() {
    let desk = Desk::new();
    desk.put("in.csv", "1,2,3,a\n4,5,6,b\n");
    let arguments = ["train", "--backend", "cpu-reference", "--data", "in.csv", "--animate"];
    refused(&desk, &arguments, 1, &["in.csv", "2", "3"]);
}

#[test]
fn a_training_that_diverges_leaves_nothing_behind() {
    let next = ["training diverged", "iteration", "lower the learning rate (now 1e30)"];
    for place in ["", "--out new", "--out a/deep/one"] {
        train_refuses(&format!("--output identity --learning-rate 1e30 {place}"), 1, &next);
    }
}

#[test]
fn a_training_that_diverges_leaves_the_users_empty_folders_alone() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("mine/empty")).unwrap();
    for place in ["mine/empty", "mine/empty/new"] {
        let arguments = "train --backend cpu-reference --quiet --output identity --learning-rate 1e30 --out";
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.push(place);
        refused(&desk, &arguments, 1, &["training diverged"]);
    }
}

#[test]
fn refuses_sizes_that_a_sweep_cannot_train() {
    for sizes in ["0", "1,x", "1,,2", "4,-2"] {
        let arguments = ["sweep", "--backend", "cpu-reference", "--quiet", "--hidden", sizes];
        refused(&Desk::new(), &arguments, 2, &["hidden layer `", "give sizes such as"]);
    }
}

#[test]
fn refuses_arguments_that_mean_nothing() {
    let desk = Desk::new();
    refused(
        &desk,
        &["train", "--learning-rat", "1"],
        2,
        &["--learning-rat", "--learning-rate", "see --help"],
    );
    refused(&desk, &["train", "--iterations"], 2, &["--iterations", "value is required", "see --help"]);
    refused(&desk, &["train", "flower"], 2, &["'flower'", "--data flower"]);
    refused(&desk, &["frobnicate"], 2, &["'frobnicate'", "see --help"]);
    refused(&desk, &["predict"], 2, &["<RUN|MODEL>", "see --help"]);
    refused(&desk, &["completions", "tcsh"], 2, &["'tcsh'", "bash", "see --help"]);
    refused(&desk, &["train", "--json-parameters"], 2, &["--json", "see --help"]);
    refused(&desk, &["evaluate", "no-such-run"], 1, &["no-such-run", "check the path"]);
}

#[test]
fn an_error_stays_on_one_line_whatever_the_names_in_it_hold() {
    refused(&Desk::new(), &["train", "--data", "two\nlines"], 2, &["two lines"]);
    refused(&Desk::new(), &["train", "two\r\nlines"], 2, &["two"]);
    refused(&Desk::new(), &["evaluate", "two\nlines"], 1, &["two lines"]);
}
