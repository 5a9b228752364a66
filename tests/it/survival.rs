//! What a training survives: a device that is destroyed under it, one that has no room, and somebody who cancels it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use gpu_nn::data::{Dataset, Generator, GeneratorOptions, generate};
use gpu_nn::gpu::{Device, MemoryPlan};
use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Descent, Lowering, Optimizer, Problem};
use gpu_nn::training::{
    Backend, CancelToken, Checkpoint, Metric, Plan, Population, PopulationEvent, Recovered, Stopped, Trained,
    Trainer, WatchPlan,
};
use gpu_nn::{Error, Result};
use pollster::block_on;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::cpu_support::bits;
use crate::gpu_support::open;

/// A training in shuffled batches with a state, watched on other data, that is looked at and reported on its way.
struct Task {
    network: Network,
    parameters: Parameters,
    data: Dataset,
    y: Vec<f64>,
    validation: Dataset,
}

const ITERATIONS: usize = 60;

/// Reports, each of which is a submission and a readback at least.
const REPORTS: u64 = 12;

impl Task {
    fn new() -> Self {
        let set = |m, seed| {
            generate(
                Generator::Flower,
                &GeneratorOptions { m: Some(m), seed: Some(seed), ..Default::default() },
            )
        };
        let data = set(96, 1).unwrap();
        let hidden = parse_hidden("5,3", Activation::Tanh).unwrap();
        let network = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy).unwrap();
        let parameters = initialize(&network, Initializer::Xavier, 2);
        let y = data.y();
        Self { network, parameters, data, y, validation: set(40, 7).unwrap() }
    }

    fn problem(&self) -> Problem<'_> {
        let Self { network, parameters, data, y, .. } = self;
        let descent = Descent { optimizer: Optimizer::ADAM, l2: 1e-3, ..Descent::sgd(0.02) };
        let full = Problem::full_batch(network, parameters, &data.x, y, data.m, 0.0);
        Problem { batch_size: 32, shuffle: Some(5), descent, ..full }
    }

    fn watch(&self) -> WatchPlan<'_> {
        let validation = Some((&self.validation, self.network.loss()));
        WatchPlan { validation, every: 9, metric: Metric::Cost, patience: Some(50), max_time: None }
    }

    /// Everything that comes of a training on a backend; `snapshots` after each step or seldom.
    fn train(
        &self,
        backend: &Backend,
        lowering: Lowering,
        snapshots: Option<Duration>,
        on_recovery: impl FnMut(&Recovered),
    ) -> Result<Outcome> {
        let problem = self.problem();
        let executor = backend.executor_with_room(&problem, lowering)?;
        let plan = Plan {
            iterations: ITERATIONS,
            report_every: ITERATIONS / REPORTS as usize,
            learning_rate: problem.descent.learning_rate,
        };
        let mut trainer =
            Trainer::new(executor, plan).watched(self.watch()).surviving(backend, problem, on_recovery);
        if let Some(every) = snapshots {
            trainer = trainer.snapshot_every(every);
        }
        let mut seen = Vec::new();
        let trained =
            block_on(trainer.finish(&mut |progress| seen.push((progress.done, progress.looks.len()))))?;
        let outputs = block_on(trainer.predict(&self.data.x, self.data.m))?;
        assert!(seen.is_sorted(), "a callback saw the training go back: {seen:?}");
        let Checkpoint { state, .. } = block_on(trainer.checkpoint())?;
        Ok(Outcome { trained, outputs, state })
    }
}

struct Outcome {
    trained: Trained,
    outputs: Vec<f64>,
    state: Vec<f64>,
}

impl Outcome {
    /// All of it, bit by bit.
    fn bits(&self) -> Vec<Vec<u64>> {
        let Self { trained, outputs, state } = self;
        let looks = trained.looks.iter().flat_map(|look| {
            let validation = look.validation.as_ref().and_then(|metrics| metrics.get(Metric::Cost));
            [look.iteration as f64, look.training_cost, validation.unwrap()]
        });
        let rest = [trained.cost_after_last, trained.iteration as f64];
        let looks: Vec<f64> = looks.collect();
        [trained.parameters.values(), &trained.costs, &looks, &rest, outputs, state].map(bits).to_vec()
    }
}

