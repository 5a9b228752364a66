//! Texts: delimiters, quotes, line ends, headers, columns that change their mind; packed ones too.
#![no_main]

use gpu_nn_fuzz::{file, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read(&file("data.csv", bytes)));
