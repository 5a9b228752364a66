//! Losses of values, smoothed labels, clipped gradients and activations that keep Z: against PyTorch, and every executor
//! against `cpu_reference`; and what the command line makes of them.

use gpu_nn::network::{Activation, Loss, Network, Parameters, parse_hidden, parse_value_loss};
use gpu_nn::schedule::{
    Clip, Contents, Descent, Dropout, Lowering, Op, Optimizer, Problem, Storage, Variant, gradients_with,
};
use gpu_nn::{Error, cpu_reference};
use pollster::block_on;
use serde_json::Value;

use crate::command::{Desk, failure};
use crate::gpu_support::{Case, Numbers, RunCase, SIZES, device};
use crate::optimisers::{Task, assert_close, outcome, run, ways};
use crate::support::{count, flat, golden, number};

/// A case of the golden file.
pub struct Golden {
    network: Network,
    first: Parameters,
    x: Vec<f64>,
    y: Vec<f64>,
    m: usize,
    descent: Descent,
    label_smoothing: f64,
}

impl Golden {
    pub fn new(file: &Value, case: &Value) -> Self {
        let output = case["output"].as_str().unwrap();
        let loss = match output {
            "sigmoid" => Loss::BinaryCrossEntropy,
            "softmax" => Loss::SoftmaxCrossEntropy,
            _ => parse_value_loss(case["loss"].as_str().unwrap()).unwrap(),
        };
        let activation: Activation = case["activation"].as_str().unwrap_or("tanh").parse().unwrap();
        let hidden = parse_hidden(&count(&file["hidden"]).to_string(), activation).unwrap();
        let network = Network::new(2, hidden, count(&file["outputs"][output]), loss).unwrap();
        let of = |name: &str| case.get(name).map(number);
        let descent = Descent {
            optimizer: case["optimizer"].as_str().unwrap_or("sgd").parse().unwrap(),
            l1: of("l1").unwrap_or(0.0),
            l2: of("l2").unwrap_or(0.0),
            clip: of("clip_norm").map(Clip::Norm).or(of("clip_value").map(Clip::Value)),
            ..Descent::sgd(of("learning_rate").unwrap_or(1.0))
        };
        Self {
            first: Parameters::from_values(&network, flat(&file["first"][output])).unwrap(),
            network,
            x: flat(&file["x"]),
            y: flat(&file["targets"][output]),
            m: count(&file["m"]),
            descent,
            label_smoothing: of("smoothing").unwrap_or(0.0),
        }
    }

    pub fn problem(&self) -> Problem<'_> {
        let Self { network, first, x, y, m, descent, label_smoothing } = self;
        let whole = Problem::full_batch(network, first, x, y, *m, 0.0);
        Problem { descent: *descent, label_smoothing: *label_smoothing, ..whole }
    }
}

/// Runs cases of the golden file on every backend and lowering; those in `refused` may refuse them.
fn assert_as_pytorch(names: &[&str], may_refuse: &[Lowering]) {
    let file = golden("11_objectives");
    for (backend, lowerings) in ways() {
        for name in names {
            let want = &file["runs"][name];
            let case = Golden::new(&file, want);
            let problem = Problem { batch_size: count(&file["batch_size"]), ..case.problem() };
            for &lowering in &lowerings {
                let mut executor = match backend.executor(&problem, lowering) {
                    Err(Error::DeviceLimit { .. }) if may_refuse.contains(&lowering) => continue,
                    executor => executor.unwrap(),
                };
                run(&mut executor, count(&file["steps"]));
                let (costs, parameters, _) = outcome(&mut executor);
                let tolerance = if backend.single_precision() { 1e-5 } else { 1e-9 };
                let what = format!("{name}, {} {}", backend.name(), executor.lowering());
                assert_close(&what, &costs, &flat(&want["costs"]), tolerance);
                assert_close(&what, &parameters, &flat(&want["parameters"]), tolerance);
            }
        }
    }
}

