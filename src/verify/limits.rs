//! Long loops, long sums and many classes.
//!
//! Mesa 22's software driver silently ends all loops of an invocation after 65,535 rounds and goes on with wrong numbers; a
//! dimension of a grid ends at 65,535 workgroups; sums over samples are cut at multiples of 1,024. Hence these sizes.

use super::case::Case;
use super::comparison::Comparison;
use super::numbers::ROUNDING;
use super::probe::Effort;
use crate::error::Result;
use crate::gpu::{Device, LOOP_LIMIT, MAX_CLASSES, run_peak_once};
use crate::network::Loss;
use crate::schedule::Op;

/// Rounds that no kernel exceeds, and that every device must take.
const ALLOWED: [u32; 3] = [1, LOOP_LIMIT / 16, LOOP_LIMIT];

/// Around the end of an old driver's loops.
const BEYOND: [u32; 3] = [65_534, 65_535, 65_537];

/// Loops take the rounds that they should. Beyond what kernels use, a loop that ends early is worth a note, no more.
pub(super) async fn loops(device: &Device, to: &mut Comparison) -> Result<()> {
    for rounds in ALLOWED {
        let done = rounds_done(device, rounds).await?;
        to.within(&format!("rounds of a loop of {rounds}"), &done, &[f64::from(rounds)], |_| 0.0);
    }
    for rounds in BEYOND {
        let done = rounds_done(device, rounds).await?[0];
        if done != f64::from(rounds) {
            to.note = Some(format!(
                "this driver ends loops early: {done} rounds of {rounds}; no kernel takes more than {LOOP_LIMIT}"
            ));
        }
    }
    Ok(())
}

async fn rounds_done(device: &Device, rounds: u32) -> Result<[f64; 1]> {
    let [sums, _] = run_peak_once(device, &[2.0; 4], rounds).await?;
    Ok([(f64::from(sums[0]) - 52.0) / 24.0])
}

/// Kernels that only measure: exact results of multiply-adds, and copies.
pub(super) async fn peak(device: &Device, to: &mut Comparison) -> Result<()> {
    for count in [4, 64, 260, 4_000] {
        // Whole numbers from 0 to 3, halves of them and their products: nothing is rounded in two rounds.
        let numbers: Vec<f32> = (0..count).map(|i| (i % 4) as f32).collect();
        let [sums, copies] = run_peak_once(device, &numbers, 2).await?;
        let chain = |first: f64, start: f64| {
            let (f, t) = (0.5 * first, first + 1.0);
            ((t + start) * f + t) * f + t
        };
        let wanted = numbers.iter().map(|&first| (0..8).map(|c| chain(first.into(), f64::from(c))).sum());
        let wanted: Vec<f64> = wanted.collect();
        let double = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        to.within("multiply-adds", &double(&sums), &wanted, |_| 0.0);
        to.same_bits("copies", &double(&copies), &double(&numbers));
    }
    Ok(())
}

/// The mean of m ones as the kernels form it: an exact sum times the rounded 1 / m.
fn mean_of_ones(m: usize) -> f64 {
    f64::from(m as f32 * (1.0 / m as f32))
}

/// Sums over samples count each of them once, wherever they are cut.
pub(super) async fn sums(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    let all = [1_023, 1_024, 1_025, 2_049, 32_768, 32_769, 65_534, 65_535, 65_536, 65_537, 200_000];
    let few = [1_024, 1_025, 65_535, 65_537];
    for &m in if effort == Effort::Quick { &few[..] } else { &all[..] } {
        let ones = || vec![1.0; 2 * m];
        let mut case = Case::new(m);
        let (dz, a_prev) = (case.filled("dZ", ones()), case.filled("A", ones()));
        let (dw, db) = (case.gradient("dW", (2, 2)), case.gradient("db", (2, 1)));
        let (y, j) = (case.target(vec![0.0; 2 * m]), case.costs());
        case.op(Op::WeightGradient { dz, a_prev, dw });
        case.op(Op::RowSum { dz, db });
        // Two outputs that are off by 1: half of 1 + 1.
        case.op(Op::Cost { loss: Loss::SquaredError, smoothing: 0.0, z: dz, y, j });
        let after = case.on_device(device).await?;
        for id in [dw, db, j] {
            let means = after.get(&case.schedule, id);
            let what = format!("{} of {m} ones", case.schedule.tensor(id).name);
            to.within(&what, means, &vec![mean_of_ones(m); means.len()], |_| 0.0);
        }
    }
    Ok(())
}

/// Products over nearly as many units as a loop may have rounds.
pub(super) async fn long_products(device: &Device, to: &mut Comparison) -> Result<()> {
    let (n, m) = (60_000, 3);
    let mut case = Case::new(m);
    let ones = case.filled("X", vec![1.0; n * m]);
    let (wide, b) = (case.parameter("W1", (1, n), &vec![1.0; n]), case.parameter("b1", (1, 1), &[0.0]));
    let tall = case.parameter("W2", (n, 1), &vec![1.0; n]);
    let (z, da) = (case.empty("Z1", 1), case.empty("dA1", 1));
    case.op(Op::MatmulBias { w: wide, x: ones, b, z });
    case.op(Op::InputGradient { w: tall, dz: ones, da });
    let after = case.on_device(device).await?;
    for id in [z, da] {
        let what = format!("{} of {n} ones", case.schedule.tensor(id).name);
        to.within(&what, after.get(&case.schedule, id), &[n as f64; 3], |_| 0.0);
    }
    Ok(())
}

/// Softmax loops over its classes three times; equal logits make every exp exact, and a loop cut short shows.
pub(super) async fn many_classes(device: &Device, to: &mut Comparison) -> Result<()> {
    // The second: few enough for one sample, but sixteen samples an invocation would be too many.
    for (n_classes, m) in [(MAX_CLASSES as usize, 3), (3_000, 1_100)] {
        let loss = Loss::SoftmaxCrossEntropy;
        let mut case = Case::new(m);
        let (z, j) = (case.filled("Z", vec![2.0; n_classes * m]), case.costs());
        let y = case.target((0..m).map(|j| (j % n_classes) as f64).collect());
        let (dz, a) = (case.empty("dZ", n_classes), case.empty("A", n_classes));
        case.op(Op::Cost { loss, smoothing: 0.0, z, y, j });
        case.op(Op::OutputDelta { loss, smoothing: 0.0, z, y, dz });
        case.op(Op::Predict { loss, z, a });
        let after = case.on_device(device).await?;
        let share = 1.0 / n_classes as f64;
        let own = |index: usize| index / m == index % m % n_classes;
        let delta = |index: usize| if own(index) { share - 1.0 } else { share };
        let wanted = [vec![-share.ln()], (0..n_classes * m).map(delta).collect(), vec![share; n_classes * m]];
        for (id, wanted) in [j, dz, a].into_iter().zip(wanted) {
            let what = format!("{} of {n_classes} classes", case.schedule.tensor(id).name);
            let got = after.get(&case.schedule, id);
            to.within(&what, got, &wanted, |i| 40.0 * ROUNDING * wanted[i].abs());
        }
    }
    Ok(())
}
