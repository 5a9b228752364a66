//! L-BFGS: the steps of PyTorch's, on every executor, through an interruption, and what it refuses.

use gpu_nn::network::{Activation, Loss, Network, parse_hidden};
use gpu_nn::schedule::{Clip, Decay, Descent, Dropout, Lowering, Problem, RateSchedule};
use gpu_nn::training::{Executor, Lbfgs};
use gpu_nn::{Error, cpu_reference};
use pollster::block_on;

use crate::command::{Desk, failure};
use crate::cpu_support::bits;
use crate::objectives::Golden;
use crate::optimisers::{Task, assert_close, outcome, run, ways};
use crate::support::{count, flat, golden, list, number};

/// An executor whose steps are those of L-BFGS.
fn lbfgs<'b>(executor: Executor<'b>, problem: &Problem<'_>, state: &[f64]) -> gpu_nn::Result<Executor<'b>> {
    Ok(Executor::Lbfgs(Box::new(Lbfgs::new(executor, problem, 10, state)?)))
}

#[test]
fn the_steps_are_those_of_pytorch() {
    let file = golden("11_objectives");
    for (name, want) in file["lbfgs"].as_object().unwrap() {
        let case = Golden::new(&file, want);
        let problem = case.problem();
        let costs = flat(&want["costs"]);
        assert_eq!(costs.len(), count(&file["iterations"]));
        for (backend, _) in ways() {
            let executor = backend.executor(&problem, Lowering::Layerwise).unwrap();
            let mut executor = lbfgs(executor, &problem, &[]).unwrap();
            // In single precision the paths part after some steps.
            let (steps, tolerance) = if backend.single_precision() { (8, 1e-4) } else { (costs.len(), 1e-7) };
            let what = format!("{name}, {} {}", backend.name(), executor.lowering());
            for (step, after) in list(&want["parameters"])[..steps].iter().enumerate() {
                run(&mut executor, 1);
                let got = block_on(executor.parameters()).unwrap();
                assert_close(&format!("{what}, step {step}"), got.values(), &flat(after), tolerance);
            }
            let got = block_on(executor.take_costs()).unwrap();
            assert_close(&what, &got, &costs[..steps], tolerance);
        }
    }
}

/// Cost and gradient at other parameters than the executor's own, with weights and smoothed labels.
#[test]
fn every_executor_shows_the_gradient_of_the_reference() {
    let tasks = [
        Task::new(2, "4", Loss::BinaryCrossEntropy, 1, 100),
        Task::new(3, "9:relu,5:gelu", Loss::SoftmaxCrossEntropy, 4, 257),
        Task::new(70, "300:relu,200", Loss::Huber { delta: 0.5 }, 3, 1_100),
    ];
    for task in tasks {
        let weights: Vec<f64> = (0..task.m).map(|j| [0.0, 0.5, 1.0, 2.5][j % 4]).collect();
        let label_smoothing = if task.network.loss().predicts_values() { 0.0 } else { 0.2 };
        let problem = Problem { weights: Some(&weights), label_smoothing, ..task.problem() };
        let elsewhere = task.parameters.clone().map(|value| f64::from(0.5 * value as f32));
        let mut reference = cpu_reference::Executor::new(&problem).unwrap();
        let (cost, gradient) = reference.cost_and_gradient(&elsewhere).unwrap();
        let scale = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        for (backend, _) in ways() {
            let got = match backend.executor(&problem, Lowering::Layerwise).unwrap() {
                Executor::Cpu(mut executor) => executor.cost_and_gradient(&elsewhere).unwrap(),
                Executor::Gpu(mut executor) => block_on(executor.cost_and_gradient(&elsewhere)).unwrap(),
                _ => continue,
            };
            let what = format!("{} {}", task.network, backend.name());
            assert_close(&what, &[got.0], &[cost], 1e-5 * cost);
            assert_close(&what, &got.1, &gradient, 1e-5 * scale);
        }
    }
}

#[test]
fn a_convex_cost_is_minimised_until_nothing_changes() {
    // Logistic regression with a penalty has one minimum, where the gradient is 0.
    let task = Task::new(3, "none", Loss::BinaryCrossEntropy, 1, 80);
    let descent = Descent { l2: 0.05, ..Descent::sgd(1.0) };
    let problem = Problem { descent, ..task.problem() };
    for (backend, _) in ways() {
        let executor = backend.executor(&problem, Lowering::Layerwise).unwrap();
        let mut executor = lbfgs(executor, &problem, &[]).unwrap();
        for _ in 0..100 {
            run(&mut executor, 1);
        }
        assert!(executor.has_converged(), "{}", backend.name());
        let at = block_on(executor.parameters()).unwrap();
        let mut reference = cpu_reference::Executor::new(&problem).unwrap();
        let (_, gradient) = reference.cost_and_gradient(&at).unwrap();
        let limit = if backend.single_precision() { 1e-3 } else { 1e-5 };
        for (i, (g, w)) in gradient.iter().zip(at.values()).enumerate() {
            let penalty = if i < 3 { 0.05 * w } else { 0.0 };
            assert!((g + penalty).abs() < limit, "{}: {g} {penalty}", backend.name());
        }
    }
}

