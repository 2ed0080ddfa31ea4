"""onnx/testdata/: files that protobuf's own encoder wrote, for the tests of the onnx package.

    everything.onnx   every field of every message once; the tests build the same model in Go
    elements.onnx     every element type as raw data (raw_TYPE) and in its typed list (typed_TYPE)
    random.bin        models of random fields, each after its length as a varint: present but empty fields, lists packed
                      the other way, fields of a newer schema
"""

import argparse
import pathlib
import random

import ml_dtypes
import numpy as np
import onnx
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from onnx import TensorProto, helper, numpy_helper

EVERYTHING = """
ir_version: 13
producer_name: "p" producer_version: "pv" domain: "d" model_version: -5 doc_string: "doc"
opset_import { domain: "" version: 17 } opset_import { domain: "custom" version: 300 }
metadata_props { key: "k" value: "v" }
configuration { name: "conf" num_devices: 2 device: "cpu" device: "gpu" }
training_info {
  initialization { name: "init" } algorithm { name: "algo" }
  initialization_binding { key: "a" value: "b" } update_binding { key: "c" value: "d" }
}
functions {
  name: "f" domain: "custom" overload: "o" doc_string: "fd" input: "x" input: "y" output: "z" attribute: "alpha"
  attribute_proto { name: "beta" type: FLOAT f: 0.5 }
  node { op_type: "Add" input: "x" input: "y" output: "z" attribute { name: "q" type: INT ref_attr_name: "alpha" } }
  opset_import { domain: "" version: 18 }
  value_info { name: "z" }
  metadata_props { key: "fk" value: "fv" }
}
graph {
  name: "main" doc_string: "gd"
  node {
    name: "n" op_type: "Op" domain: "custom" overload: "o" doc_string: "nd" input: "x" input: "" output: "y"
    metadata_props { key: "nk" value: "nv" }
    device_configurations {
      configuration_id: "conf" pipeline_stage: 1
      sharding_spec {
        tensor_name: "x" device: 0 device: -1
        index_to_device_group_map { key: -1 value: 0 value: 1 }
        sharded_dim { axis: 1 simple_sharding { dim_value: 4 num_shards: 2 } simple_sharding { dim_param: "N" num_shards: 3 } }
      }
    }
    attribute { name: "f" type: FLOAT f: 0 doc_string: "ad" }
    attribute { name: "i" type: INT i: -3 }
    attribute { name: "s" type: STRING s: "\\000\\377" }
    attribute { name: "t" type: TENSOR t { dims: 1 data_type: 1 raw_data: "\\001\\002\\003\\004" } }
    attribute { name: "g" type: GRAPH g { name: "sub" output { name: "x" } } }
    attribute { name: "fs" type: FLOATS floats: 1 floats: -0.0 floats: 2.5 }
    attribute { name: "is" type: INTS ints: 1 ints: -1 ints: 9223372036854775807 }
    attribute { name: "ss" type: STRINGS strings: "a" strings: "" }
    attribute { name: "ts" type: TENSORS tensors { data_type: 7 int64_data: 1 } tensors { data_type: 7 dims: 0 } }
    attribute { name: "gs" type: GRAPHS graphs { name: "a" } graphs { name: "b" } }
    attribute { name: "sp" type: SPARSE_TENSOR sparse_tensor {
      values { name: "v" data_type: 1 dims: 1 float_data: 2 } indices { data_type: 7 dims: 1 int64_data: 3 } dims: 2 dims: 2 } }
    attribute { name: "sps" type: SPARSE_TENSORS sparse_tensors { dims: 7 } }
    attribute { name: "tp" type: TYPE_PROTO tp { denotation: "den" tensor_type { elem_type: 1 shape {
      dim { dim_value: 0 denotation: "b" } dim { dim_param: "n" } dim { } } } } }
    attribute { name: "tps" type: TYPE_PROTOS
      type_protos { sequence_type { elem_type { tensor_type { elem_type: 8 } } } }
      type_protos { map_type { key_type: 7 value_type { tensor_type { elem_type: 11 shape { } } } } }
      type_protos { optional_type { elem_type { sequence_type { elem_type { tensor_type { elem_type: 9 } } } } } }
      type_protos { sparse_tensor_type { elem_type: 1 shape { dim { dim_value: -1 } } } }
      type_protos { opaque_type { domain: "od" name: "on" } }
    }
  }
  initializer { name: "float" data_type: 1 dims: 2 float_data: 1.5 float_data: -0.0 doc_string: "td"
    metadata_props { key: "tk" value: "tv" } }
  initializer { name: "int32" data_type: 6 dims: 3 int32_data: 0 int32_data: -1 int32_data: 300 }
  initializer { name: "int64" data_type: 7 dims: 2 int64_data: -9223372036854775808 int64_data: 128 }
  initializer { name: "string" data_type: 8 dims: 2 string_data: "one" string_data: "" }
  initializer { name: "double" data_type: 11 dims: 1 double_data: 1e300 }
  initializer { name: "uint64" data_type: 13 dims: 1 uint64_data: 18446744073709551615 }
  initializer { name: "outside" data_type: 1 dims: 4 data_location: EXTERNAL
    external_data { key: "location" value: "w.bin" } external_data { key: "offset" value: "4096" }
    external_data { key: "length" value: "16" } }
  initializer { name: "part" data_type: 1 segment { begin: 1 end: 200 } }
  sparse_initializer { values { name: "sparse" data_type: 1 dims: 0 } dims: 4 }
  input { name: "x" doc_string: "vd" type { tensor_type { elem_type: 1 } } metadata_props { key: "vk" value: "vv" } }
  output { name: "y" } value_info { name: "between" }
  quantization_annotation { tensor_name: "x" quant_parameter_tensor_names { key: "SCALE_TENSOR" value: "float" } }
  metadata_props { key: "gk" value: "gv" }
}
"""


