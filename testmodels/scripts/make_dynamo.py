"""dynamo/: the same families through PyTorch's newer exporter (torch.export), opsets 18 and up."""

import dataclasses

import make_attention
import make_recurrent
import make_seq2seq
import make_temporal
import torch_export
from nets import control
from torch_export import Case, axes, build, noise


def taken():
    """Cases of the TorchScript scripts that are exported here too, by name: (opset, optimize)."""
    return {
        "recurrent/lstm_opset9": (18, True),
        "recurrent/lstm_opset10": (20, True),
        "recurrent/lstm_stacked": (20, True),
        "recurrent/lstm_time_first": (21, True),
        "recurrent/lstm_states_stacked_bidirectional": (20, True),
        "recurrent/lstm_double": (20, True),
        "recurrent/lstm_forecaster": (22, True),
        "recurrent/lstm_forecaster_dropout_norm": (23, True),
        "recurrent/lstm_cell_unrolled": (20, True),
        "recurrent/gru_opset9": (18, True),
        "recurrent/gru_stacked_bidirectional": (20, True),
        "recurrent/gru_states": (21, True),
        "recurrent/rnn_opset10": (20, True),
        "recurrent/rnn_relu": (18, True),
        "seq2seq/traced": (20, True),
        "seq2seq/traced_one_direction": (18, True),
        "seq2seq/additive_gru_cell": (20, True),
        "seq2seq/general_known_future": (22, True),
        "attention/causal": (20, True),
        "attention/causal_buffer": (18, True),
        "attention/causal_einsum": (21, True),
        "attention/multihead": (20, True),
        "attention/multihead_without_weights": (23, True),
        "transformer/relu_post_norm": (18, True),
        "transformer/gelu_pre_norm": (20, True),
        "transformer/gelu_causal_opset15": (23, True),
        "transformer/torch_relu": (20, True),
        "transformer/torch_gelu_norm_first": (23, True),
        "transformer/patch_tst": (20, True),
        "transformer/itransformer": (22, True),
        "temporal/tcn_opset17": (20, True),
        "temporal/wavenet": (18, True),
        "temporal/lstnet_opset17": (20, True),
        "temporal/dlinear_opset17": (18, True),
        "temporal/dlinear_individual": (21, True),
        "temporal/nbeats": (20, True),
        "temporal/segrnn": (20, True),
        "temporal/tide": (20, True),
        "temporal/grn_context": (20, False),
        "temporal/variable_selection": (20, True),
        "temporal/tft": (20, True),
        "temporal/deepar_einsum": (20, True),
        "temporal/deepar_student_opset13": (18, False),
        "temporal/negative_binomial": (20, True),
        "temporal/mixture": (20, True),
        "temporal/embed_topk": (20, True),
        "temporal/sparse_attention": (20, True),
        "temporal/calendar_missing": (20, True),
    }


def control_flow():
    net = build(1, control.Cond, 2, 4)
    sets = [(noise(1, 2, 5, 2).abs(),), (-noise(2, 3, 5, 2).abs(),)]
    yield Case("dynamo/cond", net, sets, ["x"], ["y"], 20, axes(x="batch,,"))
    yield Case("dynamo/cond_not_optimised", net, sets, ["x"], ["y"], 18, axes(x="batch,,"), fold=False)
    net = build(2, control.ScanCells, 3, 4)
    yield Case("dynamo/scan", net, [(noise(3, 6, 2, 3),)], ["x"], ["y", "last"], 20)
    yield Case("dynamo/scan_not_optimised", net, [(noise(4, 6, 2, 3),)], ["x"], ["y", "last"], 21, fold=False)
    yield Case("dynamo/while_loop", control.WhileLoop(), [(noise(5, 2, 3),), (9 * noise(6, 2, 3),)], ["x"], ["y", "count"], 20)


def all_cases():
    wanted = taken()
    for script in (make_recurrent, make_seq2seq, make_attention, make_temporal):
        for case in script.all_cases():
            if case.name in wanted:
                opset, optimize = wanted.pop(case.name)
                name = "dynamo/" + case.name.split("/")[1].split("_opset")[0] + f"_opset{opset}"
                if "/rnn" in case.name:  # nn.RNN comes out unrolled, for the length at hand
                    case = dataclasses.replace(case, sets=case.sets[:1], dynamic={})
                yield dataclasses.replace(case, name=name, opset=opset, fold=optimize)
    if wanted:
        raise ValueError(f"no such cases: {sorted(wanted)}")
    yield from control_flow()


if __name__ == "__main__":
    torch_export.write_all(__doc__, all_cases(), torch_export.dynamo)
