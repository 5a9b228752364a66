//! Models as safetensors files.
#![no_main]

use gpu_nn::model::Model;
use gpu_nn_fuzz::file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::load(&file("model.safetensors", bytes)) {
        let again = file("again.safetensors", b"");
        model.save(&again).expect("a model that was read can be written");
        assert_eq!(Model::load(&again).expect("what was written can be read"), model);
    }
});
