package lstmattn

import (
	"cmp"
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
)

// AttentionParams are the parameters of multi-head attention of width H over
// memories of width E.
type AttentionParams struct {
	QWeight   []float32 // (H, H)
	KWeight   []float32 // (H, E)
	VWeight   []float32 // (H, E)
	InBias    []float32 // (3H): of q, k, v
	OutWeight []float32 // (H, H)
	OutBias   []float32 // (H)
}

// MultiHeadAttention is scaled dot-product attention with several heads and
// learned projections (Vaswani et al. 2017), PyTorch's nn.MultiheadAttention
// with batch_first and kdim = vdim. It is immutable and safe for concurrent
// use.
type MultiHeadAttention struct {
	width, memory, heads int
	q, k, v, out         *kernel.PackedB
	inBias, outBias      []float32
}

// NewMultiHeadAttention copies the parameters of attention of the given width,
// over memories of width memory, with a number of heads that divides width.
func NewMultiHeadAttention(width, memory, heads int, params AttentionParams) (*MultiHeadAttention, error) {
	if err := cmp.Or(size("width", width), size("memory", memory), size("number of heads", heads)); err != nil {
		return nil, err
	}
	if width%heads != 0 {
		return nil, fmt.Errorf("lstmattn: the number of heads is %d, must divide the width %d", heads, width)
	}
	if err := cmp.Or(
		length("q_proj_weight", params.QWeight, width*width),
		length("k_proj_weight", params.KWeight, width*memory),
		length("v_proj_weight", params.VWeight, width*memory),
		length("in_proj_bias", params.InBias, 3*width),
		length("out_proj.weight", params.OutWeight, width*width),
		length("out_proj.bias", params.OutBias, width)); err != nil {
		return nil, err
	}
	return &MultiHeadAttention{
		width: width, memory: memory, heads: heads,
		q:       kernel.PackB(true, width, width, params.QWeight, width),
		k:       kernel.PackB(true, memory, width, params.KWeight, memory),
		v:       kernel.PackB(true, memory, width, params.VWeight, memory),
		out:     kernel.PackB(true, width, width, params.OutWeight, width),
		inBias:  append([]float32(nil), params.InBias...),
		outBias: append([]float32(nil), params.OutBias...),
	}, nil
}

// repack takes other parameters of the same sizes.
func (m *MultiHeadAttention) repack(p *AttentionParams) {
	m.q.Repack(true, p.QWeight, m.width)
	m.k.Repack(true, p.KWeight, m.memory)
	m.v.Repack(true, p.VWeight, m.memory)
	m.out.Repack(true, p.OutWeight, m.width)
	copy(m.inBias, p.InBias)
	copy(m.outBias, p.OutBias)
}

// Project computes the keys and values (rows, H) of memories (rows, E). It is
// done once for a sequence, however many queries follow. stop is called now
// and then; it may be nil.
func (m *MultiHeadAttention) Project(p *kernel.Pool, keys, values, memory []float32, rows int, stop func() error) error {
	if err := cmp.Or(length("memory", memory, rows*m.memory),
		length("keys", keys, rows*m.width), length("values", values, rows*m.width)); err != nil {
		return err
	}
	bias := m.inBias
	if err := linear(p, stop, rows, memory, m.memory, m.k, bias[m.width:2*m.width], keys, m.width); err != nil {
		return err
	}
	return linear(p, stop, rows, memory, m.memory, m.v, bias[2*m.width:], values, m.width)
}

// AttendArgs are the data of MultiHeadAttention for B sequences with Tq queries
// each and Tk memories.
type AttendArgs struct {
	Batch, Queries, Steps int // B, Tq, Tk

	Query        []float32 // (B, Tq, H)
	Keys, Values []float32 // (B, Tk, H) of Project
	KeysByColumn bool      // Keys are (B, H, Tk): one query of narrow heads reads them faster
	Out          []float32 // row r of B*Tq is Out[r*OutStride:][:H]
	OutStride    int       // at least H
	Weights      []float32 // (B, heads, Tq, Tk) receives the attention weights; nil if not wanted
	Projected    []float32 // (B, Tq, H) receives the projected queries
	Mixed        []float32 // (B, Tq, H) receives the heads' outputs, before the output projection

	core kernel.AttentionArgs
}

// Attend computes, for each head with its part of q, k and v,
//
//	weights = softmax(q k' / sqrt(H/heads))
//	out = concat(weights v) of all heads, through the output projection
func (m *MultiHeadAttention) Attend(p *kernel.Pool, a *AttendArgs) error {
	rows, H := a.Batch*a.Queries, m.width
	if err := cmp.Or(size("batch", a.Batch), size("number of queries", a.Queries), size("number of steps", a.Steps),
		length("query", a.Query, rows*H), length("keys", a.Keys, a.Batch*a.Steps*H),
		length("values", a.Values, a.Batch*a.Steps*H), length("projected", a.Projected, rows*H), length("mixed", a.Mixed, rows*H)); err != nil {
		return err
	}
	if a.OutStride < H || len(a.Out) < (rows-1)*a.OutStride+H {
		return fmt.Errorf("lstmattn: out has %d elements at stride %d, expected %d rows of %d", len(a.Out), a.OutStride, rows, H)
	}
	if a.Weights != nil {
		if err := length("weights", a.Weights, rows*m.heads*a.Steps); err != nil {
			return err
		}
	}
	kernel.GemmPacked(p, rows, a.Query, H, m.q, a.Projected, H, kernel.Epilogue{Bias: m.inBias[:H]})
	d := H / m.heads
	query := kernel.Strides{B: a.Queries * H, H: d, T: H}
	memory := kernel.Strides{B: a.Steps * H, H: d, T: H}
	a.core = kernel.AttentionArgs{
		B: a.Batch, Heads: m.heads, Tq: a.Queries, Tk: a.Steps, D: d, DV: d,
		Q: a.Projected, K: a.Keys, V: a.Values, Out: a.Mixed, QS: query, KS: memory, VS: memory, OutS: query,
		Scale: float32(1 / math.Sqrt(float64(d))), Weights: a.Weights,
	}
	if a.KeysByColumn {
		a.core.KS, a.core.KD = kernel.Strides{B: a.Steps * H, H: d * a.Steps, T: 1}, a.Steps
	}
	kernel.Attention(p, &a.core)
	kernel.GemmPacked(p, rows, a.Mixed, H, m.out, a.Out, a.OutStride, kernel.Epilogue{Bias: m.outBias})
	return nil
}

// linear is c = a W' + bias for rows rows, in blocks short enough for stop,
// which may be nil, to be heard.
func linear(p *kernel.Pool, stop func() error, rows int, a []float32, lda int, w *kernel.PackedB, bias, c []float32, ldc int) error {
	k, n := w.Size()
	block := max(16, 1<<25/(k*n))
	for r := 0; r < rows; r += block {
		if stop != nil {
			if err := stop(); err != nil {
				return err
			}
		}
		kernel.GemmPacked(p, min(block, rows-r), a[r*lda:], lda, w, c[r*ldc:], ldc, kernel.Epilogue{Bias: bias})
	}
	return nil
}
