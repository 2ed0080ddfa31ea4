"""keras/: recurrent layers of Keras through tf2onnx, which writes loops that it does not recognise as Loop.

Expected outputs come from Keras.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

import cases

FEATURES = 3


def stacks():
    """Name: (layers, opset)."""
    yield "lstm_last", [layers.LSTM(4), layers.Dense(2)], 13
    yield "lstm_sequence", [layers.LSTM(5, return_sequences=True), layers.Dense(1)], 15
    yield "lstm_backwards", [layers.LSTM(4, go_backwards=True, return_sequences=True)], 13
    yield "lstm_stacked", [layers.LSTM(4, return_sequences=True), layers.Dropout(0.2), layers.LSTM(3)], 17
    yield "lstm_hard_sigmoid", [layers.LSTM(4, recurrent_activation="hard_sigmoid", activation="relu")], 14
    yield "lstm_unrolled", [layers.LSTM(3, unroll=True)], 13
    yield "lstm_bidirectional", [layers.Bidirectional(layers.LSTM(4, return_sequences=True))], 13
    yield "gru_reset_after", [layers.GRU(4, return_sequences=True)], 13
    yield "gru_reset_before", [layers.GRU(4, reset_after=False)], 12
    yield "gru_bidirectional_backwards", [layers.Bidirectional(layers.GRU(3), merge_mode="sum")], 15
    yield "simple_rnn", [layers.SimpleRNN(4, return_sequences=True), layers.SimpleRNN(3, go_backwards=True)], 13
    yield "conv_lstm", [layers.Conv1D(4, 3, padding="causal", activation="relu"), layers.LSTM(4), layers.Dense(3)], 17
    yield "masked_lstm", [layers.Masking(0.0), layers.LSTM(4, return_sequences=True)], 13
    yield "normalised_gru", [layers.LayerNormalization(), layers.GRU(4, return_sequences=True), layers.BatchNormalization()], 14


def attention():
    """A functional model: LSTM, multi-head self-attention, pooling."""
    x = keras.Input((None, FEATURES))
    y = layers.LSTM(4, return_sequences=True)(x)
    y = layers.Add()([y, layers.MultiHeadAttention(2, 3)(y, y)])
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(y)))


def write(name, model, opset, out):
    steps = 5 if "unrolled" in name else None
    signature = [tf.TensorSpec([None, steps, FEATURES], tf.float32, name="x")]
    run = tf.function(lambda x: model(x, training=False), input_signature=signature)
    built, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=opset)
    sets = []
    for batch, length in ((2, 5), (3, steps or 8)):
        x = np.random.default_rng(batch).normal(0, 1, (batch, length, FEATURES)).astype(np.float32)
        if "masked" in name:
            x[0, 2:] = 0
        sets.append(([x], [run(tf.constant(x)).numpy()]))
    cases.write(out / "keras" / name, built, sets)


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for i, (name, stack, opset) in enumerate(stacks()):
        keras.utils.set_random_seed(i)
        if asked.only in name:
            write(name, keras.Sequential(stack), opset, asked.out)
    keras.utils.set_random_seed(99)
    if asked.only in "lstm_attention":
        write("lstm_attention", attention(), 17, asked.out)
