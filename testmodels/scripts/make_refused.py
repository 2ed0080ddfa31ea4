"""refused/: models and inputs that cannot run and must be refused in one sentence.

A folder has model.onnx and, where the model itself is well, test_data_set_0 with the inputs that are not.
error.txt is written by hand: the sentence expected.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import cases
from make_specification import build
from make_structure import model, rand

FLOAT = np.float32


def lstm(**changes):
    """A valid LSTM model of one node, then changed: initialisers by name, or a function of the model."""
    m, _ = build("LSTM", states=False)
    for i, t in enumerate(m.graph.initializer):
        if t.name in changes:
            m.graph.initializer[i].CopyFrom(numpy_helper.from_array(changes[t.name].astype(FLOAT), t.name))
    return m


def baked_state(batch=2):
    """Initial states that are not zero, baked for a batch of 2."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 14]>
        baked (float[time,batch,3] x) => (float[time,1,batch,4] y) { y = LSTM <hidden_size = 4> (x, w, r, , , h0, c0) }
        """, w=rand(1, 1, 16, 3).astype(FLOAT), r=rand(2, 1, 16, 4).astype(FLOAT),
        h0=rand(3, 1, batch, 4).astype(FLOAT), c0=rand(4, 1, batch, 4).astype(FLOAT))
    return m, [rand(5, 4, 3, 3).astype(FLOAT)]


def fixed_batch():
    """Attention whose Reshape has the example's batch of 2 in it, though the input says it is free."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17], producer_name: "pytorch", producer_version: "2.1.0">
        attention (float[batch,5,8] x) => (float[batch,5,8] y) {
            q = MatMul (x, w)
            split = Constant <value = int64[4] {2, 5, 2, 4}> ()
            heads = Reshape (q, split)
            t = Transpose <perm = [0, 2, 1, 3]> (heads)
            u = Transpose <perm = [0, 2, 3, 1]> (heads)
            s = MatMul (t, u)
            p = Softmax <axis = -1> (s)
            c = MatMul (p, t)
            back = Transpose <perm = [0, 2, 1, 3]> (c)
            join = Constant <value = int64[3] {2, 5, 8}> ()
            y = Reshape (back, join)
        }
        """, w=rand(6, 8, 8).astype(FLOAT))
    m.producer_name = "pytorch"
    return m, [rand(7, 3, 5, 8).astype(FLOAT)]


def with_attribute():
    m = lstm()
    m.graph.node[0].attribute.append(helper.make_attribute("forget_bias", 1.0))
    return m


def too_few_inputs():
    m = lstm()
    del m.graph.node[0].input[2:]
    return m


def external(location):
    m = lstm()
    t = m.graph.initializer[0]
    t.ClearField("raw_data")
    t.data_location = TensorProto.EXTERNAL
    t.external_data.add(key="location", value=location)
    return m


def huge_initialiser():
    """An initialiser of 2^80 elements and no data."""
    m = lstm()
    t = m.graph.initializer[0]
    del t.dims[:]
    t.dims.extend([1 << 40, 1 << 40])
    t.ClearField("raw_data")
    return m


def huge_shape():
    """A shape computed at run time whose product overflows."""
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        huge (int64[2] shape) => (float[a,b] y) { y = ConstantOfShape (shape) }
        """)
    return m, [np.array([1 << 40, 1 << 40], np.int64)]


def cycle():
    return model("""
        <ir_version: 8, opset_import: ["" : 17]>
        cycle (float[n] x) => (float[n] y) { a = Add (x, b) b = Neg (a) y = Relu (b) }
        """)


def assigned_twice():
    return model("""
        <ir_version: 8, opset_import: ["" : 17]>
        twice (float[n] x) => (float[n] y) { y = Neg (x) y = Relu (x) }
        """)


def unknown_operators():
    return model("""
        <ir_version: 8, opset_import: ["" : 17, "com.example" : 1]>
        unknown (float[n] x) => (float[n] y) { a = Frobnicate (x) b = com.example.Custom (a) y = Relu (b) }
        """)


def wrong_type():
    m = model("""
        <ir_version: 8, opset_import: ["" : 17]>
        relu (float[batch,3] x) => (float[batch,3] y) { y = Relu (x) }
        """)
    return m, [rand(8, 2, 3)]


def wrong_size():
    return wrong_type()[0], [rand(8, 2, 4).astype(FLOAT)]


ALL = {
    "lstm_weights_of_rank_4": lambda: (lstm(W=rand(9, 1, 4, 4, 3)), [rand(10, 4, 2, 3).astype(FLOAT)]),
    "lstm_weights_of_other_size": lambda: (lstm(R=rand(9, 1, 16, 5)), [rand(10, 4, 2, 3).astype(FLOAT)]),
    "lstm_unknown_attribute": with_attribute,
    "lstm_too_few_inputs": too_few_inputs,
    "lstm_state_baked_for_batch": baked_state,
    "attention_fixed_batch": fixed_batch,
    "external_data_above_the_folder": lambda: external("../weights.bin"),
    "external_data_absolute": lambda: external("/etc/passwd"),
    "external_data_missing": lambda: external("weights.bin"),
    "huge_initialiser": huge_initialiser,
    "huge_shape": huge_shape,
    "cycle": cycle,
    "assigned_twice": assigned_twice,
    "unknown_operators": unknown_operators,
    "input_of_wrong_type": wrong_type,
    "input_of_wrong_size": wrong_size,
}


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for name, make in ALL.items():
        if asked.only not in name:
            continue
        made = make()
        m, inputs = made if isinstance(made, tuple) else (made, None)
        folder = asked.out / "refused" / name
        sentence = folder / "error.txt"
        kept = sentence.read_text() if sentence.exists() else ""
        cases.write(folder, m, [])
        if inputs:
            (folder / "test_data_set_0").mkdir()
            cases.write_tensors(folder / "test_data_set_0", "input", [i.name for i in m.graph.input], inputs)
        if kept:
            sentence.write_text(kept)
