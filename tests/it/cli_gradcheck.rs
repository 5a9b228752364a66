//! `gpu-nn gradcheck`.

use crate::command::{Desk, failure};
use crate::support::{count, list, number};

#[test]
fn the_gradients_of_every_kind_of_network_agree() {
    let desk = Desk::new();
    for (data, options) in [
        ("flower", "--hidden 4 --init xavier"),
        ("spiral", "--hidden 6,5:sigmoid --init xavier"),
        ("blobs", "--hidden 7:leaky_relu --init he"),
        ("xor", "--hidden none --output identity --init xavier"),
    ] {
        for backend in ["cpu", "cpu-reference"] {
            let check = format!("gradcheck --data {data} {options} --backend {backend} --json");
            let report = desk.json(&check);
            for matrix in list(&report["matrices"]) {
                assert!(matrix["agrees"] == true && number(&matrix["worst"]) < 1e-7, "{check}: {matrix}");
                assert_eq!(matrix["checked"], matrix["elements"]);
            }
            assert_eq!(report["step"]["agrees"], true, "{check}: {}", report["step"]);
        }
    }
    let report = desk.json("gradcheck --hidden 200 --elements 10 --backend cpu --json");
    assert_eq!(count(&list(&report["matrices"])[0]["checked"]), 10);
    let text = desk.output("gradcheck --backend cpu");
    assert!(text.contains("largest difference") && text.contains("W1"), "{text}");
}

#[test]
fn gradients_that_overflow_are_named() {
    let desk = Desk::new();
    // Squared errors of 1e200 have no finite cost.
    let check = "gradcheck --data xor --hidden 3:identity --output identity --init normal:1e160 --backend cpu-reference";
    let assert = desk.gpu_nn(check).failure().code(1);
    let line = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(line.contains("gradcheck") && line.lines().count() == 1, "{line}");
    failure(&desk, "gradcheck --elements 0", 2);
}
