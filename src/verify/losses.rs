//! Costs, their derivatives and outputs of a device against their f64 twins, with and without weights of the samples.

use super::case::Case;
use super::comparison::Comparison;
use super::numbers::{Numbers, ROUNDING, SIZES};
use super::operations::{EXP_FLOOR, FUNCTION, hold, sample_strand, sum_limit};
use crate::cpu_reference::predict;
use crate::error::Result;
use crate::gpu::Device;
use crate::network::Loss;
use crate::schedule::Op;

/// One of each loss.
pub(super) const LOSSES: [Loss; 5] = [
    Loss::BinaryCrossEntropy,
    Loss::SoftmaxCrossEntropy,
    Loss::SquaredError,
    Loss::AbsoluteError,
    Loss::Huber { delta: 0.75 },
];

/// A loss with several numbers of outputs, each with every size as m.
fn shapes(loss: Loss) -> impl Iterator<Item = (usize, usize)> {
    let outputs: &[usize] = match loss {
        Loss::BinaryCrossEntropy => &[1],
        Loss::SoftmaxCrossEntropy => &[2, 3, 10, 127],
        Loss::SquaredError => &[1, 3, 127],
        Loss::AbsoluteError | Loss::Huber { .. } => &[1, 3],
    };
    outputs.iter().flat_map(|&n| SIZES.into_iter().map(move |m| (n, m)))
}

/// How the samples of a case count: alike, by weights, and a softmax's labels smoothed as well.
fn variants(loss: Loss) -> &'static [(bool, f64)] {
    let all = &[(false, 0.0), (true, 0.0), (true, 0.1)];
    if loss == Loss::SoftmaxCrossEntropy { all } else { &all[..2] }
}

/// Weights of m samples, none at all among them.
pub(super) fn weights(m: usize) -> Vec<f64> {
    (0..m).map(|j| [1.0, 0.0, 0.5, 2.5][j % 4]).collect()
}

/// Logits and targets, those with a row of weights if they are to count.
fn logits_and_targets(seed: u32, loss: Loss, n: usize, m: usize, weighted: bool) -> [Vec<f64>; 2] {
    let mut numbers = Numbers::new(seed);
    let (z, mut y) = (numbers.awkward(n * m), numbers.targets(loss, n, m));
    if weighted {
        y.extend(weights(m));
    }
    [z, y]
}

/// The spread of one sample's logits: rounding z - max changes exp by so many roundings.
fn spread(z: &[f64], j: usize, m: usize) -> f64 {
    let column = || z.iter().skip(j).step_by(m).copied();
    column().fold(f64::NEG_INFINITY, f64::max) - column().fold(f64::INFINITY, f64::min)
}

pub(super) async fn costs(device: &Device, loss: Loss, to: &mut Comparison) -> Result<()> {
    for ((n, m), &(weighted, smoothing)) in
        shapes(loss).flat_map(|shape| variants(loss).iter().map(move |variant| (shape, variant)))
    {
        let [z, y] = logits_and_targets(7, loss, n, m, weighted);
        let mut case = Case::new(m);
        let (z, y, j) = (case.filled("Z", z), case.target(y), case.costs());
        case.op(Op::Cost { loss, smoothing, z, y, j });
        let (got, want) = (case.on_device(device).await?, case.on_reference()?);
        // Of one sample: no terms cancel except in z_i - y_i and max - z_y, which round once.
        let own = match loss {
            Loss::BinaryCrossEntropy => 10.0,
            _ => n as f64 + 12.0,
        };
        // A softmax's ln(sum) may vanish beside a large sum's rounding: at most ln(n) a sample, times its weight.
        let weight = if weighted { 2.5 } else { 1.0 };
        let vanished = if loss == Loss::SoftmaxCrossEntropy { weight * (1.0 + (n as f64).ln()) } else { 0.0 };
        let limit = sum_limit(sample_strand(m) + own + 3.0, m, want.costs[0] + vanished);
        to.within(&format!("cost of {n} x {m}"), &got.costs, &want.costs, |_| limit);
    }
    Ok(())
}

/// How far one output of a sample may be off.
fn output_limit(loss: Loss, z: &[f64], a: f64, n: usize, j: usize, m: usize) -> f64 {
    match loss {
        Loss::BinaryCrossEntropy => FUNCTION * a + EXP_FLOOR,
        Loss::SoftmaxCrossEntropy => {
            // Only logits within 104 of the largest have an exp that is not 0 in f32.
            let roundings = n as f64 + 12.0 + 2.0 * spread(z, j, m).min(104.0);
            ROUNDING * roundings * a + EXP_FLOOR
        }
        _ => 0.0,
    }
}

pub(super) async fn outputs(device: &Device, loss: Loss, to: &mut Comparison) -> Result<()> {
    for (n, m) in shapes(loss) {
        let z = Numbers::new(8).awkward(n * m);
        let mut want = z.clone();
        predict(loss, &z, &mut want, m);
        let mut case = Case::new(m);
        let (z_id, a) = (case.filled("Z", z.clone()), case.empty("A", n));
        case.op(Op::Predict { loss, z: z_id, a });
        hold(device, &case, a, |i| output_limit(loss, &z, want[i], n, i % m, m), to).await?;
    }
    Ok(())
}

pub(super) async fn output_deltas(device: &Device, loss: Loss, to: &mut Comparison) -> Result<()> {
    for ((n, m), &(weighted, smoothing)) in
        shapes(loss).flat_map(|shape| variants(loss).iter().map(move |variant| (shape, variant)))
    {
        let [z, y] = logits_and_targets(9, loss, n, m, weighted);
        let mut a = z.clone();
        predict(loss, &z, &mut a, m);
        let mut case = Case::new(m);
        let (z_id, y, dz) = (case.filled("Z", z.clone()), case.target(y), case.empty("dZ", n));
        case.op(Op::OutputDelta { loss, smoothing, z: z_id, y, dz });
        let want = case.on_reference()?;
        let want = want.get(&case.schedule, dz);
        let weight = if weighted { 2.5 } else { 1.0 };
        let limit = |i: usize| {
            weight * output_limit(loss, &z, a[i], n, i % m, m) + 4.0 * ROUNDING * (want[i].abs() + smoothing)
        };
        hold(device, &case, dz, limit, to).await?;
    }
    Ok(())
}
