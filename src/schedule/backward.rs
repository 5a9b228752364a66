//! The backward pass: from the logits' derivative down to the gradients of the first layer.

use super::build::{Builder, Forward};
use super::op::{Op, Storage, TensorId};

pub(super) fn backward(builder: &mut Builder<'_>, pass: &Forward, y: TensorId) {
    let network = builder.network;
    let last = network.n_layers();
    let mut dz = builder.value(format!("dZ{last}"), network.n_outputs());
    builder.ops.push(Op::OutputDelta {
        loss: network.loss(),
        smoothing: builder.smoothing,
        z: pass.logits,
        y,
        dz,
    });
    for l in (0..last).rev() {
        let (n_l, n_prev) = network.weight_shape(l);
        let (w_at, b_at) = (builder.arena.weight(l).offset, builder.arena.bias(l).offset);
        let dw = builder.tensor(format!("dW{}", l + 1), n_l, n_prev, Storage::Gradients { offset: w_at });
        let db = builder.tensor(format!("db{}", l + 1), n_l, 1, Storage::Gradients { offset: b_at });
        builder.ops.push(Op::WeightGradient { dz, a_prev: pass.a[l], dw });
        builder.ops.push(Op::RowSum { dz, db });
        if l > 0 {
            // The input of layer l is the activation of the hidden layer before it.
            let mut da = builder.value(format!("dA{l}"), n_prev);
            builder.ops.push(Op::InputGradient { w: pass.w[l], dz, da });
            if let Some(dropout) = builder.dropout {
                let masked = builder.value(format!("dD{l}"), n_prev);
                builder.ops.push(Op::Dropout { dropout, layer: l - 1, x: da, masked, after_cost: true });
                da = masked;
            }
            dz = builder.value(format!("dZ{l}"), n_prev);
            let g = network.hidden()[l - 1].activation;
            let a = if g.needs_z() { pass.z[l - 1] } else { pass.activated[l - 1] };
            builder.ops.push(Op::ActivationDerivative { g, da, a, dz });
        }
    }
}
