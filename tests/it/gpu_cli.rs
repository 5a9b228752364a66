//! The command line on a Vulkan adapter, a software one too; without any, these tests say so and pass, or fail if
//! `GPU_NN_REQUIRE_GPU=1` asks for an adapter.

use crate::cli_train::assert_reported;
use crate::command::{Desk, failure};
use crate::support::{Tolerance, assert_close, count, golden, list, number};

/// Whether there is an adapter to test on.
fn adapter_is_there() -> bool {
    // Asked of the program, whose surroundings the desk keeps quiet.
    let info = Desk::new().json("info --json");
    if list(&info["adapters"]).iter().any(|adapter| adapter["api"] == "vulkan") {
        return true;
    }
    let required = std::env::var("GPU_NN_REQUIRE_GPU").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "GPU_NN_REQUIRE_GPU=1, but no Vulkan adapter was found; scripts/vulkan.sh installs one"
    );
    eprintln!("skipped: no Vulkan adapter");
    false
}

#[test]
fn the_courses_programme_in_single_precision_gives_the_same_bytes_twice() {
    if !adapter_is_there() {
        return;
    }
    let desk = Desk::new();
    let [report, again] =
        ["a", "b"].map(|run| desk.json(&format!("train --backend vulkan --json --no-plots --out {run}")));
    assert_eq!(report["backend"], "vulkan");
    assert!(report["adapter"].is_string() && report["driver"].is_string(), "{report}");
    let golden = golden("02_train_planar");
    let want = list(&golden["runs"]).iter().find(|run| number(&run["learning_rate"]) == 1.2).unwrap();
    assert_reported(&report, &want["costs"], 7_000, 2e-5);
    assert_reported(&report, &want["costs"], 10_000, 2e-3);
    let (got, cost) = ([number(&report["cost_after_last"])], [number(&want["cost_after_last"])]);
    assert_close("cost after last", &got, &cost, Tolerance::abs(2e-3));
    assert!((360..=365).contains(&count(&report["n_correct"])), "{}", report["n_correct"]);

    assert_eq!(report["costs"], again["costs"]);
    for name in ["model.safetensors", "history.csv"] {
        let [a, b] = ["a", "b"].map(|run| std::fs::read(desk.path(run).join(name)).unwrap());
        assert!(a == b, "{name} differs between two runs");
    }
}

#[test]
fn the_way_to_multiply_wide_layers_is_measured_once_and_goes_with_the_checkpoint() {
    if !adapter_is_there() {
        return;
    }
    let desk = Desk::new();
    let train = "train --data blobs --m 256 --hidden 64,64 --batch-size 64 --epochs 2 --checkpoint-every 1 \
                 --backend vulkan --lowering layerwise --no-plots --quiet";
    desk.output(&format!("{train} --out a"));
    let choices = std::fs::read_to_string(desk.choices()).unwrap();
    let line =
        choices.lines().find(|line| line.contains("products | ")).unwrap_or_else(|| panic!("{choices}"));
    let ways = line.rsplit('"').nth(1).unwrap().to_owned();
    assert!(ways.len() == 9 && ways.contains(['n', 'r', 'w']), "{line}");
    // The same in the next run, and in one that another cache would have measured otherwise.
    desk.output(&format!("{train} --out b"));
    assert_eq!(std::fs::read_to_string(desk.choices()).unwrap(), choices);
    let model = |run: &str| std::fs::read(desk.path(run).join("model.safetensors")).unwrap();
    assert!(model("a") == model("b"), "other bits in the second run");
    let kept = std::fs::read(desk.path("a").join("checkpoint.safetensors")).unwrap();
    let word = format!("--products={ways}");
    assert!(
        kept.windows(word.len()).any(|bytes| bytes == word.as_bytes()),
        "{word} is not in the checkpoint"
    );
    let refused = failure(&desk, &format!("{train} --out c --products nonsense"), 2);
    assert!(refused.contains("ways to multiply") && !desk.path("c").exists(), "{refused}");
}

#[test]
fn a_model_moves_between_the_device_and_the_reference() {
    if !adapter_is_there() {
        return;
    }
    let desk = Desk::new();
    for (home, abroad) in [("vulkan", "cpu-reference"), ("cpu-reference", "vulkan")] {
        let report =
            desk.json(&format!("train --backend {home} --iterations 300 --no-plots --json --out {home}"));
        let evaluations =
            [home, abroad].map(|backend| desk.json(&format!("evaluate {home} --backend {backend} --json")));
        for evaluation in &evaluations {
            assert_eq!(evaluation["n_correct"], report["n_correct"], "trained on {home}");
            let (got, want) = ([number(&evaluation["cost"])], [number(&report["cost_after_last"])]);
            assert_close("cost", &got, &want, Tolerance::abs(2e-6));
        }
        let [here, there] = [home, abroad]
            .map(|backend| probabilities(&desk, &format!("predict {home} --backend {backend}")));
        assert_close("probabilities", &there, &here, Tolerance::abs(1e-5));
        assert_eq!(here.len(), 400);
    }
}

fn probabilities(desk: &Desk, arguments: &str) -> Vec<f64> {
    let answers = desk.output(arguments);
    answers.lines().skip(1).map(|line| line.split_once(',').unwrap().1.parse().unwrap()).collect()
}

#[test]
fn refuses_an_adapter_that_is_not_there_and_names_those_that_are() {
    if !adapter_is_there() {
        return;
    }
    let desk = Desk::new();
    for name in ["no-such-card", "99"] {
        let assert = desk.gpu_nn(&format!("train --backend vulkan --adapter {name}")).code(1).stdout("");
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        for word in ["error: ", name, "found only 0: ", "--adapter", "--backend cpu-reference"] {
            assert!(error.contains(word), "`{word}` is not in {error}");
        }
        assert!(desk.contents().is_empty());
    }
}

/// A sweep is the same networks on a device, in groups of one shape or all at once, as on the CPU.
#[test]
fn a_sweep_trains_the_same_networks_as_the_reference() {
    if !adapter_is_there() {
        return;
    }
    let desk = Desk::new();
    let sweep =
        "sweep --hidden 2,9 --init-seed 1..3 --learning-rate 0.1,1.2 --iterations 50 --no-plots --json";
    let want = desk.json(&format!("{sweep} --backend cpu-reference"));
    for how in ["", "--lowering resident", "--lowering fused"] {
        let got = desk.json(&format!("{sweep} --backend vulkan {how}"));
        let (got, want) = (list(&got["runs"]), list(&want["runs"]));
        assert_eq!(got.len(), 12);
        for (got, want) in got.iter().zip(want) {
            for key in ["hidden", "init_seed", "learning_rate"] {
                assert_eq!(got[key], want[key]);
            }
            let (a, b) = (number(&got["cost_after_last"]), number(&want["cost_after_last"]));
            assert!((a - b).abs() <= 1e-5, "{how}: {a}, not {b}: {got}");
        }
    }
}
