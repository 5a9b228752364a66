//! The device's own functions point by point, large arguments among them, and what becomes of NaN and infinities.

use super::case::Case;
use super::comparison::Comparison;
use super::numbers::{ACTIVATIONS, Numbers, SMALLEST_NORMAL, WITH_Z, single};
use super::probe::Effort;
use super::work::small;
use crate::cpu_reference::sigmoid;
use crate::error::Result;
use crate::gpu::{self, Device};
use crate::network::{Activation, Loss};
use crate::schedule::Op;

/// The largest relative error of tanh, sigmoid, exp and softplus: not quite seven roundings.
const ERROR: f64 = 4e-7;

/// Smaller results count as zero: exp is clamped at exp(-87) = 1.6e-38, and a device that flushes subnormal numbers
/// loses half of it on the way through log1p.
const FLOOR: f64 = 2.0 * SMALLEST_NORMAL;

/// Points evenly from -100 to 100, and as many of either sign towards 0 down to 1e-37.
fn points(effort: Effort) -> Vec<f64> {
    let count = if effort == Effort::Quick { 5_000 } else { 100_000 };
    let fraction = |i: usize| i as f64 / (count - 1) as f64;
    let even = (0..count).map(|i| 200.0 * fraction(i) - 100.0);
    let near = (0..count).map(|i| 10f64.powf(-37.0 * fraction(i)) * if i % 2 == 0 { 1.0 } else { -1.0 });
    even.chain(near).map(single).collect()
}

fn limit(want: f64) -> f64 {
    if want.abs() < FLOOR { FLOOR } else { ERROR * want.abs() }
}

async fn activated(device: &Device, g: Activation, z: &[f64]) -> Result<Vec<f64>> {
    let mut case = Case::new(z.len());
    let (z, a) = (case.filled("Z", z.to_vec()), case.empty("A", 1));
    case.op(Op::Activate { g, z, a });
    Ok(case.on_device(device).await?.get(&case.schedule, a).to_vec())
}

/// tanh, sigmoid, softplus and elu, as activations.
pub(super) async fn activation(
    device: &Device,
    g: Activation,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    let function = |z: f64| match g {
        Activation::Tanh => z.tanh(),
        Activation::Sigmoid => sigmoid(z),
        Activation::Elu => {
            if z > 0.0 {
                z
            } else {
                z.exp_m1()
            }
        }
        _ => z.max(0.0) + (-z.abs()).exp().ln_1p(),
    };
    let z = points(effort);
    let want: Vec<f64> = z.iter().map(|&z| function(z)).collect();
    let got = activated(device, g, &z).await?;
    to.within(&g.to_string(), &got, &want, |i| limit(want[i]));
    Ok(())
}

/// exp by way of a softmax: beside a logit of 0, that of z <= 0 has the output exp(z) / (1 + exp(z)), exp(z) itself when it is
/// small.
pub(super) async fn exp(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    let z: Vec<f64> = points(effort).into_iter().filter(|z| *z < 0.0).collect();
    let want: Vec<f64> = z.iter().map(|z| z.exp() / (1.0 + z.exp())).collect();
    let mut case = Case::new(z.len());
    let logits = [z.clone(), vec![0.0; z.len()]].concat();
    let (z_id, a) = (case.filled("Z", logits), case.empty("A", 2));
    case.op(Op::Predict { loss: Loss::SoftmaxCrossEntropy, z: z_id, a });
    let after = case.on_device(device).await?;
    let got = &after.get(&case.schedule, a)[..z.len()];
    to.within("exp through softmax", got, &want, |i| limit(want[i]));
    Ok(())
}

/// Equal, both NaN, or both so small that exp was clamped.
fn agree(got: f64, want: f64) -> bool {
    got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= FLOOR
}

