//! The schedules of a network among themselves.

use gpu_nn::network::{Activation, Layer, Loss, Network};
use gpu_nn::schedule::{Contents, Descent, Op, Schedule, evaluation, gradients, training_step};
use gpu_nn::{Error, cpu_reference};

fn networks() -> impl Iterator<Item = Network> {
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 3), (Loss::SquaredError, 2)];
    let depths = (0..=3).map(|depth| vec![Layer { units: 4, activation: Activation::Tanh }; depth]);
    depths.flat_map(move |hidden| {
        losses.map(|(loss, n_outputs)| Network::new(2, hidden.clone(), n_outputs, loss).unwrap())
    })
}

/// Whether `long` does everything that `short` does first, on the same matrices.
fn begins_with(long: &Schedule, short: &Schedule) -> bool {
    long.ops.starts_with(&short.ops)
        && long.tensors.starts_with(&short.tensors)
        && (long.m, long.n_parameters) == (short.m, short.n_parameters)
}

#[test]
fn a_training_step_begins_with_the_evaluation() {
    // The GPU's executor relies on it: it evaluates on the buffers of its training step.
    for network in networks() {
        let (step, gradients, evaluation) =
            (training_step(&network, 9, &Descent::sgd(0.5)), gradients(&network, 9), evaluation(&network, 9));
        assert!(begins_with(&step, &gradients) && begins_with(&gradients, &evaluation), "{network}");
        assert!(matches!(evaluation.ops.last(), Some(Op::Cost { .. })), "{network}");
        assert_eq!(step.ops.last(), Some(&Op::GradientDescent { learning_rate: 0.5 }), "{network}");
        assert_eq!(step.ops.len(), gradients.ops.len() + 1, "{network}");
    }
}

#[test]
fn running_once_leaves_everything_in_sight() {
    let network = networks().nth(3).unwrap();
    let schedule = training_step(&network, 2, &Descent::sgd(0.5));
    let mut before = Contents::zeros(&schedule);
    before.parameters.fill(0.25);
    before.tensors[0] = vec![1.0, 2.0, 3.0, 4.0];
    let after = cpu_reference::run_once(&schedule, &before).unwrap();
    let named = |name: &str| {
        let position = schedule.tensors.iter().position(|tensor| tensor.name == name).unwrap();
        after.get(&schedule, gpu_nn::schedule::TensorId(position))
    };
    assert_eq!(named("Z1")[..2], [1.25, 1.75]);
    assert_eq!(named("A1")[0], 1.25f64.tanh());
    assert_eq!(named("J"), after.costs);
    // Parameters are those after the update.
    let moved =
        before.parameters.iter().zip(&after.gradients).map(|(theta, gradient)| theta - 0.5 * gradient);
    assert_eq!(after.parameters, moved.collect::<Vec<_>>());
    assert_eq!(named("b2"), &after.parameters[after.parameters.len() - 1..]);
    assert!(named("dW1").iter().all(|gradient| *gradient > 0.0));
}

#[test]
fn contents_of_another_schedule_are_refused() {
    let network = networks().nth(3).unwrap();
    let schedule = training_step(&network, 2, &Descent::sgd(0.5));
    let refused = |spoil: &dyn Fn(&mut Contents)| {
        let mut contents = Contents::zeros(&schedule);
        spoil(&mut contents);
        match cpu_reference::run_once(&schedule, &contents) {
            Err(Error::Shape { what, .. }) => what,
            other => panic!("not refused: {other:?}"),
        }
    };
    assert_eq!(refused(&|contents| contents.tensors[0].push(1.0)), "X");
    assert_eq!(refused(&|contents| contents.tensors.truncate(1)), "matrices of the schedule");
    assert_eq!(refused(&|contents| contents.parameters.clear()), "parameters");
    assert_eq!(refused(&|contents| contents.gradients.clear()), "gradients");
}
