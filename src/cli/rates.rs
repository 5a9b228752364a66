//! `--schedule`: the learning rate over time, in epochs and looks.

use super::options::at_least_one;

/// What becomes of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rates {
    Constant,
    Step { epochs: usize, factor: f64 },
    Exponential { epochs: usize, factor: f64 },
    Cosine,
    Plateau { factor: f64, patience: usize },
}

const USAGE: &str = "use constant, step:EPOCHS:FACTOR such as step:10:0.5, exponential:EPOCHS:FACTOR such as \
                     exponential:1:0.95, cosine, or plateau:factor=0.1,patience=10";

/// Parses what --schedule says; what the numbers may be is checked with the rest of the descent.
pub fn rates(text: &str) -> std::result::Result<Rates, String> {
    let (name, numbers) = text.split_once(':').map_or((text, None), |(name, numbers)| (name, Some(numbers)));
    let found = match (name, numbers) {
        ("constant", None) => Some(Rates::Constant),
        ("cosine", None) => Some(Rates::Cosine),
        ("step", Some(numbers)) => {
            epochs_and_factor(numbers).map(|(epochs, factor)| Rates::Step { epochs, factor })
        }
        ("exponential", Some(numbers)) => {
            epochs_and_factor(numbers).map(|(epochs, factor)| Rates::Exponential { epochs, factor })
        }
        ("plateau", numbers) => plateau(numbers),
        _ => None,
    };
    found.ok_or_else(|| USAGE.to_owned())
}

fn epochs_and_factor(numbers: &str) -> Option<(usize, f64)> {
    let (epochs, factor) = numbers.split_once(':')?;
    Some((at_least_one(epochs).ok()?, factor.parse().ok()?))
}

/// `factor=0.1,patience=10`, or some of it; the defaults are PyTorch's.
fn plateau(settings: Option<&str>) -> Option<Rates> {
    let (mut factor, mut patience) = (0.1, 10);
    for setting in settings.into_iter().flat_map(|settings| settings.split(',')) {
        match setting.split_once('=').map(|(name, value)| (name.trim(), value.trim()))? {
            ("factor", value) => factor = value.parse().ok()?,
            ("patience", value) => patience = at_least_one(value).ok()?,
            _ => return None,
        }
    }
    Some(Rates::Plateau { factor, patience })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_they_are_meant() {
        assert_eq!(rates("step:10:0.5").unwrap(), Rates::Step { epochs: 10, factor: 0.5 });
        assert_eq!(rates("exponential:1:0.95").unwrap(), Rates::Exponential { epochs: 1, factor: 0.95 });
        assert_eq!(rates("plateau").unwrap(), Rates::Plateau { factor: 0.1, patience: 10 });
        assert_eq!(
            rates("plateau:patience=3, factor=0.5").unwrap(),
            Rates::Plateau { factor: 0.5, patience: 3 }
        );
        for text in
            ["", "constant:1", "step", "step:1", "step:0:0.5", "step:1:0.5:2", "plateau:", "plateau:5"]
        {
            assert!(rates(text).is_err(), "{text}");
        }
        for text in ["plateau:patience=0", "plateau:factor=x", "plateau:min=1", "linear"] {
            assert!(rates(text).is_err(), "{text}");
        }
    }
}
