package lstmattn

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// The package comment's formulas in float64, one sequence at a time: the
// oracle of the tests. It shares nothing with the package but the parameters.

type vec = []float64

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// affine is W x + b, W's rows from row on, W (., len(x)) row-major.
func affine(w, b []float32, row, rows int, x vec) vec {
	y := make(vec, rows)
	for r := range y {
		if b != nil {
			y[r] = float64(b[row+r])
		}
		for j, v := range x {
			y[r] += float64(w[(row+r)*len(x)+j]) * v
		}
	}
	return y
}

// refCell is one LSTM step; it returns the new h and c.
func refCell(p LSTMParams, x, h, c vec) (vec, vec) {
	H := len(h)
	gate := func(g int, f func(float64) float64) vec {
		a, b := affine(p.WeightIH, p.BiasIH, g*H, H, x), affine(p.WeightHH, p.BiasHH, g*H, H, h)
		for j := range a {
			a[j] = f(a[j] + b[j])
		}
		return a
	}
	i, o, f, g := gate(0, sigmoid), gate(1, sigmoid), gate(2, sigmoid), gate(3, math.Tanh)
	hn, cn := make(vec, H), make(vec, H)
	for j := range H {
		cn[j] = f[j]*c[j] + i[j]*g[j]
		hn[j] = o[j] * math.Tanh(cn[j])
	}
	return hn, cn
}

// refStack runs stacked layers over x (T)(I); h and c are final states by
// layer*directions + direction.
func refStack(params [][]LSTMParams, hidden int, x []vec) (y, h, c []vec) {
	for _, layer := range params {
		y = make([]vec, len(x))
		for d := range layer {
			hd, cd := make(vec, hidden), make(vec, hidden)
			for s := range x {
				t := s
				if d == 1 {
					t = len(x) - 1 - s
				}
				hd, cd = refCell(layer[d], x[t], hd, cd)
				if y[t] == nil {
					y[t] = make(vec, hidden*len(layer))
				}
				copy(y[t][d*hidden:], hd)
			}
			h, c = append(h, hd), append(c, cd)
		}
		x = y
	}
	return y, h, c
}

// refAttend is multi-head attention of one query; weights by head.
func refAttend(p AttentionParams, heads int, q vec, memory []vec) (out vec, weights []vec) {
	H := len(q)
	d := H / heads
	pq := affine(p.QWeight, p.InBias, 0, H, q)
	mixed := make(vec, H)
	for a := range heads {
		scores := make(vec, len(memory))
		values := make([]vec, len(memory))
		top := math.Inf(-1)
		for j, m := range memory {
			k := affine(p.KWeight, nil, a*d, d, m)
			values[j] = affine(p.VWeight, nil, a*d, d, m)
			for e := range d {
				k[e] += float64(p.InBias[H+a*d+e])
				values[j][e] += float64(p.InBias[2*H+a*d+e])
				scores[j] += pq[a*d+e] * k[e] / math.Sqrt(float64(d))
			}
			top = math.Max(top, scores[j])
		}
		var sum float64
		for j := range scores {
			scores[j] = math.Exp(scores[j] - top)
			sum += scores[j]
		}
		for j := range scores {
			scores[j] /= sum
			for e := range d {
				mixed[a*d+e] += scores[j] * values[j][e]
			}
		}
		weights = append(weights, scores)
	}
	return affine(p.OutWeight, p.OutBias, 0, H, mixed), weights
}

// refWindow is the window's shift and spread of column f, z being scaled.
func refWindow(kind Normalization, z []vec, f int) (shift, spread float64) {
	col := make(vec, len(z))
	var sum, squares float64
	for t := range z {
		col[t] = z[t][f]
		sum += col[t]
	}
	switch kind {
	case NormalizationLast:
		return col[len(col)-1], 1
	case NormalizationMeanStd:
		mean := sum / float64(len(col))
		for _, v := range col {
			squares += (v - mean) * (v - mean)
		}
		return mean, math.Max(0.01, math.Sqrt(squares/float64(len(col))))
	case NormalizationRobust:
		sort.Float64s(col)
		quantile := func(q float64) float64 {
			at := q * float64(len(col)-1)
			lo := int(math.Floor(at))
			hi := min(lo+1, len(col)-1)
			return col[lo] + (at-float64(lo))*(col[hi]-col[lo])
		}
		return quantile(.5), math.Max(0.01, (quantile(.75)-quantile(.25))/1.349)
	}
	return 0, 1
}