/// A backend of its own: its device is going to be destroyed.
fn backend() -> Option<Backend> {
    open().map(|device| Backend::Gpu(Box::new(device)))
}

fn device(backend: &Backend) -> &Device {
    let Backend::Gpu(device) = backend else { panic!("a device is wanted") };
    device
}

/// Losses in a third of a hundred trainings, each of which ends with the bits of one that lost nothing. The lowerings are
/// tests of their own, which run beside each other: in one they took longer than any other test.
fn losses_end_with_the_same_bits(lowering: Lowering) {
    let Some(backend) = backend() else { return };
    let (task, mut random) = (Task::new(), ChaCha8Rng::seed_from_u64(100 + lowering as u64));
    let want = task.train(&backend, lowering, None, |_| panic!("nothing was lost")).unwrap().bits();
    // Losses in the first half of the submissions that there are at least: further on the pace decides how many there are.
    for number in 0..34 {
        let snapshots = (number % 2 == 0).then_some(Duration::ZERO);
        let at = random.random_range(1..=2 * REPORTS);
        let recovered = RefCell::new(Vec::new());
        device(&backend).fail_on_purpose(&[at], &[]);
        let on_recovery = |it: &Recovered| recovered.borrow_mut().push(it.clone());
        let got = task.train(&backend, lowering, snapshots, on_recovery).unwrap();
        let recovered = recovered.into_inner();
        assert_eq!(recovered.len(), 1, "{lowering}, loss before submission {at}");
        assert!(recovered[0].cause.contains("lost"), "{recovered:?}");
        assert!(recovered[0].from <= recovered[0].at, "{recovered:?}");
        assert!(got.bits() == want, "{lowering}, loss before submission {at}: {recovered:?}");
    }
}

#[test]
fn losses_end_with_the_same_bits_layerwise() {
    losses_end_with_the_same_bits(Lowering::Layerwise);
}

#[test]
fn losses_end_with_the_same_bits_fused() {
    losses_end_with_the_same_bits(Lowering::Fused);
}

#[test]
fn losses_end_with_the_same_bits_resident() {
    losses_end_with_the_same_bits(Lowering::Resident);
}

#[test]
fn a_training_that_went_back_to_a_snapshot_did_not_begin_again() {
    let Some(backend) = backend() else { return };
    let task = Task::new();
    for lowering in Lowering::ALL {
        device(&backend).fail_on_purpose(&[50], &[]);
        let from = Cell::new(0);
        task.train(&backend, lowering, Some(Duration::ZERO), |it| from.set(it.from)).unwrap();
        assert!(from.get() > 0, "{lowering}");
    }
}

#[test]
fn a_device_that_is_lost_again_and_again_is_given_up() {
    let Some(backend) = backend() else { return };
    let task = Task::new();
    let times = Cell::new(0);
    device(&backend).fail_on_purpose(&[1; 100], &[]);
    let lost = task.train(&backend, Lowering::Fused, None, |_| times.set(times.get() + 1));
    device(&backend).fail_on_purpose(&[], &[]);
    assert!(matches!(lost, Err(Error::DeviceLost { .. })), "{:?}", lost.err());
    assert_eq!(times.get(), 5);
    // Where nobody asked for it, a loss is an error at once.
    let problem = task.problem();
    block_on(backend.revive()).unwrap();
    let executor = backend.executor(&problem, Lowering::Fused).unwrap();
    let plan = Plan { iterations: 10, report_every: 1, learning_rate: 0.02 };
    device(&backend).fail_on_purpose(&[3], &[]);
    let lost = block_on(Trainer::new(executor, plan).finish(&mut |_| {}));
    assert!(matches!(lost, Err(Error::DeviceLost { .. })), "{:?}", lost.err());
    // And predictions open it again.
    let outputs =
        block_on(backend.predict(&task.network, &task.parameters, &task.data.x, task.data.m)).unwrap();
    assert_eq!(outputs.len(), task.data.m);
    // Who shares it shares the one that took its place.
    let other = Backend::Gpu(Box::new(device(&backend).share()));
    let shared = block_on(other.predict(&task.network, &task.parameters, &task.data.x, task.data.m)).unwrap();
    assert_eq!(shared, outputs);
}

