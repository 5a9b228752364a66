//! TFRecord: each record's length and bytes, both followed by a masked CRC-32C, little endian.

use std::io::{self, Write};

/// Castagnoli's polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// The CRC-32C of bytes (RFC 3720, B.4).
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ crc >> 8;
    !bytes.iter().fold(!0, step)
}

/// Rotated and shifted, so that the sum of a record that holds sums is no special case.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Writes a record.
pub(super) fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(bytes);
    record.extend(masked(bytes).to_le_bytes());
    // In one go: a reader that looks meanwhile sees whole records.
    to.write_all(&record)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3720, B.4, and the check value of the algorithm's catalogue entry.
    #[test]
    fn sums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_record_is_length_sum_bytes_sum() {
        let mut written = Vec::new();
        write(&mut written, b"abc").unwrap();
        assert_eq!(written.len(), 8 + 4 + 3 + 4);
        assert_eq!(written[..8], 3u64.to_le_bytes());
        assert_eq!(written[12..15], *b"abc");
        let unmasked = |at: usize| {
            let sum = u32::from_le_bytes(written[at..at + 4].try_into().unwrap());
            sum.wrapping_sub(0xa282_ead8).rotate_left(15)
        };
        assert_eq!(unmasked(8), crc32c(&3u64.to_le_bytes()));
        assert_eq!(unmasked(15), crc32c(b"abc"));
    }
}
