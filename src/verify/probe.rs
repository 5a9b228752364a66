//! The list of probes, and how one is run.

use std::fmt;

use web_time::Instant;

use super::check::Check;
use super::comparison::Comparison;
use super::losses::LOSSES;
use super::numbers::{ACTIVATIONS, WITH_Z};
use super::{functions, limits, losses, operations, products, trainings};
use crate::error::Result;
use crate::gpu::{Device, Product};
use crate::network::{Activation, Loss};
use crate::schedule::{Lowering, Optimizer};

/// How thorough a check is; both run every kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// A few sizes.
    Quick,
    /// All sizes.
    #[default]
    Full,
}

/// One comparison of a device with the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe(What);

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    MatmulBias,
    InputGradient,
    WeightGradient,
    RowSum,
    Activation(Activation),
    Derivative(Activation),
    Cost(Loss),
    OutputDelta(Loss),
    Output(Loss),
    GradientDescent,
    Optimize(Optimizer),
    ClipNorm,
    DropoutAlone,
    Together,
    Wide(Product),
    Function(Activation),
    Exp,
    SpecialActivations,
    SpecialLosses,
    NanReaches,
    Peak,
    Loops,
    Sums,
    LongProducts,
    ManyClasses,
    Gradients(Lowering),
    Networks(Lowering),
    Batches(Lowering),
    Optimizers(Lowering),
    Objectives(Lowering),
    Dropout,
    Population,
    ManySamples(Lowering),
    ManyIterations,
    Determinism(Lowering),
    Course(Lowering),
}

/// Activations that are more than a comparison.
const FUNCTIONS: [Activation; 4] =
    [Activation::Tanh, Activation::Sigmoid, Activation::Elu, Activation::Softplus];

impl Probe {
    /// All of them: single operations first, so that a kernel is named before what it spoils.
    pub fn all() -> Vec<Self> {
        let mut all = vec![What::MatmulBias, What::InputGradient, What::WeightGradient, What::RowSum];
        all.extend(ACTIVATIONS.map(What::Activation));
        all.extend(WITH_Z.map(What::Activation));
        all.extend(ACTIVATIONS.map(What::Derivative));
        all.extend(WITH_Z.map(What::Derivative));
        all.extend(LOSSES.map(What::Cost));
        all.extend(LOSSES.map(What::OutputDelta));
        all.extend(LOSSES.map(What::Output));
        all.push(What::GradientDescent);
        all.extend(Optimizer::ALL.map(What::Optimize));
        all.extend([What::ClipNorm, What::DropoutAlone, What::Together]);
        all.extend([Product::Registers, Product::Workgroup].map(What::Wide));
        all.extend(FUNCTIONS.map(What::Function));
        all.extend([What::Exp, What::SpecialActivations, What::SpecialLosses, What::NanReaches]);
        all.extend([What::Peak, What::Loops, What::Sums, What::LongProducts, What::ManyClasses]);
        for lowering in Lowering::ALL {
            let of_each =
                [What::Gradients, What::Networks, What::Batches, What::Optimizers, What::Objectives];
            all.extend(of_each.map(|what| what(lowering)));
            match lowering {
                Lowering::Layerwise => all.extend([What::Dropout, What::ManySamples(lowering)]),
                Lowering::Fused => all.push(What::ManySamples(lowering)),
                Lowering::Resident => all.extend([What::Population, What::ManyIterations]),
            }
            all.extend([What::Determinism, What::Course].map(|what| what(lowering)));
        }
        all.into_iter().map(Self).collect()
    }

    /// The one of long loops, whose note says where a driver ends them early.
    pub fn loops() -> Self {
        Self(What::Loops)
    }

    /// The lowering that it is about; `None` for single operations.
    pub fn lowering(self) -> Option<Lowering> {
        match self.0 {
            What::Gradients(lowering)
            | What::Networks(lowering)
            | What::Batches(lowering)
            | What::Optimizers(lowering)
            | What::Objectives(lowering)
            | What::ManySamples(lowering)
            | What::Determinism(lowering)
            | What::Course(lowering) => Some(lowering),
            What::Dropout => Some(Lowering::Layerwise),
            What::Population | What::ManyIterations => Some(Lowering::Resident),
            _ => None,
        }
    }

    /// Runs it. A device that fails is a check that failed, no error.
    pub async fn run(self, device: &Device, effort: Effort) -> Check {
        let begin = Instant::now();
        device.take_used_kernels();
        let mut comparison = Comparison::default();
        let result = self.compare(device, effort, &mut comparison).await;
        let (kernels, seconds) = (device.take_used_kernels(), begin.elapsed().as_secs_f64());
        Check::new(self.to_string(), self.lowering(), kernels, seconds, comparison, result)
    }

