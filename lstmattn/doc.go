// Package lstmattn is a forecaster of multivariate time series: a stacked LSTM
// encoder, an LSTM decoder, autoregressive or direct, and multi-head attention
// from the decoder to the encoder's outputs. It is written by hand on ops/kernel; there
// is no graph in sight.
//
//	cfg := lstmattn.DefaultConfig(7)            // seven columns
//	model, err := lstmattn.New(cfg, 42)         // 42 seeds the initial weights
//	forecast, err := model.Forecast(ctx, x, nil) // x (batch, input_size, 7), raw values
//
// # The model
//
// The letters: B sequences in a batch, L = input_size, F = num_features,
// H = hidden_size, D = 2 if bidirectional else 1, E = D*H, Le and Ld the numbers
// of encoder and decoder layers, A = num_attention_heads. Linear(a, b), LSTM and
// so on are PyTorch's modules with their defaults, batch_first; names in
// quotation marks are those of the submodules, so that a PyTorch module built so
// takes the parameters by load_state_dict.
//
// Raw values x (B, L, F) are scaled by column, then each window by itself:
//
//	z = (x - scaler.mean) / scaler.scale                buffers (F), (F)
//	n = (z - shift) / spread                            shift, spread (B, 1, F)
//
// where shift and spread depend on normalization:
//
//	none      0,                    1
//	last      z[:, L-1],            1
//	mean_std  mean over time,       max(std over time, 0.01)    std divides by L
//	robust    median over time,     max((q75 - q25) over time / 1.349, 0.01)
//
// Quantile q is at position q*(L-1) of the sorted window, interpolated linearly
// between neighbours; the median is q50. In float32 the window's last value is
// subtracted first and the statistics are taken of the differences, which loses
// nothing where values are large beside their spread.
//
// Covariates are scaled by column in the same way, with buffers of their own:
// past (B, L, num_past), future (B, L+T, num_future) and static (B, num_static).
// With I = F + num_past + num_future + num_static, the encoder reads all of a
// step, static covariates at every one:
//
//	"encoder"   LSTM(I, H, num_layers=Le, bidirectional, dropout)
//	memory, (h, c) = encoder(cat(n, past, future[:, :L], static))    memory (B, L, E); h, c (Le*D, B, H)
//
// Decoder layer k starts from encoder layer j = max(0, k + Le - Ld), so the top
// layers face each other. With one direction its state is h[j], c[j] as it
// is. With two, where hf = h[2j] and hb = h[2j+1] (and cf, cb) are the final
// states of the directions,
//
//	"bridge_h"  ModuleList of Ld Linear(2H, H)
//	"bridge_c"  ModuleList of Ld Linear(2H, H)
//	h0[k] = tanh(bridge_h[k](cat(hf, hb)))
//	c0[k] = bridge_c[k](cat(cf, cb))        no tanh: a cell state is not bounded
//
// The decoder takes one step per forecast value. prev (B, F) begins as
// n[:, L-1], context (B, H) as zeros:
//
//	"decoder"    LSTM(F + num_future + num_static + H, H, num_layers=Ld, dropout)
//	"attention"  MultiheadAttention(H, A, kdim=E, vdim=E)
//	"norm"       LayerNorm(H)               only with layer_norm
//	"output"     Linear(H, F*K)
//
//	q, state = decoder(cat(prev, future[:, L+t], static, context), state)    q (B, H): the top layer's output
//	context, weights = attention(q, memory, memory)     weights (B, A, L), not averaged over heads
//	y[t] = output(norm(q + dropout(context)))           without layer_norm: output(q + dropout(context))
//	prev = point(y[t]), or under teacher forcing the target at t, normalised as n is
//
// y[t].view(F, K) holds the K numbers that the head has for each value, see
// [Head]: K is 1 for a point forecast, which is its own point(y); of quantiles
// it is the median, of a distribution the location. Quantiles are sorted in the
// result, so that they never cross; what the decoder reads is not.
//
// The context that is fed to the next step is the attention's output before
// dropout (input feeding, Luong, Pham and Manning 2015, with the context in
// place of the attentional vector). Keys and values are projected once for a
// sequence. Dropout acts in training only.
//
// The forecast is y scaled back: (y*spread + shift)*scaler.scale + scaler.mean;
// a distribution's scale by spread and scaler.scale alone.
//
// # Other forms
//
// That is the classic form. Options of [Config] change it, alone or together; N
// is the number of sequences, W the columns of each, P = segment, S = L/P the
// encoder's steps, M = ceil(T/P) the decoder's for a forecast of T steps, C =
// channel_embedding.
//
// channels folded makes a sequence of each column of each window, with the same
// weights for all: N = B*F, W = 1 (mixed: N = B, W = F). With C above 0 what the
// decoder reads has the column's row of "channel_embedding", Embedding(F, C).
//
// segment P above 1 makes P steps one. "embed" is Linear(P*W, H) and a ReLU; the
// encoder reads the S embedded segments of a sequence, "output" gives P*W*K numbers,
// and what is fed back, the last segment of the window at first, is embedded
// alike. The last segment of a forecast is cut where T is no multiple of P.
//
// decoding direct feeds nothing back, as SegRNN (Lin et al. 2023) decodes in
// parallel. Position m = 0..M-1 has a row of "position_embedding",
// Embedding(ceil(horizon/P), H-C), and every position takes one step of the
// decoder by itself, all from the encoder's final state:
//
//	q[m], _ = decoder(cat(position_embedding[m], channel_embedding[column]), (h0, c0))
//	y[m] = output(dropout(norm(q[m] + attention(q[m], memory, memory))))
//
// Dropout acts on the output layer's input, where SegRNN has it; the context has
// none. The horizon may be shorter than the configuration's but not longer.
//
// attention false leaves the context out of the decoder's input and of the sum:
// y = output(dropout(norm(q))). The attention weights of a [Forecast] are by step
// and not by segment: a step has its segment's weights, those looked at share a
// segment's alike, and folded columns' are averaged.
//
// linear_skip adds to y, before it is fed back, "skip", Linear(L, horizon), of each
// column of n by itself (the highway of LSTNet, Lai et al. 2018). The horizon may
// be shorter than the configuration's but not longer.
//
// Covariates join a segment after its embedding, steps first: the encoder reads
// cat(segment, past, future, static), with past and future of all P steps, and
// what the decoder reads at a position has cat(future, static) of that position's
// steps, before the context. Steps beyond T have zeros. Folded columns have the
// covariates of their window.
//
// # Other decoding
//
// [Options] of a forecast ask for sampled paths or for a beam search in place of
// the point forecast, see [Strategy]. Folded columns are drawn and searched each
// by itself, and trajectory k of a window is trajectory k of each.
//
// # Parameters
//
// Shapes as in the files; k counts layers from 0. Above layer 0 an LSTM reads E
// (encoder) or H (decoder). In layer 0, with V = W, or H with segments, and K' =
// P*num_future + num_static, the encoder reads I = V + P*num_past + K'; the decoder
// J = V + C + K' + H, without the H if attention is false, or H + K' if direct:
//
//	embed.weight, embed.bias            (H, P*W), (H)   only with segments
//	encoder.weight_ih_l{k}[_reverse]    (4H, I)     (4H, E) above layer 0; _reverse only if bidirectional
//	encoder.weight_hh_l{k}[_reverse]    (4H, H)
//	encoder.bias_ih_l{k}[_reverse]      (4H)
//	encoder.bias_hh_l{k}[_reverse]      (4H)
//	bridge_h.{k}.weight                 (H, 2H)     bridges only if bidirectional
//	bridge_h.{k}.bias                   (H)
//	bridge_c.{k}.weight                 (H, 2H)
//	bridge_c.{k}.bias                   (H)
//	position_embedding.weight           (ceil(horizon/P), H-C)   only if direct
//	channel_embedding.weight            (F, C)      only if C is above 0
//	decoder.weight_ih_l{k}              (4H, J)     (4H, H) above layer 0
//	decoder.weight_hh_l{k}              (4H, H)
//	decoder.bias_ih_l{k}                (4H)
//	decoder.bias_hh_l{k}                (4H)
//	attention.in_proj_weight            (3H, H)     if not bidirectional; q, k, v stacked
//	attention.q_proj_weight             (H, H)      if bidirectional, where kdim differs from
//	attention.k_proj_weight             (H, E)      embed_dim and PyTorch keeps three matrices
//	attention.v_proj_weight             (H, E)
//	attention.in_proj_bias              (3H)
//	attention.out_proj.weight           (H, H)
//	attention.out_proj.bias             (H)
//	norm.weight, norm.bias              (H), (H)    only with layer_norm
//	output.weight, output.bias          (P*W*K, H), (P*W*K)
//	skip.weight, skip.bias              (horizon, L), (horizon)   only with linear_skip
//
// and the buffers scaler.mean, scaler.scale (F), and where there are covariates
// scaler.past_mean, scaler.past_scale (num_past) and the same of future and
// static, which count as no parameters.
// Rows of the LSTM parameters are in gate order i, o, f, c in memory, the order of
// the kernels and of ONNX; files that PyTorch reads have its order i, f, g, o.
//
// # Training
//
// [Model.Forward] is the forward pass with a target at hand: teacher forcing,
// dropout. [Model.Gradient] adds the gradient of a [Loss] of it, through time and
// through the values the decoder fed back; [ClipGradient], [AdamW] and [SGD] are
// the rest of a step:
//
//	loss, err := model.Gradient(ctx, grad, x, target, lstmattn.Loss{Kind: lstmattn.MSE}, options)
//	lstmattn.ClipGradient(grad.Data, cfg.GradClip)
//	err = optimizer.Step(model.Params().Data, grad.Data)
//	err = model.Pack()
//
// # Where things are
//
//	config.go config_check.go config_json.go   what a model is built from
//	params.go init.go          the table of parameters, their views and first values
//	lstm.go attention.go       the layers, usable by themselves
//	normalize.go dropout.go    the windows' normalisation, dropout
//	scaler.go covariates.go    the scaling by column; covariates in the inputs
//	batch.go                   windows with their covariates, targets and weights; data sets
//	calendar.go                features of timestamps
//	head.go distribution.go    what the output layer's numbers mean
//	decode.go beam.go          sampled paths and beams
//	quantiles.go weights.go    quantiles and attention of a forecast
//	model.go state.go          the model in the kernels' layout; the memory of a pass
//	sequences.go               windows as sequences of segments, the linear skip
//	forward.go run.go          the encoder and one decoder step; the loop over steps
//	parts.go                   decoding a batch in parts
//	direct.go                  direct decoding
//	forecast.go                Forecast and Forward, what they check
//	tape.go                    what a training pass remembers
//	backward.go encoder_backward.go steps_backward.go direct_backward.go lstm_backward.go   the backward pass
//	gradient.go loss.go optimizer.go   the rest of training
//
// A new parameter is one line in params.go, its use in forward.go and in
// backward.go: files, counting, optimisers and checks range over the table.
package lstmattn
