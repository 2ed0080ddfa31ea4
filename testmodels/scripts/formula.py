"""ONNX's recurrent operators in float64, step by step as the specification writes them.

ONNX's own reference implementation ignores clip, input_forget and the activation lists, and ONNX Runtime
refuses layout=1 and float64: these functions are the oracle for those.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# Name: (function of x, alpha, beta; default alpha or None; default beta or None).
ACTIVATIONS = {
    "Sigmoid": (lambda x, a, b: sigmoid(x), None, None),
    "Tanh": (lambda x, a, b: np.tanh(x), None, None),
    "Relu": (lambda x, a, b: np.maximum(x, 0), None, None),
    "Softsign": (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    "Softplus": (lambda x, a, b: np.log1p(np.exp(x)), None, None),
    "Affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "LeakyRelu": (lambda x, a, b: np.where(x < 0, a * x, x), 0.01, None),
    "ThresholdedRelu": (lambda x, a, b: np.where(x > a, x, 0), 1.0, None),
    "Elu": (lambda x, a, b: np.where(x < 0, a * (np.exp(x) - 1), x), 1.0, None),
    "ScaledTanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "HardSigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
}


def functions(names, alphas, betas, clip):
    """The activations by name. Each takes the next alpha and beta of the lists if it has one; clip bounds its input."""
    alphas, betas = list(alphas), list(betas)
    chosen = []
    for name in names:
        f, alpha, beta = ACTIVATIONS[name]
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        chosen.append(lambda x, f=f, a=alpha, b=beta: f(x if clip is None else np.clip(x, -clip, clip), a, b))
    return chosen


def recurrent(step, per_direction, x, h0, lens, direction, layout, states):
    """Runs step over time for each direction.

    step(d, x_t (B,I), state) returns the new state, a tuple of (B,H) whose first is the output.
    h0 is a tuple of initial states (D,B,H). Returns Y (T,D,B,H) and the last states (D,B,H), or with
    layout 1 (B,T,D,H) and (B,D,H).
    """
    if layout:
        x = x.transpose(1, 0, 2)
        h0 = [s.transpose(1, 0, 2) for s in h0]
    steps, batch = x.shape[:2]
    lens = np.full(batch, steps) if lens is None else lens
    directions = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    y = np.zeros((steps, len(directions), batch, per_direction))
    last = [np.zeros((len(directions), batch, per_direction)) for _ in range(states)]
    for d, backwards in enumerate(directions):
        for n in range(batch):
            state = tuple(s[d, n:n + 1] for s in h0)
            times = range(lens[n])
            for t in reversed(times) if backwards else times:
                state = step(d, x[t, n:n + 1], state)
                y[t, d, n] = state[0][0]
            for kept, value in zip(last, state):
                kept[d, n] = value[0]
    if layout:
        return [y.transpose(2, 0, 1, 3)] + [s.transpose(1, 0, 2) for s in last]
    return [y] + last


def prepare(x, w, r, b, states, h0, layout):
    """Everything in float64, zeros for what is absent."""
    x, w, r = (np.asarray(v, np.float64) for v in (x, w, r))
    directions, hidden = r.shape[0], r.shape[2]
    rows = w.shape[1]
    b = np.zeros((directions, 2 * rows)) if b is None else np.asarray(b, np.float64)
    batch = x.shape[0] if layout else x.shape[1]
    shape = (batch, directions, hidden) if layout else (directions, batch, hidden)
    h0 = [np.zeros(shape) if s is None else np.asarray(s, np.float64) for s in h0[:states]]
    return x, w, r, b[:, :rows], b[:, rows:], h0, hidden


def parts(v, d, hidden):
    """The gates' rows of direction d."""
    return [v[d, i:i + hidden] for i in range(0, v.shape[1], hidden)]


def lstm(x, w, r, b=None, lens=None, h0=None, c0=None, p=None, direction="forward", activations=None,
         activation_alpha=(), activation_beta=(), clip=None, input_forget=0, layout=0):
    """Returns Y, Y_h, Y_c. Gates in W, R and B stand in the order i, o, f, c; peepholes in P i, o, f."""
    x, w, r, wb, rb, state, hidden = prepare(x, w, r, b, 2, [h0, c0], layout)
    p = np.zeros((w.shape[0], 3 * hidden)) if p is None else np.asarray(p, np.float64)
    act = functions(activations or ["Sigmoid", "Tanh", "Tanh"] * w.shape[0], activation_alpha, activation_beta, clip)

    def step(d, xt, state):
        h, c = state
        f, g, hh = act[3 * d:3 * d + 3]
        pi, po, pf = parts(p, d, hidden)
        zi, zo, zf, zc = (xt @ a.T + h @ u.T + m + n for a, u, m, n in
                          zip(parts(w, d, hidden), parts(r, d, hidden), parts(wb, d, hidden), parts(rb, d, hidden)))
        i = f(zi + pi * c)
        forget = 1 - i if input_forget else f(zf + pf * c)
        c = forget * c + i * g(zc)
        o = f(zo + po * c)
        return o * hh(c), c

    return recurrent(step, hidden, x, state, lens, direction, layout, 2)


def gru(x, w, r, b=None, lens=None, h0=None, direction="forward", activations=None, activation_alpha=(),
        activation_beta=(), clip=None, linear_before_reset=0, layout=0):
    """Returns Y, Y_h. Gates stand in the order z, r, h."""
    x, w, r, wb, rb, state, hidden = prepare(x, w, r, b, 1, [h0], layout)
    act = functions(activations or ["Sigmoid", "Tanh"] * w.shape[0], activation_alpha, activation_beta, clip)

    def step(d, xt, state):
        h, = state
        f, g = act[2 * d:2 * d + 2]
        wz, wr, wh = parts(w, d, hidden)
        rz, rr, rh = parts(r, d, hidden)
        bz, br, bh = parts(wb, d, hidden)
        sz, sr, sh = parts(rb, d, hidden)
        z = f(xt @ wz.T + h @ rz.T + bz + sz)
        reset = f(xt @ wr.T + h @ rr.T + br + sr)
        if linear_before_reset:
            new = g(xt @ wh.T + reset * (h @ rh.T + sh) + bh)
        else:
            new = g(xt @ wh.T + (reset * h) @ rh.T + sh + bh)
        return ((1 - z) * new + z * h,)

    return recurrent(step, hidden, x, state, lens, direction, layout, 1)


def rnn(x, w, r, b=None, lens=None, h0=None, direction="forward", activations=None, activation_alpha=(),
        activation_beta=(), clip=None, layout=0):
    """Returns Y, Y_h."""
    x, w, r, wb, rb, state, hidden = prepare(x, w, r, b, 1, [h0], layout)
    act = functions(activations or ["Tanh"] * w.shape[0], activation_alpha, activation_beta, clip)

    def step(d, xt, state):
        return (act[d](xt @ w[d].T + state[0] @ r[d].T + wb[d] + rb[d]),)

    return recurrent(step, hidden, x, state, lens, direction, layout, 1)
