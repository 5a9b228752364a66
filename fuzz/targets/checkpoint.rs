//! Checkpoints as safetensors files: what a run is taken up from.
#![no_main]

use gpu_nn::model::SavedCheckpoint;
use gpu_nn_fuzz::file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = SavedCheckpoint::load(&file("checkpoint.safetensors", bytes)) {
        let again = file("again.safetensors", b"");
        checkpoint.save(&again).expect("a checkpoint that was read can be written");
        SavedCheckpoint::load(&again).expect("what was written can be read");
    }
});