// refForecast is the whole model for one window x (L, F) of raw values. With a
// target (T, F) position m reads it where forced[m] is true.
func refForecast(m *Model, x, target []float32, horizon int, forced []bool) (values []vec, weights [][]vec) {
	r := refNumbers(m, &Batch{Size: 1, X: x, Target: target}, horizon, forced)
	return r.values, r.weights
}

// A refResult is what the formula gives for one window.
type refResult struct {
	values        []vec   // (T)(F) point forecast, raw
	weights       [][]vec // (T)(A)(L)
	numbers       []vec   // (T)(F*K) normalised
	goal          []vec   // (T)(F) the target, normalised
	shift, spread vec     // (F) of the window, scaled
}

// refCovariates are one window's, scaled: (L), (L+T), (1) rows or none.
type refCovariates struct{ past, future, static []vec }

// refScaled are rows of raw values, scaled.
func refScaled(raw []float32, s Scaler) (rows []vec) {
	n := len(s.Mean)
	for i := 0; n > 0 && i < len(raw); i += n {
		row := make(vec, n)
		for f := range row {
			row[f] = (float64(raw[i+f]) - float64(s.Mean[f])) / float64(s.Scale[f])
		}
		rows = append(rows, row)
	}
	return rows
}

// flat is rows lo to hi, one after the other; those beyond the last are zeros.
func flat(rows []vec, lo, hi int) (v vec) {
	for i := lo; len(rows) > 0 && i < hi; i++ {
		if i < len(rows) {
			v = append(v, rows[i]...)
		} else {
			v = append(v, make(vec, len(rows[0]))...)
		}
	}
	return v
}

// refNumbers is the whole model for a batch of one window.
func refNumbers(m *Model, batch *Batch, horizon int, forced []bool) (r refResult) {
	c, p := m.Config(), m.Params()
	F, K := c.NumFeatures, c.numbers()
	columns := Scaler{p.ScalerMean, p.ScalerScale}
	n, goal := refScaled(batch.X, columns), refScaled(batch.Target, columns)
	known := refCovariates{refScaled(batch.Past, p.Past), refScaled(batch.Future, p.Future), refScaled(batch.Static, p.Static)}
	var values, numbers []vec
	var weights [][]vec
	shift, spread := make(vec, F), make(vec, F)
	for f := range F {
		shift[f], spread[f] = refWindow(c.Normalization, n, f)
		for _, rows := range [][]vec{n, goal} {
			for t := range rows {
				rows[t][f] = (rows[t][f] - shift[f]) / spread[f]
			}
		}
	}

	for range horizon {
		values, numbers = append(values, make(vec, F)), append(numbers, make(vec, F*K))
		step := make([]vec, c.NumAttentionHeads)
		for a := range step {
			step[a] = make(vec, c.InputSize)
		}
		weights = append(weights, step)
	}
	column := func(rows []vec, f int) (only []vec) {
		for _, row := range rows {
			only = append(only, row[f:f+1])
		}
		return only
	}
	if c.Channels == ChannelsMixed {
		refSequence(m, 0, n, goal, known, horizon, forced, func(t, j int, y vec) { copy(numbers[t][j*K:], y) }, weights, 1)
	} else {
		for f := range F {
			refSequence(m, f, column(n, f), column(goal, f), known, horizon, forced, func(t, _ int, y vec) { copy(numbers[t][f*K:], y) }, weights, 1/float64(F))
		}
	}
	for t := range values {
		for f := range F {
			values[t][f] = (refPoint(c, numbers[t][f*K:(f+1)*K])*spread[f]+shift[f])*float64(p.ScalerScale[f]) + float64(p.ScalerMean[f])
		}
	}
	return refResult{values, weights, numbers, goal, shift, spread}
}

// refPoint is the point forecast among numbers; the tests' quantiles have the
// median in the middle.
func refPoint(c Config, y vec) float64 {
	if c.Head == HeadQuantile {
		return y[len(y)/2]
	}
	return y[0]
}

