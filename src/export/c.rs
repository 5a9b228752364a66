//! A model as C99 without dependencies: one header, one source, the C library's mathematics.

use std::fmt::Write as _;

use super::c_text::{identifier, literal, quoted};
use super::scaling::Scaling;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::{Activation, GELU_CUBE, GELU_LINEAR, Loss};

/// A header and a source that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSource {
    /// What all names begin with: a C identifier.
    pub name: String,
    /// `STEM.h`.
    pub header: String,
    /// `STEM.c`, which includes `STEM.h`.
    pub source: String,
}

/// Numbers a line of the source.
const PER_LINE: usize = 6;

/// The model as C99, in the precision it was trained in; every number is exact.
///
/// The files are to be called `STEM.h` and `STEM.c`; names begin with the identifier NAME that is nearest to the stem.
/// `NAME_predict` computes what `gpu-nn predict` prints for one sample, `NAME_class` picks the class. No memory is
/// allocated, and several threads may call at once. Features are the data's columns as they come: scaled and filled in
/// (a NaN is missing) as by the model's preprocessing; a column of texts is one of 0 and 1 a category.
///
/// # Errors
/// [`Error::InvalidArgument`] for a stem that an `#include` cannot hold.
pub fn to_c(model: &Model, stem: &str) -> Result<CSource> {
    if stem.is_empty() || stem.contains(|c: char| c.is_control() || ['"', '\\', '/'].contains(&c)) {
        return Err(Error::invalid(
            "file name for C",
            stem,
            "use a name such as net.c, without quotes and slashes",
        ));
    }
    let name = identifier(stem);
    let scaling = Scaling::of(&model.preprocessing);
    let text = Text { model, scaling, stem, upper: name.to_uppercase(), name };
    Ok(CSource { header: text.header(), source: text.source(), name: text.name })
}

struct Text<'a> {
    model: &'a Model,
    scaling: Option<Scaling>,
    stem: &'a str,
    name: String,
    upper: String,
}

