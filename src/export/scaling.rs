//! A model's preprocessing as arithmetic on its features, as programs need it that know no columns.

use crate::data::{Preprocessing, Step};

/// What feature x becomes: (x - shift) / scale, where a NaN is taken for fill; each (n_0).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scaling {
    /// NaN where a missing value has no stand-in.
    pub fill: Vec<f64>,
    pub shift: Vec<f64>,
    pub scale: Vec<f64>,
}

impl Scaling {
    /// The arithmetic of a preprocessing; `None` where features stay as they are. The features of a text column are 0 or
    /// 1 already.
    pub fn of(preprocessing: &Preprocessing) -> Option<Self> {
        let plain = |step: &Step| *step == Step::IDENTITY || matches!(step, Step::Category { .. });
        if preprocessing.columns.iter().all(|column| plain(&column.step)) {
            return None;
        }
        let mut scaling = Self { fill: Vec::new(), shift: Vec::new(), scale: Vec::new() };
        for column in &preprocessing.columns {
            match &column.step {
                Step::Number { fill, shift, scale } => scaling.push(fill.unwrap_or(f64::NAN), *shift, *scale),
                Step::Category { names, .. } => names.iter().for_each(|_| scaling.push(f64::NAN, 0.0, 1.0)),
            }
        }
        Some(scaling)
    }

    fn push(&mut self, fill: f64, shift: f64, scale: f64) {
        self.fill.push(fill);
        self.shift.push(shift);
        self.scale.push(scale);
    }

    /// Whether any missing value has a stand-in.
    pub fn fills(&self) -> bool {
        self.fill.iter().any(|fill| !fill.is_nan())
    }
}