#[test]
fn a_training_that_is_taken_up_again_ends_with_the_same_bits() {
    let task = Task::new(3, "9:relu,5", Loss::SoftmaxCrossEntropy, 4, 257);
    let problem = Problem { descent: Descent { l2: 1e-3, ..Descent::sgd(1.0) }, ..task.problem() };
    for (backend, _) in ways() {
        let begin = |problem: &Problem<'_>, state: &[f64]| {
            let executor = backend.executor(problem, Lowering::Layerwise).unwrap();
            lbfgs(executor, problem, state).unwrap()
        };
        let mut whole = begin(&problem, &[]);
        run(&mut whole, 24);
        let want = outcome(&mut whole);
        for stop in [1, 7, 15] {
            let mut first = begin(&problem, &[]);
            run(&mut first, stop);
            let (mut costs, parameters, state) = (
                block_on(first.take_costs()).unwrap(),
                block_on(first.parameters()).unwrap(),
                block_on(first.state()).unwrap(),
            );
            let problem = Problem { parameters: &parameters, done: stop, ..problem };
            let mut second = begin(&problem, &state);
            run(&mut second, 24 - stop);
            let got = outcome(&mut second);
            costs.extend(got.0);
            let what = format!("{}, stopped after {stop}", backend.name());
            assert_eq!(bits(&costs), bits(&want.0), "{what}: costs");
            assert_eq!(bits(&got.1), bits(&want.1), "{what}: parameters");
            assert_eq!(bits(&got.2), bits(&want.2), "{what}: state");
        }
    }
}

#[test]
fn what_it_cannot_do_is_refused() {
    let task = Task::new(3, "5", Loss::SoftmaxCrossEntropy, 4, 60);
    let plain = task.problem();
    let refused = |problem: Problem<'_>, history: usize, what: &str| {
        let executor = Executor::CpuReference(Box::new(cpu_reference::Executor::new(&problem).unwrap()));
        let error =
            Lbfgs::new(executor, &problem, history, &[]).err().unwrap_or_else(|| panic!("{what} is taken"));
        assert!(error.is_usage() && error.to_string().contains(what), "{error}");
    };
    refused(Problem { batch_size: 20, ..plain }, 10, "batch size `20`");
    refused(Problem { dropout: Some(Dropout { rate: 0.2, seed: 1 }), ..plain }, 10, "dropout");
    let with = |descent| Problem { descent, ..plain };
    let rates = RateSchedule { decay: Decay::Cosine { over: 9 }, warm_up: 0 };
    refused(with(Descent { rates, ..Descent::sgd(1.0) }), 10, "schedule");
    refused(with(Descent { clip: Some(Clip::Norm(1.0)), ..Descent::sgd(1.0) }), 10, "clipping");
    refused(with(Descent { l1: 0.1, ..Descent::sgd(1.0) }), 10, "--l2");
    refused(with(Descent::sgd(0.0)), 10, "learning rate");
    refused(plain, 0, "history");
    let executor = Executor::CpuReference(Box::new(cpu_reference::Executor::new(&plain).unwrap()));
    assert!(matches!(Lbfgs::new(executor, &plain, 10, &[1.0; 7]), Err(Error::Shape { .. })));
}

#[test]
fn it_trains_stops_records_and_goes_on_from_the_command_line() {
    let desk = Desk::new();
    let train = "train --hidden 6 --init xavier --optimizer lbfgs --l2 0.001 --backend cpu --no-plots";
    let report = desk.json(&format!("{train} --iterations 3000 --json --out whole"));
    assert_eq!(report["optimizer"], "lbfgs:history=10");
    assert_eq!(
        (report["learning_rate"].as_f64(), report["stopped"].as_str()),
        (Some(1.0), Some("converged"))
    );
    let done = count(&report["iterations_done"]);
    assert!(done > 20 && done < 3000 && number(&report["cost_after_last"]) < 0.3, "{report}");
    desk.output(&format!(
        "{train} --iterations 40 --report-every 10 --checkpoint-every 1 --quiet --out forty"
    ));
    desk.output(&format!(
        "{train} --iterations 20 --report-every 10 --checkpoint-every 1 --quiet --out part"
    ));
    desk.output("train --resume part --iterations 40 --quiet");
    let of = |run: &str| std::fs::read(desk.path(run).join("model.safetensors")).unwrap();
    assert_eq!(of("part"), of("forty"));
    for (options, named) in [
        ("--batch-size 32", "batch size `32`"),
        ("--dropout 0.1", "dropout"),
        ("--schedule cosine", "schedule"),
        ("--optimizer lbfgs:history=x", "history=10"),
        ("--optimizer lbgfs", "adamw, lbfgs"),
    ] {
        let error = failure(
            &desk,
            &format!("train --iterations 5 --optimizer lbfgs {options}")
                .replace("--optimizer lbfgs --optimizer", "--optimizer"),
            2,
        );
        assert!(error.contains(named), "{error}");
    }
    let error = failure(&desk, "find-rate --optimizer lbfgs", 2);
    assert!(error.contains("lbfgs:history=10"), "{error}");
}

/// It is worth its evaluations: as many iterations bring the course's network further than gradient descent.
#[test]
fn it_gets_further_than_gradient_descent() {
    let hidden = parse_hidden("4", Activation::Tanh).unwrap();
    let network = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy).unwrap();
    let task = Task { network, ..Task::new(2, "4", Loss::BinaryCrossEntropy, 1, 200) };
    let problem = Problem { descent: Descent::sgd(1.0), ..task.problem() };
    let executor = || Executor::CpuReference(Box::new(cpu_reference::Executor::new(&problem).unwrap()));
    let (mut descent, mut searching) = (executor(), lbfgs(executor(), &problem, &[]).unwrap());
    run(&mut descent, 200);
    run(&mut searching, 50);
    let costs = [block_on(descent.cost()).unwrap(), block_on(searching.cost()).unwrap()];
    assert!(costs[1] < costs[0], "{costs:?}");
}