impl Text<'_> {
    fn real(&self) -> &'static str {
        if self.model.single_precision { "float" } else { "double" }
    }

    /// A function of math.h in the model's precision.
    fn math(&self, function: &str) -> String {
        let suffix = if self.model.single_precision { "f" } else { "" };
        format!("{function}{suffix}")
    }

    fn number(&self, value: f64) -> String {
        literal(value, self.model.single_precision)
    }

    fn about(&self) -> String {
        let (version, network) = (env!("CARGO_PKG_VERSION"), &self.model.network);
        format!(
            "/* The network {network}, written by gpu-nn {version}: C99, nothing but <math.h> (link with -lm). */\n"
        )
    }

    fn header(&self) -> String {
        let Self { model, name, upper, .. } = self;
        let (real, network) = (self.real(), &model.network);
        let mut text = self.about();
        text += &format!(
            "#ifndef {upper}_H\n#define {upper}_H\n\n\
             #define {upper}_FEATURES {}\n#define {upper}_OUTPUTS {}\n#define {upper}_CLASSES {}\n\n\
             #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
             /* In the order in which {name}_predict takes them; UTF-8. */\n\
             extern const char *const {name}_feature_names[{upper}_FEATURES];\n\n",
            network.n_features(),
            network.n_outputs(),
            network.n_classes(),
        );
        text += &format!(
            "/* {}\n * Uses {} bytes of stack; may be called by several threads at once. */\n\
             void {name}_predict(const {real} features[{upper}_FEATURES], {real} outputs[{upper}_OUTPUTS]);\n\n",
            match network.loss() {
                Loss::BinaryCrossEntropy => "The probability of the second class, for one sample.",
                Loss::SoftmaxCrossEntropy => "The probability of every class, for one sample.",
                Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => {
                    "The values for one sample."
                }
            },
            self.stack(),
        );
        if network.n_classes() > 0 {
            text += &format!(
                "/* UTF-8. */\nextern const char *const {name}_class_names[{upper}_CLASSES];\n\n\
                 /* The class that these outputs stand for: an index into {name}_class_names. */\n\
                 int {name}_class(const {real} outputs[{upper}_OUTPUTS]);\n\n"
            );
        }
        text + "#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
    }

    fn source(&self) -> String {
        let Self { model, name, upper, .. } = self;
        let mut text = self.about();
        text += &format!("#include \"{}.h\"\n\n#include <math.h>\n\n", self.stem);
        text += &self.names("feature_names", "FEATURES", &model.preprocessing.feature_names());
        if model.network.n_classes() > 0 {
            text += &self.names("class_names", "CLASSES", &model.class_names);
        }
        if let Some(scaling) = &self.scaling {
            text += &self.scaling(scaling);
        }
        for view in model.parameters.arena().views() {
            let (rows, cols) = (view.rows, view.cols);
            text += &format!(
                "/* ({rows}, {cols}) */\nstatic const {} {}[{}] = {{\n",
                self.real(),
                view.name,
                view.len()
            );
            for line in model.parameters.view(view).chunks(PER_LINE) {
                let numbers: Vec<String> = line.iter().map(|&value| self.number(value)).collect();
                text += &format!("  {},\n", numbers.join(", "));
            }
            text += "};\n\n";
        }
        text += &self.dense();
        text += &self.predict();
        if model.network.n_classes() > 0 {
            text += &format!("\nint {name}_class(const {} outputs[{upper}_OUTPUTS]) {{\n", self.real());
            text += &self.class();
        }
        text
    }

    fn names(&self, what: &str, count: &str, names: &[String]) -> String {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let (name, upper) = (&self.name, &self.upper);
        format!("const char *const {name}_{what}[{upper}_{count}] = {{\n  {},\n}};\n\n", names.join(",\n  "))
    }

    fn dense(&self) -> String {
        let real = self.real();
        format!(
            "/* z = W a + b; W (rows, cols). */\n\
             static void dense(const {real} *W, const {real} *b, int rows, int cols, const {real} *a, {real} *z) {{\n\
             \x20 for (int i = 0; i < rows; i++) {{\n\
             \x20   {real} sum = b[i];\n\
             \x20   for (int j = 0; j < cols; j++) {{\n\
             \x20     sum += W[(long)i * cols + j] * a[j];\n\
             \x20   }}\n\
             \x20   z[i] = sum;\n\
             \x20 }}\n}}\n\n"
        )
    }

    /// Bytes of the arrays that `predict` uses.
    fn stack(&self) -> usize {
        let scaled = if self.scaling.is_some() { self.model.network.n_features() } else { 0 };
        let size = if self.model.single_precision { size_of::<f32>() } else { size_of::<f64>() };
        (scaled + 2 * self.widest()) * size
    }

    /// The constants of the scaling.
    fn scaling(&self, scaling: &Scaling) -> String {
        let Scaling { fill, shift, scale } = scaling;
        let arrays = [("fill", fill), ("shift", shift), ("scale", scale)];
        let arrays = arrays.iter().filter(|(name, _)| *name != "fill" || scaling.fills());
        let array = |(name, values): &(&str, &Vec<f64>)| {
            let number = |value: &f64| if value.is_nan() { "NAN".into() } else { literal(*value, false) };
            let numbers: Vec<String> = values.iter().map(number).collect();
            let lines: Vec<String> = numbers.chunks(PER_LINE).map(|line| line.join(", ")).collect();
            let size = values.len();
            format!("static const double {name}[{size}] = {{\n  {},\n}};\n\n", lines.join(",\n  "))
        };
        arrays.map(array).collect()
    }

    /// The most values a hidden layer has.
    fn widest(&self) -> usize {
        self.model.network.hidden().iter().map(|layer| layer.units).max().unwrap_or(0)
    }

    fn predict(&self) -> String {
        let Self { model, name, upper, .. } = self;
        let (real, network) = (self.real(), &model.network);
        let mut text = format!(
            "void {name}_predict(const {real} features[{upper}_FEATURES], {real} outputs[{upper}_OUTPUTS]) {{\n"
        );
        if !network.hidden().is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {real} layers[2][{}];", self.widest());
        }
        let mut a = "features".to_owned();
        if let Some(scaling) = &self.scaling {
            let fill = if scaling.fills() { "    value = isnan(value) ? fill[j] : value;\n" } else { "" };
            text += &format!(
                "  {real} x[{upper}_FEATURES];\n\
                 \x20 for (int j = 0; j < {upper}_FEATURES; j++) {{\n\
                 \x20   double value = features[j];\n{fill}\
                 \x20   x[j] = ({real})((value - shift[j]) / scale[j]);\n\
                 \x20 }}\n"
            );
            a = "x".to_owned();
        }
        for l in 0..network.n_layers() {
            let layer = network.hidden().get(l);
            let z = if layer.is_some() { format!("layers[{}]", l % 2) } else { "outputs".into() };
            let (rows, cols) = network.weight_shape(l);
            text += &format!("  dense(W{0}, b{0}, {rows}, {cols}, {a}, {z});\n", l + 1);
            if let Some(layer) = layer {
                text += &self.each(layer.activation, &z, rows);
            }
            a = z;
        }
        text += &match network.loss() {
            Loss::BinaryCrossEntropy => self.each(Activation::Sigmoid, "outputs", 1),
            Loss::SoftmaxCrossEntropy => self.softmax(),
            Loss::SquaredError | Loss::AbsoluteError | Loss::Huber { .. } => String::new(),
        };
        text + "}\n"
    }

    /// An activation on the first n values of an array.
    fn each(&self, activation: Activation, array: &str, n: usize) -> String {
        let real = self.real();
        let body = match activation {
            Activation::Identity => return String::new(),
            // exp of a negative number only: it cannot overflow.
            Activation::Sigmoid => {
                let (exp, zero, one) = (self.math("exp"), self.number(0.0), self.number(1.0));
                format!(
                    "{real} e = {exp}(z[i] < {zero} ? z[i] : -z[i]);\n    z[i] = (z[i] < {zero} ? e : {one}) / ({one} + e);"
                )
            }
            Activation::Tanh => format!("z[i] = {}(z[i]);", self.math("tanh")),
            // Written so that a NaN stays one.
            Activation::Relu => format!("z[i] = z[i] < {0} ? {0} : z[i];", self.number(0.0)),
            Activation::Elu => {
                format!("z[i] = z[i] > {} ? z[i] : {}(z[i]);", self.number(0.0), self.math("expm1"))
            }
            Activation::Softplus => {
                let (log1p, exp, zero) = (self.math("log1p"), self.math("exp"), self.number(0.0));
                format!(
                    "z[i] = (z[i] < {zero} ? {zero} : z[i]) + {log1p}({exp}(z[i] < {zero} ? z[i] : -z[i]));"
                )
            }
            Activation::Gelu => {
                let u = format!("{} + {} * z[i] * z[i]", self.number(GELU_LINEAR), self.number(GELU_CUBE));
                return self.gated(&format!("z[i] * ({u})"), array, n);
            }
            Activation::Silu => return self.gated("z[i]", array, n),
            Activation::LeakyRelu { slope } => {
                let slope = if self.model.single_precision { f64::from(slope as f32) } else { slope };
                format!("z[i] = z[i] < {} ? {} * z[i] : z[i];", self.number(0.0), self.number(slope))
            }
        };
        format!("  for (int i = 0; i < {n}; i++) {{\n    {real} *z = {array};\n    {body}\n  }}\n")
    }

    /// z times the sigmoid of an expression, on the first n values of an array.
    fn gated(&self, exponent: &str, array: &str, n: usize) -> String {
        let (real, exp) = (self.real(), self.math("exp"));
        let (zero, one) = (self.number(0.0), self.number(1.0));
        format!(
            "  for (int i = 0; i < {n}; i++) {{\n    {real} *z = {array};\n    {real} w = {exponent};\n    \
             {real} e = {exp}(w < {zero} ? w : -w);\n    z[i] *= (w < {zero} ? e : {one}) / ({one} + e);\n  }}\n"
        )
    }

    fn softmax(&self) -> String {
        let (real, exp, upper) = (self.real(), self.math("exp"), &self.upper);
        format!(
            "  {real} highest = outputs[0], total = {};\n\
             \x20 for (int i = 1; i < {upper}_OUTPUTS; i++) {{\n\
             \x20   highest = outputs[i] > highest ? outputs[i] : highest;\n\
             \x20 }}\n\
             \x20 for (int i = 0; i < {upper}_OUTPUTS; i++) {{\n\
             \x20   outputs[i] = {exp}(outputs[i] - highest);\n\
             \x20   total += outputs[i];\n\
             \x20 }}\n\
             \x20 for (int i = 0; i < {upper}_OUTPUTS; i++) {{\n\
             \x20   outputs[i] /= total;\n\
             \x20 }}\n",
            self.number(0.0)
        )
    }

    fn class(&self) -> String {
        if self.model.network.loss() == Loss::BinaryCrossEntropy {
            return format!("  return outputs[0] > {};\n}}\n", self.number(0.5));
        }
        format!(
            "  int best = 0;\n\
             \x20 for (int i = 1; i < {}_OUTPUTS; i++) {{\n\
             \x20   best = outputs[i] > outputs[best] ? i : best;\n\
             \x20 }}\n\
             \x20 return best;\n}}\n",
            self.upper
        )
    }
}
