//! Which neighbouring operations of a schedule become one kernel; plain data, no kernels yet.

use crate::network::{Activation, Loss};
use crate::schedule::{Op, Schedule, Storage, TensorId};

/// A loss with the smoothing of its labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Criterion {
    pub(super) loss: Loss,
    pub(super) smoothing: f64,
}

/// What one kernel does, or one with another that adds its chunks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// An operation by itself.
    Single(Op),
    /// A = g(W X + b): Z is written nowhere.
    MatmulActivate { w: TensorId, x: TensorId, b: TensorId, g: Activation, a: TensorId },
    /// The cost, and its derivative by the logits.
    CostAndDelta { criterion: Criterion, z: TensorId, y: TensorId, dz: TensorId },
    /// dZ_prev = (W^T dZ) * g'(Z_prev), in terms of A_prev, or of Z_prev in its place where g needs it: dA_prev is written nowhere.
    InputDelta { w: TensorId, dz: TensorId, g: Activation, a: TensorId, dz_prev: TensorId },
    /// dW and db, and with a learning rate the update of W and b.
    LayerGradient { dz: TensorId, a_prev: TensorId, dw: TensorId, db: TensorId, learning_rate: Option<f64> },
}

/// Every operation by itself, so that every matrix is written.
pub(super) fn single(schedule: &Schedule) -> Vec<Step> {
    schedule.ops.iter().copied().map(Step::Single).collect()
}

/// As few steps as possible. What is left out is only written by one operation and read by the next.
pub(super) fn fused(schedule: &Schedule) -> Vec<Step> {
    let mut steps = Vec::with_capacity(schedule.ops.len());
    let mut ops = schedule.ops.iter().copied().peekable();
    while let Some(op) = ops.next() {
        let pair = ops.peek().and_then(|&next| pair(schedule, op, next));
        if pair.is_some() {
            ops.next();
        }
        steps.push(pair.unwrap_or(Step::Single(op)));
    }
    with_updates(schedule, &steps).unwrap_or(steps)
}

fn pair(schedule: &Schedule, op: Op, next: Op) -> Option<Step> {
    match (op, next) {
        (Op::MatmulBias { w, x, b, z }, Op::Activate { g, z: input, a })
            if z == input && readers(schedule, z) == 1 =>
        {
            Some(Step::MatmulActivate { w, x, b, g, a })
        }
        (
            Op::Cost { loss, smoothing, z, y, .. },
            Op::OutputDelta { loss: same, smoothing: alike, z: logits, y: target, dz },
        ) if (loss, smoothing, z, y) == (same, alike, logits, target) => {
            Some(Step::CostAndDelta { criterion: Criterion { loss, smoothing }, z, y, dz })
        }
        (Op::InputGradient { w, dz, da }, Op::ActivationDerivative { g, da: input, a, dz: dz_prev })
            if da == input && readers(schedule, da) == 1 =>
        {
            Some(Step::InputDelta { w, dz, g, a, dz_prev })
        }
        (Op::WeightGradient { dz, a_prev, dw }, Op::RowSum { dz: summed, db })
            if dz == summed && gradients(schedule, dw)?.1 == gradients(schedule, db)?.0 =>
        {
            Some(Step::LayerGradient { dz, a_prev, dw, db, learning_rate: None })
        }
        _ => None,
    }
}

/// Operations that read a matrix.
fn readers(schedule: &Schedule, id: TensorId) -> usize {
    schedule.ops.iter().filter(|op| op.inputs().contains(&id)).count()
}

/// The first element of a slice of the gradients and the one after its last.
fn gradients(schedule: &Schedule, id: TensorId) -> Option<(usize, usize)> {
    let tensor = schedule.tensor(id);
    match tensor.storage {
        Storage::Gradients { offset } => Some((offset, offset + tensor.len())),
        _ => None,
    }
}

