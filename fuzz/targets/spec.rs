//! What is typed: hidden layers, activations, optimisers, backends, first weights, names of columns.
#![no_main]

use gpu_nn::data::{Generator, Impute, Scale};
use gpu_nn::network::{Activation, Initializer, Loss, Network, parse_hidden};
use gpu_nn::schedule::{Lowering, Optimizer};
use gpu_nn::training::{BackendChoice, Metric};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(hidden) = parse_hidden(text, Activation::Tanh)
        && let Ok(network) = Network::new(3, hidden, 2, Loss::SoftmaxCrossEntropy)
    {
        assert!(network.to_string().starts_with("3-"));
    }
    let _ = (text.parse::<BackendChoice>(), text.parse::<Lowering>(), text.parse::<Metric>());
    let _ = (text.parse::<Generator>(), text.parse::<Impute>(), text.parse::<Scale>());
    if let Ok(activation) = text.parse::<Activation>() {
        let again: Activation = activation.to_string().parse().expect("what is shown can be typed");
        assert_eq!(format!("{again:?}"), format!("{activation:?}"));
    }
    if let Ok(optimizer) = text.parse::<Optimizer>() {
        let again: Optimizer = optimizer.to_string().parse().expect("what is shown can be typed");
        assert_eq!(format!("{again:?}"), format!("{optimizer:?}"));
    }
    if let Ok(initializer) = text.parse::<Initializer>() {
        let again: Initializer = initializer.to_string().parse().expect("what is shown can be typed");
        assert_eq!(format!("{again:?}"), format!("{initializer:?}"));
    }
});