    async fn compare(self, device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
        match self.0 {
            What::MatmulBias => operations::matmul_bias(device, effort, to).await,
            What::InputGradient => operations::input_gradient(device, effort, to).await,
            What::WeightGradient => operations::weight_gradient(device, effort, to).await,
            What::RowSum => operations::row_sum(device, effort, to).await,
            What::Activation(g) => operations::activation(device, g, effort, to).await,
            What::Derivative(g) => operations::derivative(device, g, effort, to).await,
            What::Cost(loss) => losses::costs(device, loss, to).await,
            What::OutputDelta(loss) => losses::output_deltas(device, loss, to).await,
            What::Output(loss) => losses::outputs(device, loss, to).await,
            What::GradientDescent => operations::gradient_descent(device, to).await,
            What::Optimize(optimizer) => operations::optimize(device, optimizer, to).await,
            What::ClipNorm => operations::clip_norm(device, to).await,
            What::DropoutAlone => operations::dropout(device, effort, to).await,
            What::Together => products::together(device, effort, to).await,
            What::Wide(product) => products::wide(device, product, effort, to).await,
            What::Function(g) => functions::activation(device, g, effort, to).await,
            What::Exp => functions::exp(device, effort, to).await,
            What::SpecialActivations => functions::special_activations(device, to).await,
            What::SpecialLosses => functions::special_losses(device, to).await,
            What::NanReaches => functions::nan_reaches_everything(device, effort, to).await,
            What::Peak => limits::peak(device, to).await,
            What::Loops => limits::loops(device, to).await,
            What::Sums => limits::sums(device, effort, to).await,
            What::LongProducts => limits::long_products(device, to).await,
            What::ManyClasses => limits::many_classes(device, to).await,
            What::Gradients(lowering) => trainings::gradients(device, lowering, to).await,
            What::Networks(lowering) => trainings::networks(device, lowering, effort, to).await,
            What::Batches(lowering) => trainings::batches(device, lowering, to).await,
            What::Optimizers(lowering) => trainings::optimizers(device, lowering, effort, to).await,
            What::Objectives(lowering) => trainings::objectives(device, lowering, to).await,
            What::Dropout => trainings::dropout(device, to).await,
            What::Population => trainings::population(device, to).await,
            What::ManySamples(lowering) => trainings::many_samples(device, lowering, effort, to).await,
            What::ManyIterations => trainings::many_iterations(device, effort, to).await,
            What::Determinism(lowering) => trainings::determinism(device, lowering, to).await,
            What::Course(lowering) => trainings::course(device, lowering, effort, to).await,
        }
    }
}

/// Its name in reports, such as `activation tanh` or `resident: batches`.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(lowering) = self.lowering() {
            write!(f, "{lowering}: ")?;
        }
        match self.0 {
            What::MatmulBias => f.write_str("matmul_bias"),
            What::InputGradient => f.write_str("input_gradient"),
            What::WeightGradient => f.write_str("weight_gradient"),
            What::RowSum => f.write_str("row_sum"),
            What::Activation(g) => write!(f, "activate {g}"),
            What::Derivative(g) => write!(f, "activation_derivative {g}"),
            What::Cost(loss) => write!(f, "cost {}", loss_name(loss)),
            What::OutputDelta(loss) => write!(f, "output_delta {}", loss_name(loss)),
            What::Output(loss) => write!(f, "predict {}", loss_name(loss)),
            What::GradientDescent => f.write_str("gradient_descent"),
            What::Optimize(optimizer) => write!(f, "optimize {}", optimizer.name()),
            What::ClipNorm => f.write_str("clip_norm"),
            What::DropoutAlone => f.write_str("dropout"),
            What::Together => f.write_str("kernels shared by operations"),
            What::Wide(Product::Workgroup) => f.write_str("wide products, workgroup"),
            What::Wide(_) => f.write_str("wide products, registers"),
            What::Function(g) => write!(f, "large and small {g}"),
            What::Exp => f.write_str("large and small exp"),
            What::SpecialActivations => f.write_str("activations of NaN, infinity"),
            What::SpecialLosses => f.write_str("losses of NaN, infinity"),
            What::NanReaches => f.write_str("a NaN reaches all gradients"),
            What::Peak => f.write_str("multiply_add_peak, copy_peak"),
            What::Loops => f.write_str("long loops"),
            What::Sums => f.write_str("long sums"),
            What::LongProducts => f.write_str("products over 60,000 units"),
            What::ManyClasses => f.write_str("softmax of many classes"),
            What::Gradients(_) => f.write_str("gradients"),
            What::Networks(_) => f.write_str("networks"),
            What::Batches(_) => f.write_str("batches"),
            What::Optimizers(_) => f.write_str("optimisers"),
            What::Objectives(_) => f.write_str("objectives"),
            What::Dropout => f.write_str("dropout"),
            What::Population => f.write_str("population"),
            What::ManySamples(_) => f.write_str("many samples"),
            What::ManyIterations => f.write_str("many iterations"),
            What::Determinism(_) => f.write_str("same bits in three runs"),
            What::Course(_) => f.write_str("the course's training"),
        }
    }
}

fn loss_name(loss: Loss) -> &'static str {
    match loss {
        Loss::BinaryCrossEntropy => "sigmoid",
        Loss::SoftmaxCrossEntropy => "softmax",
        Loss::SquaredError => "squared error",
        Loss::AbsoluteError => "absolute error",
        Loss::Huber { .. } => "huber",
    }
}
