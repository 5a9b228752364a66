//! Numbers, texts and names as C99 writes them.

use std::fmt::Write as _;

/// A number as a hexadecimal literal, which every compiler reads as exactly this value; `single`: of type float.
pub(super) fn literal(value: f64, single: bool) -> String {
    let bits = value.to_bits();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let suffix = if single { "f" } else { "" };
    let fraction = bits & ((1 << 52) - 1);
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let (integer, exponent) = match exponent {
        0 if fraction == 0 => return format!("{sign}0.0{suffix}"),
        // Subnormal: no implicit 1.
        0 => (0, -1022),
        biased => (1, biased - 1023),
    };
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    format!("{sign}0x{integer}{point}{digits}p{exponent}{suffix}")
}

/// A text as a string literal. What is not plain ASCII becomes octal escapes of its UTF-8 bytes, which end after three
/// digits whatever follows.
pub(super) fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            // A `?` could begin a trigraph.
            b'"' | b'\\' | b'?' | 0..=31 | 127.. => {
                // Writing to a String cannot fail.
                let _ = write!(literal, "\\{byte:03o}");
            }
            _ => literal.push(char::from(byte)),
        }
    }
    literal + "\""
}

/// The identifier nearest to a name: letters, digits and underscores, a letter first.
pub(super) fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("net_{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_exact() {
        for (value, text) in [
            (1.0, "0x1p0"),
            (-0.75, "-0x1.8p-1"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (f64::MIN_POSITIVE, "0x1p-1022"),
            (5e-324, "0x0.0000000000001p-1022"),
            (f64::MAX, "0x1.fffffffffffffp1023"),
        ] {
            assert_eq!(literal(value, false), text);
        }
        assert_eq!(literal(f64::from(0.1f32), true), "0x1.99999ap-4f");
        assert_eq!(literal(f64::from(f32::from_bits(1)), true), "0x1p-149f");
    }

    #[test]
    fn texts_and_names_are_c() {
        assert_eq!(quoted("a\"b\\c??/ ü1"), r#""a\042b\134c\077\077/ \303\2741""#);
        assert_eq!(identifier("Iris-Setosa 2"), "iris_setosa_2");
        assert_eq!(identifier("2 moons"), "net_2_moons");
        assert_eq!(identifier(""), "net_");
    }
}