// refBridge is the decoder's first states from the encoder's last.
func refBridge(c *Config, p *Params, eh, ec []vec) (h, cell []vec) {
	for k := range c.NumDecoderLayers {
		j := max(0, k+c.NumEncoderLayers-c.NumDecoderLayers)
		if !c.Bidirectional {
			h, cell = append(h, eh[j]), append(cell, ec[j])
			continue
		}
		bridge := func(which string, fwd, rev vec) vec {
			name := fmt.Sprintf("bridge_%s.%d", which, k)
			return affine(p.View(name+".weight"), p.View(name+".bias"), 0, c.HiddenSize, slices.Concat(fwd, rev))
		}
		h, cell = append(h, bridge("h", eh[2*j], eh[2*j+1])), append(cell, bridge("c", ec[2*j], ec[2*j+1]))
		for i := range h[k] {
			h[k][i] = math.Tanh(h[k][i])
		}
	}
	return h, cell
}

// refNorm is layer normalisation.
func refNorm(x vec, weight, bias []float32) vec {
	var mean, variance float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	y := make(vec, len(x))
	for i, v := range x {
		y[i] = (v-mean)/math.Sqrt(variance+1e-5)*float64(weight[i]) + float64(bias[i])
	}
	return y
}

// refSequence is the network for one sequence n (L, W) of normalised values,
// column channel where they are folded. It adds share of its weights to all.
func refSequence(m *Model, channel int, n, goal []vec, known refCovariates, horizon int, forced []bool, put func(t, j int, y vec), all [][]vec, share float64) {
	c, p := m.Config(), m.Params()
	H, W, P, K := c.HiddenSize, len(n[0]), c.Segment, c.numbers()
	embed := func(v vec) vec {
		if P == 1 {
			return v
		}
		y := affine(p.View("embed.weight"), p.View("embed.bias"), 0, H, v)
		for i := range y {
			y[i] = math.Max(0, y[i])
		}
		return y
	}
	var read []vec
	for i := 0; i < len(n); i += P {
		read = append(read, slices.Concat(embed(flat(n, i, i+P)), flat(known.past, i, i+P), flat(known.future, i, i+P), flat(known.static, 0, 1)))
	}
	memory, eh, ec := refStack(p.lstm("encoder", c.NumEncoderLayers, c.Directions()), H, read)
	h, cell := refBridge(&c, p, eh, ec)
	dec := p.lstm("decoder", c.NumDecoderLayers, 1)
	C := c.ChannelEmbedding
	prev, context := flat(n, len(n)-P, len(n)), make(vec, H)
	for m := 0; m*P < horizon; m++ {
		if m > 0 && forced != nil && forced[m] {
			prev = flat(goal, (m-1)*P, m*P)
		}
		hm, cm := h, cell
		in := append(vec{}, embed(prev)...)
		if c.Decoding == DecodingDirect {
			hm, cm = append([]vec{}, h...), append([]vec{}, cell...)
			in = widen(p.View("position_embedding.weight")[m*(H-C):][:H-C])
		}
		if C > 0 {
			in = append(in, widen(p.View("channel_embedding.weight")[channel*C:][:C])...)
		}
		in = slices.Concat(in, flat(known.future, len(n)+m*P, len(n)+(m+1)*P), flat(known.static, 0, 1))
		if c.Decoding != DecodingDirect && c.Attention {
			in = append(in, context...)
		}
		for k := range dec {
			hm[k], cm[k] = refCell(dec[k][0], in, hm[k], cm[k])
			in = hm[k]
		}
		sum := append(vec{}, in...)
		if c.Attention {
			var w []vec
			context, w = refAttend(p.attention(H), c.NumAttentionHeads, in, memory)
			for t := m * P; t < min(horizon, (m+1)*P); t++ {
				for a := range w {
					for l := range n {
						all[t][a][l] += w[a][l/P] / float64(P) * share
					}
				}
			}
			for i := range sum {
				sum[i] += context[i]
			}
		}
		if c.LayerNorm {
			sum = refNorm(sum, p.View("norm.weight"), p.View("norm.bias"))
		}
		numbers := affine(p.View("output.weight"), p.View("output.bias"), 0, P*W*K, sum)
		prev = make(vec, P*W)
		for i := range prev {
			prev[i] = refPoint(c, numbers[i*K:(i+1)*K])
		}
		for t := m * P; t < min(horizon, (m+1)*P); t++ {
			for j := range W {
				at := (t-m*P)*W + j
				if c.LinearSkip {
					var column vec
					for l := range n {
						column = append(column, n[l][j])
					}
					add := affine(p.View("skip.weight"), p.View("skip.bias"), t, 1, column)[0]
					prev[at] += add
					for k := range c.head().located() {
						numbers[at*K+k] += add
					}
				}
				put(t, j, numbers[at*K:(at+1)*K])
			}
		}
	}
}
