//! NumPy's archives, as data and as models.
#![no_main]

use gpu_nn::export::{ImportOptions, from_npz, to_npz};
use gpu_nn_fuzz::{file, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = file("data.npz", bytes);
    read(&path);
    if let Ok(model) = from_npz(&path, &ImportOptions::default()) {
        let again = file("again.npz", &to_npz(&model).expect("a model that was read can be written"));
        let back = from_npz(&again, &ImportOptions::default()).expect("what was written can be read");
        assert_eq!(model.parameters.values(), back.parameters.values());
    }
});
