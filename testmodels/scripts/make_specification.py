"""specification/: the corners of LSTM, GRU and RNN that exporters seldom write, built node by node.

Expected outputs come from formula.py, in float64.
"""

import numpy as np
from onnx import helper, numpy_helper

import cases
import formula

GATES = {"LSTM": "iofc", "GRU": "zrh", "RNN": "h"}
STATES = {"LSTM": ["h0", "c0"], "GRU": ["h0"], "RNN": ["h0"]}
IR = {7: 3, 9: 4, 14: 7, 22: 10}  # the IR version of the ONNX release that brought the opset
LENGTHS = {"int32": np.int32, "int64": np.int64}


def build(op, inputs=3, hidden=4, batch=2, steps=5, direction="forward", dtype=np.float32, seed=1, opset=14,
          bias=True, states=True, peepholes=False, lens=None, lens_dtype="int32", keep=None, weights=None,
          producer="onda", other_batches=(), flat=False, **attributes):
    """Returns (model, sets) of a graph with this one node.

    lens gives the sequence lengths of the first data set. keep names the outputs to ask for, of Y, Y_h, Y_c.
    weights(random, shape) draws the weights. other_batches adds a data set for each of these batch sizes.
    flat joins the directions with the rows in W, R and B, as PyTorch 0.4 wrote them.
    """
    random = np.random.default_rng(seed)
    draw = weights or (lambda name, shape: random.normal(0, 0.6, shape))
    directions = 2 if direction == "bidirectional" else 1
    rows = len(GATES[op]) * hidden
    parameters = {"W": draw("W", (directions, rows, inputs)), "R": draw("R", (directions, rows, hidden))}
    if bias:
        parameters["B"] = draw("B", (directions, 2 * rows))
    if peepholes:
        parameters["P"] = draw("P", (directions, 3 * hidden))
    parameters = {name: value.astype(dtype) for name, value in parameters.items()}

    layout = attributes.get("layout", 0)
    sets = []
    for n in (batch, *other_batches):
        feeds = {"X": random.normal(0, 1, (n, steps, inputs) if layout else (steps, n, inputs)).astype(dtype)}
        if lens is not None:
            feeds["lens"] = np.resize(np.array(lens, LENGTHS[lens_dtype]), n)
        if states:
            shape = (n, directions, hidden) if layout else (directions, n, hidden)
            feeds.update({s: random.normal(0, 1, shape).astype(dtype) for s in STATES[op]})
        sets.append((feeds, expected(op, feeds, parameters, direction, attributes, dtype)))

    names = ["Y", "Y_h", "Y_c"][:len(STATES[op]) + 1]
    keep = keep or names
    slots = ["X", "W", "R", "B" if bias else "", "lens" if lens is not None else ""]
    slots += [s if states else "" for s in STATES[op]] + ["P" if peepholes else ""]
    while not slots[-1]:
        slots.pop()
    node = helper.make_node(op, slots, [n if n in keep else "" for n in names], name=op.lower(), hidden_size=hidden,
                            **({} if direction == "forward" else {"direction": direction}), **attributes)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = graph_inputs(sets[0][0], kind, layout)
    if IR[opset] < 4:  # initialisers had to be inputs too
        inputs += [helper.make_tensor_value_info(n, kind, v.shape) for n, v in parameters.items()]
    if flat:
        parameters = {n: v.reshape(-1, *v.shape[2:]) for n, v in parameters.items()}
    graph = helper.make_graph([node], op.lower(), inputs, graph_outputs(keep, kind),
                              [numpy_helper.from_array(v, n) for n, v in parameters.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR[opset],
                              producer_name=producer)
    return model, [(list(feeds.values()), [want[n] for n in names if n in keep]) for feeds, want in sets]


def expected(op, feeds, parameters, direction, attributes, dtype):
    """The outputs by name, computed in float64 and rounded once."""
    options = {k: v for k, v in attributes.items()}
    given = {k: feeds[k] for k in ("lens", "h0", "c0") if k in feeds}
    if "P" in parameters:
        given["p"] = parameters["P"]
    got = getattr(formula, op.lower())(feeds["X"], parameters["W"], parameters["R"], parameters.get("B"),
                                       direction=direction, **given, **options)
    return {name: value.astype(dtype) for name, value in zip(["Y", "Y_h", "Y_c"], got)}


def graph_inputs(feeds, kind, layout):
    batch_axis = {"X": 0 if layout else 1, "lens": 0, "h0": 0 if layout else 1, "c0": 0 if layout else 1}
    infos = []
    for name, value in feeds.items():
        shape = ["batch" if i == batch_axis[name] else n for i, n in enumerate(value.shape)]
        if name == "X":
            shape[1 - batch_axis["X"]] = "time"
        infos.append(helper.make_tensor_value_info(
            name, kind if name != "lens" else helper.np_dtype_to_tensor_dtype(value.dtype), shape))
    return infos


def graph_outputs(names, kind):
    return [helper.make_tensor_value_info(n, kind, [None] * (4 if n == "Y" else 3)) for n in names]


def one_gate(op, gate, inputs=3, hidden=4, seed=5):
    """Weights in which one gate has distinct numbers and the others a constant bias only, so that a
    permuted gate or a transposed matrix shows."""
    where = GATES[op].index(gate)

    def draw(name, shape):
        value = np.zeros(shape)
        halves = [0, shape[1] // 2] if name == "B" else [0]
        for k, half in enumerate(halves):
            if name == "B":
                for g in range(len(GATES[op])):
                    value[:, half + g * hidden:half + (g + 1) * hidden] = 0.3 - 0.2 * g + 0.05 * k
            rows = value[:, half + where * hidden:half + (where + 1) * hidden]
            rows[:] = np.sin(np.arange(rows.size) * 1.7 + seed + 3 * k).reshape(rows.shape) * 0.9
        return value
    return draw


def gates():
    for op, names in GATES.items():
        for gate in names:
            for direction in ("forward", "bidirectional"):
                suffix = "" if direction == "forward" else "_bidirectional"
                options = [{}] if op != "GRU" else [{"linear_before_reset": 0}, {"linear_before_reset": 1}]
                for extra in options:
                    word = "_linear_before_reset" if extra.get("linear_before_reset") else ""
                    yield (f"{op.lower()}_gate_{gate}{word}{suffix}",
                           build(op, direction=direction, weights=one_gate(op, gate), **extra))
    for gate, k in (("i", 0), ("o", 1), ("f", 2)):
        def draw(name, shape, k=k):
            value = np.full(shape, 0.1)
            if name == "P":
                value[:] = 0
                value[:, 4 * k:4 * k + 4] = [1.5, -0.7, 0.4, -2]
            return value
        yield f"lstm_peephole_{gate}", build("LSTM", weights=draw, peepholes=True)


def options():
    both = "bidirectional"
    for opset in (7, 14, 22):
        for op in GATES:
            yield f"{op.lower()}_opset{opset}", build(op, opset=opset, direction=both, seed=opset, other_batches=(3,))
    yield "lstm_peepholes", build("LSTM", peepholes=True, seed=11)
    yield "lstm_peepholes_bidirectional", build("LSTM", peepholes=True, direction=both, seed=12, opset=7)
    yield "lstm_peepholes_double", build("LSTM", peepholes=True, direction=both, dtype=np.float64, seed=13)
    yield "lstm_input_forget", build("LSTM", input_forget=1, seed=14)
    yield "lstm_input_forget_peepholes_reverse", build("LSTM", input_forget=1, peepholes=True, direction="reverse", seed=15)
    for op in GATES:
        low = op.lower()
        yield f"{low}_clip", build(op, clip=0.4, seed=16, direction=both)
        yield f"{low}_clip_peepholes" if op == "LSTM" else f"{low}_clip_double", build(
            op, clip=0.25, seed=17, **({"peepholes": True} if op == "LSTM" else {"dtype": np.float64}))
        yield f"{low}_reverse", build(op, direction="reverse", seed=18)
        yield f"{low}_lengths", build(op, lens=[5, 2, 1], batch=3, seed=19, other_batches=(1, 4))
        yield f"{low}_lengths_reverse", build(op, lens=[1, 5, 3], batch=3, direction="reverse", seed=20)
        yield f"{low}_lengths_bidirectional", build(op, lens=[2, 4, 5], batch=3, direction=both, seed=21)
        yield f"{low}_lengths_int64", build(op, lens=[4, 1], lens_dtype="int64", direction=both, seed=22)
        yield f"{low}_lengths_double", build(op, lens=[4, 1], dtype=np.float64, direction=both, seed=23)
        yield f"{low}_layout1", build(op, layout=1, seed=24, other_batches=(3,))
        yield f"{low}_layout1_bidirectional_lengths", build(op, layout=1, direction=both, lens=[3, 5], seed=25)
        yield f"{low}_layout1_no_states_double", build(op, layout=1, states=False, dtype=np.float64, seed=26, opset=22)
        yield f"{low}_no_bias_no_states", build(op, bias=False, states=False, seed=27, other_batches=(4,))
        yield f"{low}_only_last", build(op, keep=["Y_h"], direction=both, seed=28)
        yield f"{low}_only_sequence", build(op, keep=["Y"], seed=29, opset=7)
    yield "lstm_only_cell", build("LSTM", keep=["Y_c"], lens=[5, 3], seed=30)
    yield "lstm_everything", build(
        "LSTM", direction=both, peepholes=True, clip=0.8, lens=[5, 3], layout=1, seed=31,
        activations=["Sigmoid", "Tanh", "ScaledTanh", "HardSigmoid", "Affine", "LeakyRelu"],
        activation_alpha=[1.2, 0.3, 0.8, 0.1], activation_beta=[0.7, 0.4, 0.1])
    for op in GATES:
        yield f"{op.lower()}_flat_weights", build(op, direction=both, flat=True, producer="pytorch", seed=35, opset=9)
    yield "gru_reset_first_from_pytorch", build("GRU", linear_before_reset=0, producer="pytorch", seed=32)
    yield "gru_reset_first_double", build("GRU", linear_before_reset=0, dtype=np.float64, direction=both, seed=33)
    yield "gru_reset_last_double", build("GRU", linear_before_reset=1, dtype=np.float64, direction=both, seed=34)


def activations():
    """Each activation with its defaults, then lists with alpha and beta for some of the functions only.

    Affine and ScaledTanh never were operators with defaults of their own, so theirs are given."""
    given = {"Affine": {"activation_alpha": [0.7], "activation_beta": [-0.1]},
             "ScaledTanh": {"activation_alpha": [1.7], "activation_beta": [0.6]}}
    for name in formula.ACTIVATIONS:
        yield f"rnn_{name.lower()}", build("RNN", activations=[name], steps=3, seed=41, **given.get(name, {}))
    yield "rnn_lists_bidirectional", build("RNN", direction="bidirectional", activations=["LeakyRelu", "ScaledTanh"],
                                           activation_alpha=[0.2, 1.5], activation_beta=[0.6], seed=42)
    yield "rnn_affine_double", build("RNN", activations=["Affine"], activation_alpha=[0.5], activation_beta=[0.2],
                                     dtype=np.float64, seed=43)
    yield "gru_lists", build("GRU", activations=["HardSigmoid", "Elu"], activation_alpha=[0.3, 0.7], activation_beta=[0.4], seed=44)
    yield "gru_lists_bidirectional", build("GRU", direction="bidirectional", linear_before_reset=1, seed=45,
                                           activations=["Sigmoid", "Softsign", "HardSigmoid", "ThresholdedRelu"],
                                           activation_alpha=[0.25, 0.1], activation_beta=[0.45])
    yield "lstm_lists", build("LSTM", activations=["HardSigmoid", "Softsign", "Softplus"], activation_alpha=[0.3],
                              activation_beta=[0.45], seed=46)
    yield "lstm_lists_defaults", build("LSTM", activations=["HardSigmoid", "Elu", "LeakyRelu"], seed=47)
    yield "lstm_lists_bidirectional", build("LSTM", direction="bidirectional", seed=48, activations=[
        "Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Elu", "Relu"], activation_alpha=[0.21, 0.9], activation_beta=[0.55])
    yield "lstm_lists_double", build("LSTM", dtype=np.float64, seed=49, activations=["Sigmoid", "LeakyRelu", "ThresholdedRelu"],
                                     activation_alpha=[0.15, 0.05])


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for family in (gates, options, activations):
        for name, (model, sets) in family():
            if asked.only in name:
                cases.write(asked.out / "specification" / name, model, sets)
