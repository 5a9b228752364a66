//! The data sets that can be generated: their names, defaults and limits; the recipes live in `course_generators` and
//! `own_generators`.

use std::fmt;
use std::str::FromStr;

use super::course_generators::{self as course, BLOB_CENTRES, Samples};
use super::own_generators::{self as own, SPIRAL_ARMS};
use super::{Dataset, NumpyRandom, Targets};
use crate::error::{Error, Result};

/// The most samples a generated data set may have.
const MAX_SAMPLES: usize = 1 << 31;

/// A named generator of samples with two features, `x1` and `x2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generator {
    /// The course's planar flower.
    Flower,
    /// A circle within a circle.
    NoisyCircles,
    /// Two half circles that reach into each other.
    NoisyMoons,
    /// Six normal clouds in two classes.
    Blobs,
    /// The inner and the outer half of one normal cloud.
    GaussianQuantiles,
    /// Uniform points with random labels.
    NoStructure,
    /// Three interleaved arms, three classes.
    Spiral,
    /// Two classes on opposite quadrants.
    Xor,
}

/// How a data set is generated; `None` stands for the generator's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneratorOptions {
    /// Number of samples, m.
    pub m: Option<usize>,
    /// Seed of the random numbers.
    pub seed: Option<u32>,
    /// Standard deviation of the noise; of the clouds themselves for blobs.
    pub noise: Option<f64>,
}

/// The number of samples and the noise of [`GeneratorOptions`], checked and with the defaults filled in.
struct Checked {
    m: usize,
    /// 0 for a generator that has none.
    noise: f64,
}

impl Generator {
    /// All generators, in the order of the help text.
    pub const ALL: [Self; 8] = [
        Self::Flower,
        Self::NoisyCircles,
        Self::NoisyMoons,
        Self::Blobs,
        Self::GaussianQuantiles,
        Self::NoStructure,
        Self::Spiral,
        Self::Xor,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flower => "flower",
            Self::NoisyCircles => "noisy_circles",
            Self::NoisyMoons => "noisy_moons",
            Self::Blobs => "blobs",
            Self::GaussianQuantiles => "gaussian_quantiles",
            Self::NoStructure => "no_structure",
            Self::Spiral => "spiral",
            Self::Xor => "xor",
        }
    }

    /// One line for the help text.
    pub fn description(self) -> &'static str {
        match self {
            Self::Flower => "the course's planar flower: two classes in alternating petals",
            Self::NoisyCircles => "a circle of one class within a circle of the other",
            Self::NoisyMoons => "two half moons that reach into each other",
            Self::Blobs => "six normal clouds, assigned to two classes in turn",
            Self::GaussianQuantiles => "one normal cloud: its inner half against its outer half",
            Self::NoStructure => "uniform points with random labels: nothing to learn",
            Self::Spiral => "three interleaved spiral arms, three classes",
            Self::Xor => "opposite quadrants share a class: no line separates them",
        }
    }

    /// The number of samples when none is given: the course's, where it has the data set.
    pub fn default_m(self) -> usize {
        match self {
            Self::Flower | Self::Xor => 400,
            Self::Spiral => 300,
            _ => 200,
        }
    }

    /// The seed when none is given: 1, and the course's 5 for blobs.
    pub fn default_seed(self) -> u32 {
        match self {
            Self::Blobs => 5,
            _ => 1,
        }
    }

    /// The noise when none is given, or `None` for a generator that has no noise to set.
    pub fn default_noise(self) -> Option<f64> {
        match self {
            Self::Flower | Self::NoisyMoons | Self::Spiral => Some(0.2),
            Self::NoisyCircles => Some(0.3),
            Self::Blobs => Some(1.0),
            Self::Xor => Some(0.1),
            Self::GaussianQuantiles | Self::NoStructure => None,
        }
    }

    /// Number of classes, named `0`, `1`, ...
    pub fn n_classes(self) -> u32 {
        match self {
            Self::Spiral => SPIRAL_ARMS,
            _ => 2,
        }
    }

    fn check(self, options: &GeneratorOptions, n_classes: usize) -> Result<Checked> {
        let m = options.m.unwrap_or(self.default_m());
        if m < n_classes || m > MAX_SAMPLES {
            return Err(Error::invalid(
                "number of samples",
                m,
                format!("{self} takes {n_classes} (one for each class) to {MAX_SAMPLES}"),
            ));
        }
        let noise = match (options.noise, self.default_noise()) {
            (Some(noise), None) => {
                return Err(Error::invalid(
                    "noise",
                    noise,
                    format!("{self} has no noise to set; leave it out"),
                ));
            }
            (Some(noise), Some(_)) if !(noise.is_finite() && noise >= 0.0) => {
                return Err(Error::invalid("noise", noise, "give a standard deviation, 0 or more"));
            }
            (given, default) => given.or(default).unwrap_or(0.0),
        };
        Ok(Checked { m, noise })
    }

    fn dataset(self, samples: Samples, n_classes: u32) -> Result<Dataset> {
        let (x, labels) = samples.into_features_and_labels();
        let names = (0..n_classes).map(|class| class.to_string()).collect();
        Dataset::new(self.name(), x, vec!["x1".into(), "x2".into()], Targets::Classes { labels, names })
    }
}