#[test]
fn fifty_times_without_room_are_fifty_finished_trainings() {
    let Some(backend) = backend() else { return };
    let (task, mut random) = (Task::new(), ChaCha8Rng::seed_from_u64(50));
    let close =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4);
    let mut hit = 0;
    for number in 0..50 {
        let lowering = Lowering::ALL[number % 3];
        let before = device(&backend).asked().buffers;
        let want = task.train(&backend, lowering, None, |_| panic!("there was room")).unwrap();
        let buffers = device(&backend).asked().buffers - before;
        // Alone, or twice and three times in a row.
        let first = random.random_range(1..=buffers);
        let shortages = [first, 1, 1];
        device(&backend).fail_on_purpose(&[], &shortages[..1 + number % 2 + number % 3 / 2]);
        let before = device(&backend).asked().buffers;
        let got =
            task.train(&backend, lowering, None, |it| assert!(it.cause.contains("no memory"), "{it:?}"));
        hit += usize::from(device(&backend).asked().buffers - before >= first);
        device(&backend).fail_on_purpose(&[], &[]);
        let what = format!("{lowering}, no room for buffer {first} of {buffers}");
        let got = got.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(
            close(got.trained.parameters.values(), want.trained.parameters.values()),
            "{what}: parameters"
        );
        assert!(close(&got.trained.costs, &want.trained.costs), "{what}: costs");
        assert!(close(&got.outputs, &want.outputs), "{what}: outputs");
        assert!(close(&[got.trained.cost_after_last], &[want.trained.cost_after_last]), "{what}");
    }
    assert_eq!(hit, 50, "some buffers were never made");
}

/// Evaluations and predictions on more samples than a block has, with room for small blocks only.
#[test]
fn smaller_blocks_give_the_same_outputs() {
    let Some(backend) = backend() else { return };
    let task = Task::new();
    let many =
        generate(Generator::Flower, &GeneratorOptions { m: Some(20_000), ..Default::default() }).unwrap();
    let y = many.y();
    let problem = Problem {
        batch_size: 1_000,
        ..Problem::full_batch(&task.network, &task.parameters, &many.x, &y, many.m, 0.1)
    };
    let mut executor = backend.executor(&problem, Lowering::Layerwise).unwrap();
    let whole = block_on(backend.predict(&task.network, &task.parameters, &many.x, many.m)).unwrap();
    let cost = block_on(executor.cost()).unwrap();
    for shortages in [1, 3, 6] {
        let mut executor = backend.executor(&problem, Lowering::Layerwise).unwrap();
        device(&backend).fail_on_purpose(&[], &vec![2; shortages]);
        let outputs = block_on(executor.predict(&many.x, many.m)).unwrap();
        assert!(bits(&outputs) == bits(&whole), "{shortages} shortages");
        device(&backend).fail_on_purpose(&[], &vec![2; shortages]);
        let got = block_on(executor.cost()).unwrap();
        assert!((got - cost).abs() <= 1e-6, "{got} {cost}");
    }
    device(&backend).fail_on_purpose(&[], &[1; 1_000]);
    let error = block_on(executor.predict(&many.x, 100)).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    let error = block_on(executor.predict(&many.x, many.m)).unwrap_err();
    assert!(
        matches!(error, Error::OutOfMemory { .. }) && error.to_string().contains("--batch-size"),
        "{error}"
    );
}

#[test]
fn a_token_stops_a_training_before_its_next_submission() {
    let task = Task::new();
    let mut ways = vec![(Backend::CpuReference, Lowering::Layerwise), (Backend::Cpu, Lowering::Layerwise)];
    for lowering in Lowering::ALL {
        ways.extend(backend().map(|backend| (backend, lowering)));
    }
    for (backend, lowering) in &ways {
        let token = CancelToken::new();
        let kept = RefCell::new(None);
        let plan = Plan { iterations: 1_000_000, report_every: 10, learning_rate: 0.02 };
        let executor = backend.executor(&task.problem(), *lowering).unwrap();
        let mut trainer = Trainer::new(executor, plan).cancelled_by(token.clone()).kept(None, |checkpoint| {
            *kept.borrow_mut() = Some(checkpoint);
            Ok(())
        });
        let mut last = 0;
        let trained = block_on(trainer.finish(&mut |progress| {
            assert!(!token.is_cancelled(), "it went on");
            last = progress.done;
            if progress.done >= 20 {
                token.cancel();
            }
        }));
        let trained = trained.unwrap();
        let what = format!("{} {lowering}", backend.name());
        assert_eq!((trained.stopped, trained.costs.len()), (Some(Stopped::Cancelled), last), "{what}");
        let kept = kept.borrow_mut().take().unwrap_or_else(|| panic!("{what}: no checkpoint was kept"));
        assert_eq!((kept.done, &kept.parameters), (last, &trained.parameters), "{what}");
    }
}

