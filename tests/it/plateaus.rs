//! Learning rates that fall when a training stands still: on every executor, and through an interruption.

use gpu_nn::network::Loss;
use gpu_nn::schedule::{Decay, Descent, Lowering, Optimizer, Problem, RateSchedule};
use pollster::block_on;

use crate::command::{Desk, failure};
use crate::cpu_support::bits;
use crate::optimisers::{Task, outcome, run, ways};

fn rates(decay: Decay) -> RateSchedule {
    RateSchedule { decay, warm_up: 3 }
}

/// Rates that are set between two iterations are those of a schedule that says the same beforehand, bit for bit.
#[test]
fn rates_that_fall_on_the_way_are_those_of_steps_down() {
    // After the warm-up: 5 iterations with the whole rate, then half of it.
    let steps = rates(Decay::Step { every: 5, factor: 0.5 });
    let plateau = |reductions| rates(Decay::Plateau { factor: 0.5, patience: 1, reductions });
    let task = Task::new(3, "9:relu,5", Loss::SoftmaxCrossEntropy, 4, 257);
    for (backend, lowerings) in ways() {
        for (lowering, optimizer) in
            lowerings.iter().flat_map(|&l| [Optimizer::Sgd, Optimizer::ADAM].map(|o| (l, o)))
        {
            let problem = |rates| {
                let descent = Descent { rates, optimizer, ..Descent::sgd(0.05) };
                Problem { descent, batch_size: 64, shuffle: Some(3), ..task.problem() }
            };
            let mut before = backend.executor(&problem(steps), lowering).unwrap();
            run(&mut before, 13);
            let mut after = backend.executor(&problem(plateau(0)), lowering).unwrap();
            run(&mut after, 8);
            after.set_rates(plateau(1));
            run(&mut after, 5);
            let (want, got) = (outcome(&mut before), outcome(&mut after));
            let what = format!("{} {lowering} {optimizer}", backend.name());
            assert_eq!(bits(&got.0), bits(&want.0), "{what}: costs");
            assert_eq!(bits(&got.1), bits(&want.1), "{what}: parameters");
            let mut without = backend.executor(&problem(plateau(0)), lowering).unwrap();
            run(&mut without, 13);
            assert_ne!(bits(&outcome(&mut without).1), bits(&want.1), "{what}: nothing falls");
        }
    }
}

/// A training that soon stands still: its rate is far too large.
const TRAIN: &str = "train --data noisy_moons --m 300 --hidden 8 --batch-size 32 --learning-rate 3 --validation 0.2 --no-plots \
                     --schedule plateau:factor=0.5,patience=2";

#[test]
fn a_training_that_stands_still_goes_on_with_a_smaller_rate() {
    let desk = Desk::new();
    let said = desk.output(&format!("{TRAIN} --epochs 30 --backend cpu --out run"));
    let falls =
        said.lines().filter(|line| line.contains("learning rate") && line.contains("from here on")).count();
    assert!(falls >= 2 && said.contains("learning rate 1.5e0"), "{said}");
    // As many as its own looks say.
    let costs: Vec<f64> = desk
        .read("run/looks.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).unwrap().parse().unwrap())
        .collect();
    let (mut best, mut without, mut want) = (f64::INFINITY, 0, 0);
    for cost in costs {
        (best, without) = if cost < best { (cost, 0) } else { (best, without + 1) };
        if without == 2 {
            (want, without) = (want + 1, 0);
        }
    }
    assert_eq!(falls, want, "{said}");
    let record: toml::Table = desk.read("run/run.toml").parse().unwrap();
    let decay = &record["settings"]["rates"]["decay"]["plateau"];
    assert_eq!((decay["factor"].as_float(), decay["patience"].as_integer()), (Some(0.5), Some(2)));
    // Without validation data it is the training cost that has to improve, and without batches a report that is a look.
    let said = desk.output("train --hidden 2 --learning-rate 30 --iterations 400 --report-every 10 --schedule plateau:patience=3 --backend cpu");
    assert!(said.contains("from here on"), "{said}");
}

#[test]
fn a_training_that_is_taken_up_again_has_the_rate_that_it_had() {
    let ways = [("cpu", None), ("cpu-reference", None)];
    let lowerings = [Lowering::Layerwise, Lowering::Fused].map(|lowering| ("vulkan", Some(lowering)));
    let vulkan = ways_has_a_device();
    for (backend, lowering) in
        ways.into_iter().chain(lowerings).filter(|(backend, _)| vulkan || *backend != "vulkan")
    {
        let desk = Desk::new();
        let lowering = lowering.map_or(String::new(), |lowering| format!("--lowering {lowering}"));
        let train = format!("{TRAIN} --backend {backend} {lowering} --quiet");
        desk.output(&format!("{train} --epochs 24 --out whole"));
        for stop in [9, 16] {
            let part = format!("part-{stop}");
            desk.output(&format!("{train} --epochs {stop} --checkpoint-every 1 --out {part}"));
            desk.output(&format!("train --resume {part} --epochs 24 --quiet"));
            let of = |run: &str| std::fs::read(desk.path(run).join("model.safetensors")).unwrap();
            assert_eq!(of(&part), of("whole"), "{backend} {lowering}, stopped after {stop}");
            assert_eq!(desk.read(&format!("{part}/looks.csv")), desk.read("whole/looks.csv"), "{backend}");
        }
    }
}

fn ways_has_a_device() -> bool {
    ways().iter().any(|(backend, _)| backend.adapter().is_some())
}

#[test]
fn plateaus_that_cannot_be_meant_are_refused() {
    let desk = Desk::new();
    for (schedule, named) in
        [("plateau:factor=1", "factor of the learning rate `1`"), ("plateau:factor=0", "`0`")]
    {
        let error = failure(&desk, &format!("train --iterations 5 --schedule {schedule}"), 2);
        assert!(error.contains(named), "{error}");
    }
    desk.gpu_nn("train --schedule plateau:patience=0").failure().code(2);
}

/// The library's fit falls likewise.
#[test]
fn a_fit_falls_on_plateaus_too() {
    use gpu_nn::data::{Generator, GeneratorOptions, generate};
    use gpu_nn::fit::{Fit, Rates};
    let data =
        generate(Generator::NoisyMoons, &GeneratorOptions { m: Some(200), ..GeneratorOptions::default() })
            .unwrap();
    let last = |rates| {
        let fit = Fit::builder().hidden("6").learning_rate(20.0).batch_size(32).epochs(20).rates(rates);
        let backend = gpu_nn::training::BackendChoice::CpuReference;
        let fit = block_on(fit.backend(backend).fit_async(&data)).unwrap();
        fit.cost().unwrap()
    };
    let (falling, constant) = (last(Rates::Plateau { factor: 0.3, patience: 2 }), last(Rates::Constant));
    assert!(falling < constant, "{falling} {constant}");
}
