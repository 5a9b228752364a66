//! Axes as numbers: ranges, tick positions and their labels; no drawing.

/// A range of values, linear or logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

/// A labelled value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

impl Axis {
    /// From `low` to `high`, widened where they are equal.
    pub(super) fn linear((low, high): (f64, f64)) -> Self {
        if high > low {
            return Self { low, high, logarithmic: false };
        }
        let half = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
        Self { low: low - half, high: low + half, logarithmic: false }
    }

    /// From `low` to `high`, both positive, a little widened.
    pub(super) fn logarithmic((low, high): (f64, f64)) -> Self {
        let room = (high / low).powf(0.04).max(1.05);
        // The smallest positive numbers leave no room below, the largest none above.
        let (low, high) = ((low / room).max(f64::MIN_POSITIVE), (high * room).min(f64::MAX));
        Self { low, high, logarithmic: true }
    }

    /// Where a value lies, as a share of the axis: 0 at its low end, 1 at its high one.
    pub(super) fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            // A quotient of values might overflow; a difference of logarithms does not.
            (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// At most about `most` round values within the axis, `whole` numbers only if asked for.
    pub(super) fn ticks(&self, most: usize, whole: bool) -> Vec<Tick> {
        if self.logarithmic { self.decade_ticks(most.max(2)) } else { self.even_ticks(most.max(2), whole) }
    }

    fn even_ticks(&self, most: usize, whole: bool) -> Vec<Tick> {
        let rough = (self.high - self.low) / most as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * power).max(if whole { 1.0 } else { f64::MIN_POSITIVE });
        let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 12.0) as usize;
        let first = (self.low / step - 1e-6).ceil();
        let count = ((self.high - first * step) / step + 1e-6).floor().clamp(0.0, most as f64) as usize;
        (0..=count)
            .map(|index| (first + index as f64) * step)
            .map(|value| Tick { value, label: number(value, decimals) })
            .collect()
    }

    fn decade_ticks(&self, most: usize) -> Vec<Tick> {
        let (first, last) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
        let decades = (last - first + 1).max(1) as usize;
        let every = decades.div_ceil(most).max(1);
        let digits: &[f64] = match most / decades {
            0..3 => &[1.0],
            3..6 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 2.0, 3.0, 5.0, 7.0],
        };
        (first - 1..=last)
            .filter(|power| power.rem_euclid(every as i32) == 0)
            .flat_map(|power| digits.iter().map(move |digit| (*digit, power)))
            .map(|(digit, power)| Tick {
                value: digit * 10f64.powi(power),
                label: power_of_ten(digit, power),
            })
            .filter(|tick| self.contains(tick.value))
            .collect()
    }
}

/// `1,234.50`: groups of three, a true minus sign; powers of ten where the digits would be too many.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= 1e7 || decimals > 5 && size > 0.0 {
        let power = size.log10().floor();
        let digit = value / 10f64.powf(power);
        let text = format!("{digit:.2}");
        let text = text.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
        return format!("{text}×10{}", superscript(power as i32));
    }
    let text = format!("{size:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    // No sign before a zero that only rounding made.
    let negative = value < 0.0 && text.contains(|c| ('1'..='9').contains(&c));
    format!("{}{grouped}{fraction}", if negative { "−" } else { "" })
}

fn power_of_ten(digit: f64, power: i32) -> String {
    match power {
        -4..=5 => number(digit * 10f64.powi(power), (-power).max(0) as usize),
        _ if digit == 1.0 => format!("10{}", superscript(power)),
        _ => format!("{digit}×10{}", superscript(power)),
    }
}

fn superscript(power: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    power.to_string().chars().map(raised).collect()
}