#[test]
fn losses_of_values_and_smoothed_labels_are_those_of_pytorch() {
    assert_as_pytorch(&["absolute", "huber", "smoothed sigmoid", "smoothed softmax"], &[]);
}

const WHOLE: [Lowering; 2] = [Lowering::Fused, Lowering::Resident];

#[test]
fn clipped_gradients_are_those_of_pytorch() {
    assert_as_pytorch(&["clipped norm", "clipped norm with l2", "clipped norm of adam"], &WHOLE);
    assert_as_pytorch(&["clipped value", "clipped value with l1"], &[]);
}

/// What a problem leaves behind on every executor, held against the reference; lowerings in `refused` may refuse it.
fn assert_as_reference(task: &Task, problem: &Problem<'_>, iterations: usize, may_refuse: &[Lowering]) {
    let mut reference = cpu_reference::Executor::new(problem).unwrap();
    let mut left = iterations;
    while left > 0 {
        left -= reference.run(left);
    }
    let (costs, parameters) = (reference.take_costs(), reference.parameters().values().to_vec());
    for (backend, lowerings) in ways() {
        for lowering in lowerings {
            let wide = task.x.len() > 10_000;
            let mut executor = match backend.executor(problem, lowering) {
                Err(Error::DeviceLimit { .. }) if wide || may_refuse.contains(&lowering) => continue,
                executor => executor.unwrap(),
            };
            run(&mut executor, iterations);
            let got = outcome(&mut executor);
            let what = format!("{} {:?} {} {lowering}", task.network, task.network.loss(), backend.name());
            assert_close(&what, &got.0, &costs, 2e-5);
            assert_close(&what, &got.1, &parameters, 2e-5);
            let cost = block_on(executor.cost()).unwrap();
            assert_close(&format!("{what}, all"), &[cost], &[reference.cost()], 2e-5);
        }
    }
}

/// Small, deep, and wide for the CPU and for devices.
fn tasks(loss: Loss, n_outputs: usize) -> [Task; 3] {
    [
        Task::new(2, "4", loss, n_outputs, 100),
        Task::new(3, "12,5:relu", loss, n_outputs, 257),
        Task::new(70, "300:relu,200", loss, n_outputs, 150),
    ]
}

#[test]
fn losses_of_values_on_every_executor_with_weights_and_batches() {
    for loss in [Loss::AbsoluteError, Loss::Huber { delta: 0.5 }] {
        for task in tasks(loss, 3) {
            let weights: Vec<f64> = (0..task.m).map(|j| [0.0, 0.5, 1.0, 2.5][j % 4]).collect();
            let problem = Problem { weights: Some(&weights), ..task.problem() };
            assert_as_reference(&task, &problem, 8, &[]);
            let problem = Problem { batch_size: 48, shuffle: Some(3), ..task.problem() };
            assert_as_reference(&task, &problem, 8, &[]);
        }
    }
}

#[test]
fn smoothed_labels_on_every_executor_with_weights_and_batches() {
    for (loss, n_outputs) in [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 4)] {
        for task in tasks(loss, n_outputs) {
            let weights: Vec<f64> = (0..task.m).map(|j| [0.0, 0.5, 1.0, 2.5][j % 4]).collect();
            let smoothed = Problem { label_smoothing: 0.3, ..task.problem() };
            assert_as_reference(&task, &Problem { weights: Some(&weights), ..smoothed }, 8, &[]);
            assert_as_reference(&task, &Problem { batch_size: 48, shuffle: Some(3), ..smoothed }, 8, &[]);
        }
    }
}