/// A NaN stays one, an infinity comes to the end of its function.
pub(super) async fn special_activations(device: &Device, to: &mut Comparison) -> Result<()> {
    let z = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        let a = activated(device, g, &z).await?;
        to.require(a[0].is_nan() && a[1].is_nan(), || format!("{g} hides a NaN: {:?}", &a[..2]));
        let want = match g {
            Activation::Sigmoid => [1.0, 0.0],
            Activation::Tanh => [1.0, -1.0],
            Activation::Relu | Activation::Softplus | Activation::Gelu | Activation::Silu => {
                [f64::INFINITY, 0.0]
            }
            Activation::Elu => [f64::INFINITY, -1.0],
            Activation::LeakyRelu { .. } | Activation::Identity => [f64::INFINITY, f64::NEG_INFINITY],
        };
        for (&got, want) in a[2..].iter().zip(want) {
            to.require(agree(got, want), || format!("{g} of an infinity is {got}, not {want}"));
        }
    }
    Ok(())
}

/// Costs, derivatives and outputs for one sample with these logits, each the same as the twin's.
async fn special_loss(
    device: &Device,
    loss: Loss,
    logits: &[f64],
    y: &[f64],
    to: &mut Comparison,
) -> Result<()> {
    let mut case = Case::new(1);
    let (z, y, j) = (case.filled("Z", logits.to_vec()), case.target(y.to_vec()), case.costs());
    let (dz, a) = (case.empty("dZ", logits.len()), case.empty("A", logits.len()));
    case.op(Op::Cost { loss, smoothing: 0.0, z, y, j });
    case.op(Op::OutputDelta { loss, smoothing: 0.0, z, y, dz });
    case.op(Op::Predict { loss, z, a });
    let (got, want) = (case.on_device(device).await?, case.on_reference()?);
    for id in [j, dz, a] {
        let (got, want) = (got.get(&case.schedule, id), want.get(&case.schedule, id));
        let same = got.iter().zip(want).all(|(got, want)| agree(*got, *want));
        let name = &case.schedule.tensor(id).name;
        to.require(same, || format!("{loss:?} of {logits:?}: {name} is {got:?}, not {want:?}"));
    }
    Ok(())
}

pub(super) async fn special_losses(device: &Device, to: &mut Comparison) -> Result<()> {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for (z, y) in special.into_iter().flat_map(|z| [(z, 0.0), (z, 1.0)]) {
        special_loss(device, Loss::BinaryCrossEntropy, &[z], &[y], to).await?;
        special_loss(device, Loss::SoftmaxCrossEntropy, &[z, 0.0], &[y], to).await?;
        special_loss(device, Loss::SoftmaxCrossEntropy, &[0.0, z], &[y], to).await?;
        special_loss(device, Loss::SquaredError, &[z, 0.0], &[y, 1.0], to).await?;
        for other in special {
            special_loss(device, Loss::SoftmaxCrossEntropy, &[z, other], &[y], to).await?;
        }
    }
    Ok(())
}

/// A NaN of one sample reaches its activations, the cost and every gradient, and no other sample.
pub(super) async fn nan_reaches_everything(
    device: &Device,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    let losses = [(Loss::BinaryCrossEntropy, 1), (Loss::SoftmaxCrossEntropy, 3), (Loss::SquaredError, 2)];
    let losses = if effort == Effort::Quick { &losses[..1] } else { &losses[..] };
    for g in ACTIVATIONS.into_iter().chain(WITH_Z) {
        for &(loss, n_outputs) in losses {
            let m = 5;
            let (schedule, mut before) = small(g, loss, n_outputs, m, &mut Numbers::new(11));
            // X (2, m): a feature of sample 3.
            before.tensors[0][3] = f64::NAN;
            let after = gpu::run_once(device, &schedule, &before).await?;
            let of = |name: &str| schedule.tensors.iter().position(|tensor| tensor.name == name);
            let a1 = of("A1").expect("a network with a hidden layer has its activations");
            for (i, a) in after.tensors[a1].iter().enumerate() {
                to.require(a.is_nan() == (i % m == 3), || format!("{g}, {loss:?}: A1[{i}] is {a}"));
            }
            let cost = after.costs[0];
            to.require(cost.is_nan(), || format!("{g}, {loss:?}: the cost is {cost}"));
            let hidden = after.gradients.iter().position(|gradient| !gradient.is_nan());
            to.require(hidden.is_none(), || format!("{g}, {loss:?}: gradient {hidden:?} hides a NaN"));
        }
    }
    Ok(())
}
