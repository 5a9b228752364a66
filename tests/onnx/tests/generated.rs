//! The checked-in Rust code of ONNX's messages is what prost makes of the .proto file beside it.
//!
//! `ONNX_PROTO=write cargo test --manifest-path tests/onnx/Cargo.toml` writes it anew.

use std::fs;
use std::path::Path;

use flate2::Crc;

fn checksum(bytes: &[u8]) -> String {
    let mut crc = Crc::new();
    crc.update(bytes);
    format!("{:08x}", crc.sum())
}

/// A test of gpu-nn holds the checksums against the files, so that neither is changed without the other.
fn head(proto: &str, code: &str) -> String {
    format!(
        "//! ONNX's messages as prost generates them from onnx.proto, which is beside this file; do not edit.\n//!\n\
         //! `ONNX_PROTO=write cargo test --manifest-path tests/onnx/Cargo.toml` makes it anew.\n//!\n\
         //! CRC-32: onnx.proto {}, the code {}\n\n",
        checksum(proto.as_bytes()),
        checksum(code.as_bytes())
    )
}

#[test]
fn the_checked_in_messages_are_those_of_the_proto_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/export/onnx");
    let descriptors = protox::compile(["onnx.proto"], [&folder]).unwrap();
    let out = tempfile::tempdir().unwrap();
    prost_build::Config::new().out_dir(out.path()).compile_fds(descriptors).unwrap();
    let code = fs::read_to_string(out.path().join("onnx.rs")).unwrap();
    let proto = fs::read_to_string(folder.join("onnx.proto")).unwrap();
    let generated = head(&proto, &code) + &code;
    let checked_in = folder.join("proto.rs");
    if std::env::var_os("ONNX_PROTO").is_some_and(|mode| mode == "write") {
        fs::write(&checked_in, &generated).unwrap();
    }
    let found = fs::read_to_string(&checked_in).unwrap();
    assert!(
        found == generated,
        "{} is not what onnx.proto gives; see the head of this test",
        checked_in.display()
    );
}