/// Generates a data set of two features: x is (2, m).
///
/// # Errors
/// [`Error::InvalidArgument`] for fewer samples than classes or more than 2^31, or for noise that is negative, not
/// finite, or given to a generator that has none; [`Error::Data`] if the noise makes a point overflow.
pub fn generate(generator: Generator, options: &GeneratorOptions) -> Result<Dataset> {
    let seed = options.seed.unwrap_or(generator.default_seed());
    let own_recipe = match generator {
        Generator::Spiral => own::spiral,
        Generator::Xor => own::xor,
        _ => return generate_from(generator, options, &mut NumpyRandom::new(seed)),
    };
    let n_classes = generator.n_classes();
    let Checked { m, noise } = generator.check(options, n_classes as usize)?;
    generator.dataset(own_recipe(m, noise, seed), n_classes)
}

/// Generates one of the course's data sets from the present state of a caller's stream, as the course's notebook draws
/// one after the other; `options.seed` is not looked at.
///
/// # Errors
/// Those of [`generate`]; [`Error::InvalidArgument`] for spiral and xor, which have no NumPy recipe.
pub fn generate_from(
    generator: Generator,
    options: &GeneratorOptions,
    random: &mut NumpyRandom,
) -> Result<Dataset> {
    let n_classes = generator.n_classes();
    let Checked { m, noise } = generator.check(options, n_classes as usize)?;
    let samples = match generator {
        Generator::Flower => course::flower(m, noise, random),
        Generator::NoisyCircles => course::noisy_circles(m, noise, random),
        Generator::NoisyMoons => course::noisy_moons(m, noise, random),
        Generator::Blobs => {
            let mut samples = course::blobs(m, noise, random);
            // The course's own folding of the six centres into two classes.
            samples.map_labels(|centre| centre % 2);
            samples
        }
        Generator::GaussianQuantiles => course::gaussian_quantiles(m, random),
        Generator::NoStructure => course::no_structure(m, random),
        Generator::Spiral | Generator::Xor => {
            return Err(Error::invalid("data set", generator, "it is not drawn from a NumPy stream"));
        }
    };
    generator.dataset(samples, n_classes)
}

/// Generates the six blobs as six classes, one a centre: what scikit-learn returns before the course folds them into
/// two. The points are those of [`generate`] with the same options.
///
/// # Errors
/// Those of [`generate`], the least number of samples being 6.
pub fn blobs_by_centre(options: &GeneratorOptions) -> Result<Dataset> {
    let Checked { m, noise } = Generator::Blobs.check(options, BLOB_CENTRES)?;
    let seed = options.seed.unwrap_or(Generator::Blobs.default_seed());
    Generator::Blobs.dataset(course::blobs(m, noise, &mut NumpyRandom::new(seed)), BLOB_CENTRES as u32)
}

impl FromStr for Generator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "planar" {
            return Ok(Self::Flower);
        }
        Self::ALL.into_iter().find(|generator| generator.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("data set", text, format!("use {names}, or the path of a CSV file"))
        })
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