#[test]
fn clipped_gradients_on_every_executor() {
    let adamw = "adamw:epsilon=0.01,weight_decay=0.1".parse().unwrap();
    for task in tasks(Loss::SoftmaxCrossEntropy, 4) {
        for (clip, refused) in [(Clip::Norm(0.05), &WHOLE[..]), (Clip::Value(1e-3), &[])] {
            for optimizer in [Optimizer::Sgd, adamw] {
                let descent =
                    Descent { clip: Some(clip), optimizer, l1: 1e-3, l2: 1e-2, ..Descent::sgd(0.02) };
                let problem = Problem { descent, batch_size: 48, shuffle: Some(3), ..task.problem() };
                assert_as_reference(&task, &problem, 8, refused);
                let open = Descent { clip: None, ..descent };
                let parameters = |descent| {
                    let mut executor = cpu_reference::Executor::new(&Problem { descent, ..problem }).unwrap();
                    while executor.run(1) == 0 {}
                    executor.parameters().values().to_vec()
                };
                assert_ne!(parameters(descent), parameters(open), "nothing is clipped");
            }
        }
    }
}

/// The kernels against their twin at awkward sizes, in one chunk and in many.
#[test]
fn gradients_are_clipped_on_a_device_as_by_the_twin() {
    let Some(device) = device() else { return };
    for size in SIZES.into_iter().chain([1_024, 70_001]) {
        for most in [1e-3, 1e9] {
            let mut numbers = Numbers::new(12);
            let mut case = Case::new(1);
            case.parameter("W1", (size, 1), &numbers.normals(size));
            case.before.gradients = numbers.normals(case.schedule.n_parameters);
            case.op(Op::ClipNorm { most, l1: 0.01, l2: 0.1 });
            case.op(Op::Optimize { descent: Descent { clip: Some(Clip::Norm(most)), ..Descent::sgd(0.0) } });
            // The step size of an iteration is where its cost is.
            case.before.step = 0;
            let (got, want) = case.run(device);
            let largest = want.gradients.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
            assert_close(&format!("{size} {most}"), &got.gradients, &want.gradients, 2e-6 * largest);
            let norm = got.gradients.iter().map(|g| g * g).sum::<f64>().sqrt();
            assert!(most > 1.0 || (norm / most - 1.0).abs() < 1e-2, "{size}: {norm}");
        }
    }
}

#[test]
fn limits_of_gradients_that_cannot_be_meant_are_refused() {
    let task = Task::new(2, "4", Loss::SquaredError, 2, 10);
    for most in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for clip in [Clip::Norm(most), Clip::Value(most)] {
            let descent = Descent { clip: Some(clip), ..Descent::sgd(0.1) };
            let error = cpu_reference::Executor::new(&Problem { descent, ..task.problem() }).err().unwrap();
            assert!(error.is_usage() && error.to_string().contains("to clip at"), "{error}");
        }
    }
    let desk = Desk::new();
    let error = failure(&desk, "train --clip-norm 0 --iterations 5", 2);
    assert!(error.contains("norm to clip at `0`"), "{error}");
    desk.gpu_nn("train --clip-norm 1 --clip-value 1").failure().code(2);
    let record = |options: &str, run: &str| -> toml::Table {
        desk.output(&format!("train --iterations 20 --backend cpu --no-plots --out {run} {options}"));
        desk.read(&format!("{run}/run.toml")).parse().unwrap()
    };
    assert_eq!(record("--clip-norm 0.5", "a")["settings"]["clip_norm"].as_float(), Some(0.5));
    assert_eq!(record("--clip-value 0.01", "b")["settings"]["clip_value"].as_float(), Some(0.01));
}

#[test]
fn activations_that_keep_z_are_those_of_pytorch() {
    assert_as_pytorch(&["gelu", "silu"], &WHOLE);
}

#[test]
fn activations_that_keep_z_on_every_executor_with_dropout_and_batches() {
    for hidden in ["5:gelu", "9:silu,5:tanh,7:gelu", "300:gelu,200:silu"] {
        let features = if hidden.starts_with("300") { 70 } else { 3 };
        let task = Task::new(features, hidden, Loss::SoftmaxCrossEntropy, 4, 150);
        for dropout in [None, Some(Dropout { rate: 0.3, seed: 4 })] {
            let problem = Problem { dropout, ..task.problem() };
            assert_as_reference(&task, &problem, 8, &WHOLE);
            assert_as_reference(&task, &Problem { batch_size: 48, shuffle: Some(3), ..problem }, 8, &WHOLE);
        }
        for (backend, lowerings) in ways() {
            for lowering in lowerings.into_iter().filter(|lowering| WHOLE.contains(lowering)) {
                let error = backend.executor(&task.problem(), lowering).err().expect("it is taken");
                assert!(matches!(error, Error::DeviceLimit { .. }), "{error}");
            }
        }
    }
}