/// With the final update within the gradients of the layers, if these cover all parameters and no later step needs an old
/// one: the input gradient of a layer goes before.
fn with_updates(schedule: &Schedule, steps: &[Step]) -> Option<Vec<Step>> {
    let (Step::Single(Op::GradientDescent { learning_rate: rate }), before) = steps.split_last()? else {
        return None;
    };
    let mut steps = before.to_vec();
    for i in 1..steps.len() {
        let input = matches!(steps[i], Step::InputDelta { .. } | Step::Single(Op::InputGradient { .. }));
        if input && matches!(steps[i - 1], Step::LayerGradient { .. }) {
            steps.swap(i - 1, i);
        }
    }
    let mut covered = 0;
    for i in 0..steps.len() {
        match &mut steps[i] {
            Step::LayerGradient { dw, db, learning_rate, .. } => {
                *learning_rate = Some(*rate);
                let updated = (gradients(schedule, *dw)?.0, gradients(schedule, *db)?.1);
                covered += updated.1 - updated.0;
                if steps[i + 1..].iter().any(|later| reads_parameters(schedule, later, updated)) {
                    return None;
                }
            }
            Step::Single(Op::WeightGradient { .. } | Op::RowSum { .. }) => return None,
            _ => {}
        }
    }
    (covered == schedule.n_parameters).then_some(steps)
}

fn reads_parameters(schedule: &Schedule, step: &Step, (first, end): (usize, usize)) -> bool {
    let inputs = match *step {
        Step::Single(Op::GradientDescent { .. }) => return true,
        Step::Single(op) => op.inputs(),
        Step::MatmulActivate { w, b, .. } => vec![w, b],
        Step::InputDelta { w, .. } => vec![w],
        Step::CostAndDelta { .. } | Step::LayerGradient { .. } => Vec::new(),
    };
    inputs.into_iter().any(|id| match schedule.tensor(id).storage {
        Storage::Parameters { offset } => offset < end && first < offset + schedule.tensor(id).len(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Layer, Network};
    use crate::schedule::{Descent, prediction, training_step};

    fn network(layers: &[usize]) -> Network {
        let layers = layers.iter().map(|&units| Layer { units, activation: Activation::Tanh });
        Network::new(2, layers.collect(), 1, Loss::BinaryCrossEntropy).expect("valid")
    }

    #[test]
    fn a_training_step_is_three_kernels_a_layer() {
        for layers in [&[][..], &[4], &[20, 7, 5]] {
            let schedule = training_step(&network(layers), 400, &Descent::sgd(1.2));
            let steps = fused(&schedule);
            assert_eq!(steps.len(), 3 * (layers.len() + 1), "{steps:?}");
            assert!(!steps.iter().any(|step| matches!(step, Step::Single(Op::GradientDescent { .. }))));
        }
    }

    #[test]
    fn a_layer_is_updated_after_the_last_use_of_its_weights() {
        let schedule = training_step(&network(&[4, 3]), 400, &Descent::sgd(1.2));
        let steps = fused(&schedule);
        let inputs: Vec<usize> =
            (0..steps.len()).filter(|&i| matches!(steps[i], Step::InputDelta { .. })).collect();
        assert_eq!(inputs, [4, 6]);
        assert!(matches!(steps[5], Step::LayerGradient { learning_rate: Some(1.2), .. }));
    }

    #[test]
    fn a_matrix_that_somebody_else_reads_is_written() {
        let mut schedule = prediction(&network(&[4]), 400);
        assert!(matches!(fused(&schedule)[0], Step::MatmulActivate { .. }));
        let Op::MatmulBias { z, .. } = schedule.ops[0] else { panic!("{:?}", schedule.ops[0]) };
        schedule.ops.push(Op::Activate { g: Activation::Relu, z, a: z });
        assert!(matches!(fused(&schedule)[0], Step::Single(Op::MatmulBias { .. })));
    }

    #[test]
    fn an_update_that_would_leave_parameters_out_stays_by_itself() {
        let mut schedule = training_step(&network(&[4]), 400, &Descent::sgd(1.2));
        schedule.n_parameters += 1;
        let steps = fused(&schedule);
        assert!(matches!(steps.last(), Some(Step::Single(Op::GradientDescent { .. }))), "{steps:?}");
    }
}