def elements():
    """One pair of initializers per element type, the same values in both encodings."""
    rng = np.random.default_rng(7)
    tensors = []
    for name, number in TensorProto.DataType.items():
        if name in ("UNDEFINED", "STRING"):
            continue
        dtype = helper.tensor_dtype_to_np_dtype(number)
        kind = np.dtype(dtype).kind
        count = 7  # odd: elements of less than a byte leave their last byte partly empty
        if name in ("COMPLEX64", "COMPLEX128"):
            values = (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(dtype)
        elif kind in "iu":
            info = np.iinfo(dtype)
            values = np.array([info.min, info.max, 0, 1, info.max // 2, info.min // 2, 1], dtype=dtype)
        elif name.startswith(("UINT", "INT")):
            info = ml_dtypes.iinfo(dtype)
            values = np.array([info.min, info.max, 0, 1, info.max, info.min, 1]).astype(dtype)
        elif kind == "b":
            values = np.array([True, False, True, True, False, False, True])
        else:
            values = np.array([0, 1, -1, 0.5, 2, -0.5, 4]).astype(dtype)
            if name == "FLOAT8E8M0":
                values = np.array([1, 2, 0.5, 4, 8, 0.25, 16]).astype(dtype)
        raw = numpy_helper.from_array(values.reshape(count), "raw_" + name)
        typed = helper.make_tensor("typed_" + name, number, [count], values)
        assert raw.HasField("raw_data") and not typed.HasField("raw_data"), name
        tensors += [raw, typed]
    graph = helper.make_graph([], "elements", [], [], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=13)
    onnx.checker.check_model(model)
    return model


def fill(rng, message, depth=0):
    """Sets random fields of message to random values, zero among them."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.5 or (field.message_type and depth > 7):
            continue
        for _ in range(rng.randrange(3) if field.is_repeated else 1):
            if field.message_type:
                part = getattr(message, field.name)
                part = part.add() if field.is_repeated else part
                part.SetInParent() if not field.is_repeated else None
                fill(rng, part, depth + 1 + rng.randrange(3))
                continue
            value = scalar(rng, field)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)


def scalar(rng, field):
    bits = rng.choice([0, 1, 7, 8, 31, 63])
    if field.enum_type:
        return rng.choice(field.enum_type.values).number
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice([0.0, -0.0, 1.0, -2.5, float("inf")])
    if field.cpp_type == field.CPPTYPE_UINT64:
        return rng.getrandbits(bits + 1)
    if field.cpp_type == field.CPPTYPE_INT32:
        return rng.choice([-1, 1]) * rng.getrandbits(min(bits, 31))
    if field.cpp_type == field.CPPTYPE_INT64:
        return rng.choice([-1, 1]) * rng.getrandbits(bits)
    return rng.choice([b"", b"a", "é".encode(), b"long " * 40]) if field.type == field.TYPE_BYTES else rng.choice(["", "a", "é"])


def variant(name, change):
    """ModelProto of ONNX's schema after a change to its description."""
    file = descriptor_pb2.FileDescriptorProto()
    onnx.ModelProto.DESCRIPTOR.file.CopyToProto(file)
    file.name, file.package = name + ".proto", name
    for message in all_messages(file.message_type):
        change(message)
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(".onnx.", f".{name}.")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name + ".ModelProto"))


def all_messages(messages):
    for message in messages:
        yield message
        yield from all_messages(message.nested_type)


def repack(message):
    numbers = descriptor_pb2.FieldDescriptorProto
    for field in message.field:
        packable = field.type not in (numbers.TYPE_STRING, numbers.TYPE_BYTES, numbers.TYPE_MESSAGE)
        if field.label == numbers.LABEL_REPEATED and packable:
            field.options.packed = not field.options.packed


def extend(message):
    """What a newer schema may bring: a number, a text and a message, with numbers above the known ones."""
    for number, kind in ((29, "TYPE_SINT32"), (31, "TYPE_STRING"), (2000, "TYPE_FIXED64")):
        message.field.add(name=f"newer_{number}", number=number, label="LABEL_OPTIONAL",
                          type=descriptor_pb2.FieldDescriptorProto.Type.Value(kind))


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2] / "onnx" / "testdata")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    everything = text_format.Parse(EVERYTHING, onnx.ModelProto())
    (out / "everything.onnx").write_bytes(everything.SerializeToString())
    (out / "elements.onnx").write_bytes(elements().SerializeToString())

    rng = random.Random(1)
    kinds = [onnx.ModelProto, variant("repacked", repack), variant("newer", extend)]
    with open(out / "random.bin", "wb") as f:
        for i in range(60):
            while True:
                model = kinds[i % 3]()
                fill(rng, model)
                data = model.SerializeToString()
                if 200 < len(data) < 2500:
                    break
            f.write(varint(len(data)) + data)


if __name__ == "__main__":
    main()
