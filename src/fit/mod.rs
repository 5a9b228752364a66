//! Training in one call: options with the command line's defaults, data in, a fitted network out. The parts it is put together
//! from (problem, executor, trainer, model) are those of the other modules, for whoever needs more.
//!
//! ```
//! use gpu_nn::data::{Generator, GeneratorOptions, generate};
//! use gpu_nn::fit::Fit;
//!
//! # fn main() -> gpu_nn::Result<()> {
//! let flower = generate(Generator::Flower, &GeneratorOptions::default())?;
//! let fit = Fit::builder().hidden("4").learning_rate(1.2).iterations(5_000).fit(&flower)?;
//! assert!(fit.score(&flower)?.accuracy_percent().unwrap() > 85.0);
//! let classes: Vec<u32> = fit.predict_classes(&flower)?;
//! # assert_eq!(classes.len(), 400);
//! # Ok(())
//! # }
//! ```
//!
//! In batches, watched on data that is held out, and stopped when that gets no better:
//!
//! ```
//! use gpu_nn::data::{Generator, GeneratorOptions, generate};
//! use gpu_nn::fit::Fit;
//! use gpu_nn::schedule::Optimizer;
//! use std::ops::ControlFlow;
//!
//! # fn main() -> gpu_nn::Result<()> {
//! let moons = generate(Generator::NoisyMoons, &GeneratorOptions { m: Some(600), ..Default::default() })?;
//! let mut seen = 0;
//! let fit = Fit::builder()
//!     .hidden("32:relu,32:relu")
//!     .init("he".parse()?)
//!     .optimizer(Optimizer::ADAM)
//!     .learning_rate(0.01)
//!     .batch_size(32)
//!     .epochs(60)
//!     .validation(0.2)
//!     .patience(10)
//!     .on_look(|look| {
//!         seen = look.iteration;
//!         ControlFlow::Continue(()) // Break(()) would end the training here
//!     })
//!     .fit(&moons)?;
//! assert_eq!(seen, fit.looks().last().unwrap().iteration);
//! println!("best after {} iterations", fit.iteration());
//! # Ok(())
//! # }
//! ```
//!
//! Every method that computes has an `async` twin (`fit_async`, ...), for the browser and for programs that must not block.

mod builder;
mod fitted;
mod held_out;
mod options;
mod rates;
mod run;
mod samples;

pub use builder::FitBuilder;
pub use fitted::Fit;
pub use rates::Rates;
pub use samples::{Matrix, Samples};
