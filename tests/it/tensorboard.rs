//! `--tensorboard`: the event file, read back without the code that wrote it; and `--dashboard` where there is no terminal.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gpu_nn::export::EventFile;

use crate::command::{Desk, failure};
use crate::support::{list, number};

/// What an event says: its step, the version of the file, and scalars by tag.
#[derive(Debug, Default, PartialEq)]
struct Event {
    step: u64,
    version: Option<String>,
    scalars: BTreeMap<String, f32>,
}

/// CRC-32C bit by bit, masked as TensorFlow does.
fn masked_sum(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum % 2 == 1 { (sum / 2) ^ 0x82f6_3b78 } else { sum / 2 };
        }
    }
    (!sum).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The bytes of all records, whose sums must be right.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at(12);
        let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
        assert_eq!(head[8..], masked_sum(&head[..8]).to_le_bytes(), "the sum of the length");
        let (record, rest) = rest.split_at(length);
        let (sum, rest) = rest.split_at(4);
        assert_eq!(sum, masked_sum(record).to_le_bytes(), "the sum of the record");
        records.push(record);
        bytes = rest;
    }
    records
}

/// The fields of a message: number and content, as an integer or as bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (integer, length) = match key % 8 {
            0 => (varint(&mut bytes), 0),
            1 => (0, 8),
            2 => (0, varint(&mut bytes) as usize),
            5 => (0, 4),
            kind => panic!("wire type {kind}"),
        };
        let (content, rest) = bytes.split_at(length);
        fields.push((key / 8, integer, content));
        bytes = rest;
    }
    fields
}

fn event(record: &[u8]) -> Event {
    let mut event = Event::default();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for (field, integer, content) in fields(record) {
        match field {
            1 => assert!(f64::from_le_bytes(content.try_into().unwrap()) > 1.7e9, "seconds since 1970"),
            2 => event.step = integer,
            3 => event.version = Some(text(content)),
            5 => {
                for (_, _, value) in fields(content) {
                    let value = fields(value);
                    let [(1, _, tag), (2, _, scalar)] = value[..] else { panic!("{value:?}") };
                    event.scalars.insert(text(tag), f32::from_le_bytes(scalar.try_into().unwrap()));
                }
            }
            other => panic!("field {other}"),
        }
    }
    event
}

/// The events of the only event file in a folder, without the first record.
fn events(folder: &Path) -> Vec<Event> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = names.filter(|path| path.to_string_lossy().contains("tfevents")).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = fs::read(&files[0]).unwrap();
    let mut events: Vec<Event> = records(&bytes).into_iter().map(event).collect();
    let first = events.remove(0);
    assert_eq!(first.version.as_deref(), Some("brain.Event:2"));
    events
}

#[test]
fn scalars_are_read_back() {
    let desk = Desk::new();
    let folder = desk.path("");
    let mut file = EventFile::create(&folder).unwrap();
    file.scalars(0, [("cost", 0.0), ("größe/x", -1.5)]).unwrap();
    file.scalars(300, [("cost", f64::MAX)]).unwrap();
    let scalars = |pairs: &[(&str, f32)]| pairs.iter().map(|(tag, value)| ((*tag).into(), *value)).collect();
    let want = [
        Event { step: 0, version: None, scalars: scalars(&[("cost", 0.0), ("größe/x", -1.5)]) },
        Event { step: 300, version: None, scalars: scalars(&[("cost", f32::INFINITY)]) },
    ];
    assert_eq!(events(&folder), want);
    // A second file has a name of its own.
    let second = EventFile::create(&folder).unwrap();
    assert_ne!(second.path(), file.path());
    let error = EventFile::create(&desk.path("absent")).unwrap_err().to_string();
    assert!(error.starts_with("cannot write "), "{error}");
}

#[test]
#[should_panic(expected = "the sum of the record")]
fn a_changed_byte_is_noticed() {
    let desk = Desk::new();
    let file = EventFile::create(&desk.path("")).unwrap();
    let mut bytes = fs::read(file.path()).unwrap();
    bytes[15] ^= 1;
    records(&bytes);
}

#[test]
fn a_training_writes_what_it_sees() {
    let desk = Desk::new();
    let report = desk.json(
        "train --data spiral --m 300 --batch-size 50 --epochs 6 --schedule step:2:0.5 --validation 0.2 --backend cpu \
         --learning-rate 0.25 --tensorboard --no-plots --json --out run",
    );
    let events = events(&desk.path("run"));
    let looks = list(&report["looks"]);
    assert_eq!((events.len(), looks.len()), (6, 6));
    for (event, look) in events.iter().zip(looks) {
        assert_eq!(event.step, look["iteration"].as_u64().unwrap());
        assert_eq!(event.scalars["training/cost"], number(&look["cost"]) as f32);
        assert_eq!(event.scalars["validation/cost"], number(&look["validation"]["cost"]) as f32);
        assert_eq!(event.scalars["validation/recall"], number(&look["validation"]["recall"]) as f32);
    }
    let rates: Vec<f32> = events.iter().map(|event| event.scalars["learning_rate"]).collect();
    assert_eq!(rates, [0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625]);
}

#[test]
fn a_training_on_all_samples_has_a_curve_too() {
    let desk = Desk::new();
    let report = desk.json("train --iterations 2500 --backend cpu --tensorboard --no-plots --json --out run");
    let events = events(&desk.path("run"));
    // At most a thousand points.
    assert_eq!(events.len(), 834);
    assert_eq!((events[1].step, events[833].step), (3, 2_499));
    assert_eq!(events[0].scalars["training/cost"], number(&report["costs"]["0"]) as f32);
    assert_eq!(events[0].scalars.len(), 2);
    // Without being asked for, nothing is written.
    desk.output("train --iterations 5 --backend cpu --no-plots --quiet --out plain");
    let plain = fs::read_dir(desk.path("plain")).unwrap();
    assert!(
        plain.map(|entry| entry.unwrap().file_name()).all(|name| !name.to_string_lossy().contains("events"))
    );
}

#[cfg(feature = "dashboard")]
#[test]
fn a_dashboard_takes_a_terminal() {
    let desk = Desk::new();
    let line = failure(&desk, "train --dashboard --iterations 5", 2);
    assert!(line.contains("have to be a terminal; leave --dashboard out"), "{line}");
    assert!(!desk.path("runs").exists());
    let line = failure(&desk, "train --dashboard --json", 2);
    assert!(line.contains("--json"), "{line}");
}
