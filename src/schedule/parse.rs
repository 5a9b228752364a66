//! Text forms of optimisers, as typed on the command line and stored in reports: `adam`, `adam:beta_1=0.8,epsilon=1e-7`.

use std::fmt;
use std::str::FromStr;

use super::descent::Optimizer;
use crate::error::{Error, Result};

impl Optimizer {
    /// The constants by name, as typed.
    fn constants_mut(&mut self) -> Vec<(&'static str, &mut f64)> {
        match self {
            Self::Sgd => Vec::new(),
            Self::Momentum { momentum } | Self::Nesterov { momentum } => vec![("momentum", momentum)],
            Self::RmsProp { decay, epsilon } => vec![("decay", decay), ("epsilon", epsilon)],
            Self::Adam { beta_1, beta_2, epsilon } => {
                vec![("beta_1", beta_1), ("beta_2", beta_2), ("epsilon", epsilon)]
            }
            Self::AdamW { beta_1, beta_2, epsilon, weight_decay } => vec![
                ("beta_1", beta_1),
                ("beta_2", beta_2),
                ("epsilon", epsilon),
                ("weight_decay", weight_decay),
            ],
        }
    }

    /// Sets a constant by name.
    fn set(&mut self, setting: &str) -> Result<()> {
        let name = self.name();
        let mut constants = self.constants_mut();
        let names: Vec<&str> = constants.iter().map(|(name, _)| *name).collect();
        let hint = match names[..] {
            [] => format!("{name} has none; leave it out"),
            _ => format!("{name} has {}, given as in {}=0.9", names.join(", "), names[0]),
        };
        let unknown = || Error::invalid("constant of the optimiser", setting.trim(), hint.clone());
        let (key, value) = setting.split_once('=').ok_or_else(unknown)?;
        let value: f64 = value.trim().parse().map_err(|_| unknown())?;
        let constant = constants.iter_mut().find(|(name, _)| *name == key.trim()).ok_or_else(unknown)?;
        *constant.1 = value;
        Ok(())
    }
}

/// All constants, so that a record of it says all.
impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let mut copy = *self;
        for (i, (name, value)) in copy.constants_mut().into_iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for Optimizer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, settings) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let found = Self::ALL.into_iter().find(|optimizer| optimizer.name() == name.trim());
        let mut optimizer = found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("optimiser", name, format!("use one of {names}"))
        })?;
        for setting in settings.into_iter().flat_map(|settings| settings.split(',')) {
            optimizer.set(setting)?;
        }
        optimizer.check()?;
        Ok(optimizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for optimizer in Optimizer::ALL {
            assert_eq!(optimizer.to_string().parse::<Optimizer>().unwrap(), optimizer);
            assert_eq!(optimizer.name().parse::<Optimizer>().unwrap(), optimizer);
        }
        let changed = Optimizer::Adam { beta_1: 0.8, beta_2: 0.999, epsilon: 1e-7 };
        assert_eq!("adam:beta_1=0.8, epsilon=1e-7".parse::<Optimizer>().unwrap(), changed);
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (text, named) in [
            ("adamm", "adamm"),
            ("sgd:momentum=0.9", "sgd has none"),
            ("momentum:0.9", "momentum=0.9"),
            ("momentum:momentum=x", "momentum=x"),
            ("adam:beta_3=0.5", "beta_1, beta_2, epsilon"),
            ("momentum:momentum=1.5", "1.5"),
        ] {
            let error = text.parse::<Optimizer>().unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