/// The gradient of a variant of a network, against central differences of its cost.
fn assert_gradient(task: &Task, variant: Variant) {
    let schedule = gradients_with(&task.network, task.m, variant);
    let mut before = Contents::zeros(&schedule);
    for (i, tensor) in schedule.tensors.iter().enumerate() {
        match tensor.storage {
            Storage::Input => before.tensors[i] = task.x.clone(),
            Storage::Target => before.tensors[i] = task.y.clone(),
            _ => {}
        }
    }
    before.parameters = task.parameters.values().to_vec();
    let after = cpu_reference::run_once(&schedule, &before).unwrap();
    let cost = |p: usize, change: f64| {
        let mut moved = before.clone();
        moved.parameters[p] += change;
        cpu_reference::run_once(&schedule, &moved).unwrap().costs[0]
    };
    let step = 1e-6;
    for (p, gradient) in after.gradients.iter().enumerate() {
        let difference = (cost(p, step) - cost(p, -step)) / (2.0 * step);
        assert!((difference - gradient).abs() <= 1e-8, "{} [{p}]: {gradient} {difference}", task.network);
    }
}

#[test]
fn the_gradient_of_smoothed_labels_is_that_of_their_cost() {
    for smoothing in [0.1, 0.9] {
        let task = Task::new(3, "5", Loss::SoftmaxCrossEntropy, 4, 11);
        assert_gradient(&task, Variant { smoothing, ..Variant::default() });
    }
}

/// The cost of y (1 - e) + e / K written out, and none of it where there is nothing to smooth.
#[test]
fn smoothed_labels_cost_what_the_formula_says() {
    let (e, m) = (0.25, 2);
    // Two samples of three classes; the log of each probability.
    let z = [1.0f64, -2.0, 0.5, 4.0, -1.0, 0.0];
    let y = [2.0, 0.0];
    let log_p = |i: usize, j: usize| -> f64 {
        let sum: f64 = (0..3).map(|k| z[k * m + j].exp()).sum();
        z[i * m + j] - sum.ln()
    };
    let own = |j: usize| y[j] as usize;
    let target = |i: usize, j: usize| if i == own(j) { 1.0 - e + e / 3.0 } else { e / 3.0 };
    let want: f64 = (0..m).map(|j| (0..3).map(|i| -target(i, j) * log_p(i, j)).sum::<f64>()).sum();
    let got = cpu_reference::cost(Loss::SoftmaxCrossEntropy, e, &z, &y, m);
    assert_close("cost", &[got], &[want / m as f64], 1e-14);
    let task = Task::new(2, "4", Loss::SquaredError, 2, 10);
    for (smoothing, what) in [(0.1, "predicts values"), (1.0, "[0, 1)"), (f64::NAN, "[0, 1)")] {
        let problem = Problem { label_smoothing: smoothing, ..task.problem() };
        let error = cpu_reference::Executor::new(&problem).err().expect("it is taken").to_string();
        assert!(error.contains("label smoothing") && error.contains(what), "{error}");
    }
}

#[test]
fn deltas_that_cannot_be_meant_are_refused() {
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Network::new(2, vec![], 1, Loss::Huber { delta }).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("delta"), "{error}");
    }
    for loss in [Loss::SquaredError, Loss::AbsoluteError, Loss::Huber { delta: 0.25 }] {
        assert_eq!(parse_value_loss(&loss.to_string()).unwrap(), loss);
    }
    for text in ["", "huber:", "huber:0", "huber:x", "l1", "binary_cross_entropy"] {
        assert!(parse_value_loss(text).unwrap_err().is_usage(), "{text}");
    }
}