#[test]
fn the_memory_plan_is_what_a_training_takes() {
    let Some(backend) = backend() else { return };
    let task = Task::new();
    let plain = Problem::full_batch(&task.network, &task.parameters, &task.data.x, &task.y, task.data.m, 0.1);
    let uneven = Problem { batch_size: 40, shuffle: None, ..plain };
    for lowering in Lowering::ALL {
        for problem in [task.problem(), plain, uneven] {
            let plan = MemoryPlan::new(device(&backend), &problem, lowering).unwrap();
            let before = device(&backend).asked().bytes;
            let executor = backend.executor(&problem, lowering).unwrap();
            let taken = device(&backend).asked().bytes - before;
            assert_eq!(plan.total(), taken, "{lowering}: {plan:?}");
            assert!(plan.to_string().contains("parameters"), "{plan}");
            drop(executor);
        }
    }
    // On data of a size that shows: features and a target of 100,000 samples, and what the layers make of them.
    let many =
        generate(Generator::Flower, &GeneratorOptions { m: Some(100_000), ..Default::default() }).unwrap();
    let y = many.y();
    let problem = Problem::full_batch(&task.network, &task.parameters, &many.x, &y, many.m, 0.1);
    let plan = MemoryPlan::new(device(&backend), &problem, Lowering::Layerwise).unwrap();
    assert_eq!(plan.data, 4 * 3 * 100_000);
    assert!(plan.activations >= 4 * (5 + 3 + 1) * 100_000, "{plan}");
}

/// Networks that train in one dispatch: the device is lost under them, or has no room for so many.
#[test]
fn a_population_survives_too() {
    let Some(backend) = backend() else { return };
    let (task, mut random) = (Task::new(), ChaCha8Rng::seed_from_u64(3));
    let first: Vec<Parameters> =
        (0..5).map(|seed| initialize(&task.network, Initializer::Xavier, seed)).collect();
    let problems = || first.iter().map(|parameters| Problem { parameters, ..task.problem() }).collect();
    let train = || {
        let population = Population::new(problems()).unwrap();
        let (mut seen, mut recovered) = (Vec::new(), Vec::new());
        let mut on_event = |event| match event {
            PopulationEvent::Done(done) => seen.push(done),
            PopulationEvent::Recovered(it) => recovered.push(it),
        };
        let outcomes = block_on(population.train(&backend, Some(Lowering::Resident), 50, &mut on_event));
        assert!(seen.is_sorted(), "it went back: {seen:?}");
        let bits_of = |trained: Trained| [bits(&trained.costs), bits(trained.parameters.values())];
        let found =
            outcomes.unwrap().into_iter().map(|trained| bits_of(trained.unwrap())).collect::<Vec<_>>();
        (found, recovered)
    };
    let (want, recovered) = train();
    assert_eq!(recovered, [], "nothing was lost");
    for _ in 0..6 {
        device(&backend).fail_on_purpose(&[random.random_range(1..=6), 2], &[]);
        let (got, recovered) = train();
        assert!(got == want, "after a loss");
        assert!(
            !recovered.is_empty() && recovered.iter().all(|it| it.cause.contains("lost")),
            "{recovered:?}"
        );
        assert!(recovered.iter().all(|it| it.from <= it.at && it.at <= 5 * 50), "{recovered:?}");
    }
    for buffer in 1..=8 {
        device(&backend).fail_on_purpose(&[], &[buffer, 4]);
        let (got, recovered) = train();
        assert!(got == want, "no room for buffer {buffer}");
        assert!(recovered.iter().all(|it| it.cause.contains("no memory")), "{recovered:?}");
    }
    device(&backend).fail_on_purpose(&[], &[]);
}
