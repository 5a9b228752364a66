//! NumPy's arrays: headers, types, orders.
#![no_main]

use gpu_nn_fuzz::{file, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read(&file("data.npy", bytes)));