/// A table with a real-valued target, one of them far from the others.
fn table() -> String {
    let row = |i: usize| {
        let x = i as f64 / 20.0 - 1.0;
        format!("{x},{},{}\n", (3.0 * x).sin(), if i == 20 { 500.0 } else { 2.0 * x })
    };
    "a,b,target\n".to_owned() + &(0..40).map(row).collect::<String>()
}

#[test]
fn a_loss_is_trained_recorded_scored_and_exported() {
    let desk = Desk::new();
    desk.put("table.csv", &table());
    let train = "train --data table.csv --task regression --hidden 6 --optimizer adam --learning-rate 0.05 --iterations 400 \
                 --backend cpu --no-plots --json";
    for (loss, shown) in [("absolute", "absolute"), ("huber:0.5", "huber:0.5"), ("squared", "squared")] {
        let run = loss.replace(':', "-");
        let report = desk.json(&format!("{train} --loss {loss} --out {run}"));
        assert_eq!(report["loss"], shown);
        let record: toml::Table = desk.read(&format!("{run}/run.toml")).parse().unwrap();
        assert_eq!(record["settings"]["loss"].as_str(), Some(shown));
        let (cost, outlier) = (number(&report["cost_after_last"]), 500.0 / 40.0);
        match loss {
            // The outlier costs its distance, and all others nearly nothing.
            "absolute" => assert!((cost - outlier).abs() < 0.5, "{cost}"),
            "huber:0.5" => assert!((cost - 0.5 * outlier).abs() < 0.25, "{cost}"),
            _ => assert!(cost > 100.0, "{cost}"),
        }
        // The model knows its loss, after a way through npz too.
        desk.output(&format!("export {run} --out {run}.npz"));
        desk.output(&format!("import {run}.npz --out {run}.safetensors"));
        let scores = |model: &str| {
            let text =
                desk.output(&format!("evaluate {model} --data table.csv --backend cpu-reference --json"));
            serde_json::from_str::<Value>(&text).unwrap()["cost"].clone()
        };
        let (own, imported) = (number(&scores(&run)), number(&scores(&format!("{run}.safetensors"))));
        assert!((own - cost).abs() <= 1e-4 * cost && imported == own, "{loss}: {cost} {own} {imported}");
        for ending in ["onnx", "c"] {
            desk.output(&format!("export {run} --out {run}.{ending}"));
        }
    }
}

#[test]
fn labels_are_smoothed_in_the_cost_and_not_in_the_scores() {
    let desk = Desk::new();
    let train =
        "train --data blobs --hidden 6 --iterations 300 --validation 0.2 --backend cpu --no-plots --json";
    let plain = desk.json(train);
    let smoothed = desk.json(&format!("{train} --label-smoothing 0.2 --out run"));
    let last =
        |report: &Value| number(&report["looks"].as_array().unwrap().last().unwrap()["validation"]["cost"]);
    assert!(number(&smoothed["cost_after_last"]) > number(&plain["cost_after_last"]));
    assert!(last(&smoothed) < number(&smoothed["cost_after_last"]), "{smoothed}");
    let record: toml::Table = desk.read("run/run.toml").parse().unwrap();
    assert_eq!(record["settings"]["label_smoothing"].as_float(), Some(0.2));
}

#[test]
fn what_does_not_go_with_an_objective_is_said() {
    let desk = Desk::new();
    desk.put("table.csv", &table());
    let error = failure(&desk, "train --loss absolute --iterations 5", 2);
    assert!(error.contains("loss `absolute`") && error.contains("--output identity"), "{error}");
    let error = failure(&desk, "train --loss huber:-1 --iterations 5", 2);
    assert!(error.contains("huber:DELTA"), "{error}");
    let error = failure(&desk, "train --label-smoothing 1 --iterations 5", 2);
    assert!(error.contains("label smoothing `1`"), "{error}");
    let error = failure(&desk, "train --data table.csv --label-smoothing 0.1 --iterations 5", 2);
    assert!(error.contains("predicts values"), "{error}");
}
