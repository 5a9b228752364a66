//! The forward pass: X through every layer to the logits.

use super::build::{Builder, Forward};
use super::op::{Op, Storage};

pub(super) fn forward(builder: &mut Builder<'_>) -> Forward {
    let network = builder.network;
    let mut x = builder.tensor("X".into(), network.n_features(), builder.m, Storage::Input);
    let mut pass = Forward { a: Vec::new(), activated: Vec::new(), z: Vec::new(), w: Vec::new(), logits: x };
    for l in 0..network.n_layers() {
        let (n_l, n_prev) = network.weight_shape(l);
        let (w_at, b_at) = (builder.arena.weight(l).offset, builder.arena.bias(l).offset);
        let w = builder.tensor(format!("W{}", l + 1), n_l, n_prev, Storage::Parameters { offset: w_at });
        let b = builder.tensor(format!("b{}", l + 1), n_l, 1, Storage::Parameters { offset: b_at });
        let z = builder.value(format!("Z{}", l + 1), n_l);
        builder.ops.push(Op::MatmulBias { w, x, b, z });
        pass.a.push(x);
        pass.w.push(w);
        pass.logits = z;
        if let Some(layer) = network.hidden().get(l) {
            let a = builder.value(format!("A{}", l + 1), n_l);
            builder.ops.push(Op::Activate { g: layer.activation, z, a });
            x = a;
            pass.activated.push(a);
            pass.z.push(z);
            if let Some(dropout) = builder.dropout {
                let masked = builder.value(format!("D{}", l + 1), n_l);
                builder.ops.push(Op::Dropout { dropout, layer: l, x, masked, after_cost: false });
                x = masked;
            }
        }
    }
    pass
}
