//! Puts an ONNX graph together, node after node; knows the messages and nothing of networks.

use super::proto::attribute_proto::AttributeType;
use super::proto::tensor_proto::DataType;
use super::proto::tensor_shape_proto::{Dimension as DimensionProto, dimension};
use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TypeProto};
use super::proto::{ValueInfoProto, type_proto};

/// A dimension of an input or output.
#[derive(Clone, Copy)]
pub(super) enum Dimension<'a> {
    Fixed(usize),
    /// Any size, by a name.
    Free(&'a str),
}

/// A graph in the making.
#[derive(Default)]
pub(super) struct Graph {
    proto: GraphProto,
}

impl Graph {
    /// Adds an operator that makes `output` of `inputs`, and returns it for its attributes.
    pub fn node(&mut self, operator: &str, inputs: &[&str], output: &str) -> &mut NodeProto {
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            name: Some(format!("{operator}_{output}")),
            op_type: Some(operator.into()),
            attribute: Vec::new(),
        });
        self.proto.node.last_mut().expect("a node was just added")
    }

    /// Adds a constant in single precision.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f64]) {
        let data = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
        self.constant(name, DataType::Float, shape).raw_data = Some(data);
    }

    /// Adds a constant list in double precision.
    pub fn doubles(&mut self, name: &str, values: &[f64]) {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, DataType::Double, &[values.len()]).raw_data = Some(data);
    }

    /// Adds a constant list of texts.
    pub fn strings(&mut self, name: &str, texts: &[String]) {
        let data = texts.iter().map(|text| text.clone().into_bytes()).collect();
        self.constant(name, DataType::String, &[texts.len()]).string_data = data;
    }

    fn constant(&mut self, name: &str, data_type: DataType, shape: &[usize]) -> &mut TensorProto {
        self.proto.initializer.push(TensorProto {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(data_type as i32),
            name: Some(name.into()),
            ..TensorProto::default()
        });
        self.proto.initializer.last_mut().expect("a constant was just added")
    }

    /// Declares an input.
    pub fn input(&mut self, name: &str, data_type: DataType, shape: &[Dimension<'_>], about: &str) {
        self.proto.input.push(value_info(name, data_type, shape, about));
    }

    /// Declares an output.
    pub fn output(&mut self, name: &str, data_type: DataType, shape: &[Dimension<'_>], about: &str) {
        self.proto.output.push(value_info(name, data_type, shape, about));
    }

    /// The finished graph.
    pub fn finish(self, name: &str) -> GraphProto {
        GraphProto { name: Some(name.into()), ..self.proto }
    }
}

impl NodeProto {
    /// Gives the operator a whole number.
    pub(super) fn int(&mut self, name: &str, value: i64) -> &mut Self {
        self.attribute(AttributeProto {
            name: Some(name.into()),
            i: Some(value),
            r#type: Some(AttributeType::Int as i32),
            ..AttributeProto::default()
        })
    }

    /// Gives the operator a real number.
    pub(super) fn float(&mut self, name: &str, value: f32) -> &mut Self {
        self.attribute(AttributeProto {
            name: Some(name.into()),
            f: Some(value),
            r#type: Some(AttributeType::Float as i32),
            ..AttributeProto::default()
        })
    }

    fn attribute(&mut self, attribute: AttributeProto) -> &mut Self {
        self.attribute.push(attribute);
        self
    }
}

fn value_info(name: &str, data_type: DataType, shape: &[Dimension<'_>], about: &str) -> ValueInfoProto {
    let dim = shape.iter().map(|size| match *size {
        Dimension::Fixed(size) => dimension::Value::DimValue(size as i64),
        Dimension::Free(name) => dimension::Value::DimParam(name.into()),
    });
    let dim = dim.map(|value| DimensionProto { value: Some(value) }).collect();
    let tensor =
        type_proto::Tensor { elem_type: Some(data_type as i32), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)) }),
        doc_string: (!about.is_empty()).then(|| about.into()),
    }
}
