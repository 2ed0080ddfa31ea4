package ops

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// naiveEinsum sums the product of all operands over every combination of label
// values, in float64. An ellipsis is written out as digits by the caller.
func naiveEinsum(inputs []string, output string, data [][]float64, shapes [][]int) (y []float64, shape []int) {
	extent := map[byte]int{}
	var labels []byte
	for i, in := range inputs {
		for d := range in {
			if _, ok := extent[in[d]]; !ok {
				labels = append(labels, in[d])
			}
			extent[in[d]] = max(extent[in[d]], shapes[i][d])
			if shapes[i][d] == 0 {
				extent[in[d]] = 0
			}
		}
	}
	all := make([]int, len(labels))
	for i, l := range labels {
		all[i] = extent[l]
	}
	for i := range output {
		shape = append(shape, extent[output[i]])
	}
	y = make([]float64, tensor.Shape(shape).Len())
	coords(all, func(at []int) {
		value := map[byte]int{}
		for i, l := range labels {
			value[l] = at[i]
		}
		product := 1.0
		for i, in := range inputs {
			offset := 0
			for d := range in {
				offset = offset*shapes[i][d] + value[in[d]]%shapes[i][d]
			}
			product *= data[i][offset]
		}
		offset := 0
		for d := range output {
			offset = offset*shape[d] + value[output[d]]
		}
		y[offset] += product
	})
	return y, shape
}

func TestEinsum(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	for _, c := range []struct {
		equation, naive string // naive: the same with ellipses and output written out
		shapes          [][]int
	}{
		{"ij,jk->ik", "", [][]int{{3, 4}, {4, 5}}},
		{"ij , jk -> ki", "ij,jk->ki", [][]int{{3, 4}, {4, 5}}},
		{"bhqd,bhkd->bhqk", "", [][]int{{2, 3, 4, 5}, {2, 3, 6, 5}}},
		{"bhqk,bhkd->bhqd", "", [][]int{{2, 3, 4, 5}, {2, 3, 5, 6}}},
		{"bqhd,bkhd->bhqk", "", [][]int{{2, 4, 3, 5}, {2, 6, 3, 5}}},
		{"bhqk,bkhd->bqhd", "", [][]int{{2, 3, 4, 6}, {2, 6, 3, 5}}},
		{"ij->ji", "", [][]int{{3, 4}}},
		{"ij->i", "", [][]int{{3, 4}}},
		{"ij->", "", [][]int{{3, 4}}},
		{"ii->i", "", [][]int{{4, 4}}},
		{"ii", "ii->", [][]int{{4, 4}}},
		{"iij->j", "", [][]int{{3, 3, 2}}},
		{"ba", "ba->ab", [][]int{{2, 3}}},
		{"ij,jk", "ij,jk->ik", [][]int{{2, 3}, {3, 4}}},
		{"i,j->ij", "", [][]int{{3}, {4}}},
		{"i,i->", "", [][]int{{5}, {5}}},
		{"i,i->i", "", [][]int{{5}, {5}}},
		{"ij,ij->i", "", [][]int{{3, 4}, {3, 4}}},
		{"ij,k->i", "", [][]int{{3, 4}, {2}}},
		{"...ij,...jk->...ik", "01ij,01jk->01ik", [][]int{{2, 3, 2, 4}, {2, 3, 4, 3}}},
		{"...ij,...jk->...ik", "01ij,1jk->01ik", [][]int{{2, 3, 2, 4}, {3, 4, 3}}},
		{"...ij,jk", "01ij,jk->01ik", [][]int{{2, 3, 2, 4}, {4, 3}}},
		{"i...->...", "i01->01", [][]int{{3, 2, 4}}},
		{"...i->i...", "01i->i01", [][]int{{3, 2, 4}}},
		{"...,...->...", "0,0->0", [][]int{{4}, {1}}},
		{"ij,ij->ij", "", [][]int{{1, 4}, {3, 1}}},
		{"ij,jk->ik", "", [][]int{{3, 1}, {4, 2}}},
		{",i->i", "", [][]int{{}, {3}}},
		{"->", "", [][]int{{}}},
		{"ij,jk,kl->il", "", [][]int{{2, 3}, {3, 4}, {4, 5}}},
		{"bn,anm,bm->ba", "", [][]int{{2, 3}, {4, 3, 5}, {2, 5}}},
		{"a,b,c,d->dcba", "", [][]int{{2}, {3}, {2}, {4}}},
		{"ij,jk->ik", "", [][]int{{2, 0}, {0, 3}}},
		{"ij,jk->ik", "", [][]int{{0, 2}, {2, 3}}},
		{"aB,Bc->ac", "", [][]int{{2, 3}, {3, 2}}},
	} {
		naive := c.naive
		if naive == "" {
			naive = c.equation
		}
		left, out, _ := strings.Cut(naive, "->")
		for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.Int32, tensor.Int64, tensor.Int8, tensor.Uint8, tensor.Uint32} {
			t.Run(fmt.Sprint(dt, c), func(t *testing.T) {
				in, data := make([]*tensor.Tensor, len(c.shapes)), make([][]float64, len(c.shapes))
				for i, s := range c.shapes {
					v := make([]float64, tensor.Shape(s).Len())
					for j := range v {
						v[j] = float64(r.IntN(3))
					}
					in[i], data[i] = tensorOf(dt, v, s...), v
				}
				want, shape := naiveEinsum(strings.Split(left, ","), out, data, c.shapes)
				y, err := run(t, node("Einsum", len(in), 1, onnx.AttrString("equation", c.equation)), 12, in...)
				require.NoError(t, err)
				require.True(t, y[0].Shape().Equal(shape), "shape %v, want %v", y[0].Shape(), shape)
				requireNear(t, want, floatsOf(t, y[0]), precision(dt))
			})
		}
	}
}

func TestEinsumKeepsItsPlan(t *testing.T) {
	n := node("Einsum", 2, 1, onnx.AttrString("equation", "bqhd,bkhd->bhqk"))
	k, _, err := Standard().Bind(n, 12, nil)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(32, 1))
	var kept any
	for _, s := range [][]int{{2, 3, 2, 4}, {2, 3, 2, 4}, {1, 5, 3, 2}, {2, 3, 2, 4}} {
		a, b := randomOf(r, tensor.Float32, s...), randomOf(r, tensor.Float32, s...)
		want, err := run(t, n, 12, a, b)
		require.NoError(t, err)
		c := testCtx(n, []tensor.Value{a, b})
		c.Kept = &kept
		require.NoError(t, k.Run(c))
		require.Equal(t, want[0].Bytes(), c.Outputs[0].(*tensor.Tensor).Bytes())
	}
}

func TestEinsumRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	for _, c := range []struct {
		equation string
		in       []*tensor.Tensor
		want     string
	}{
		{"ij,jk->ik", []*tensor.Tensor{x(2, 3)}, `attribute "equation": has 2 operands, the node has 1 inputs`},
		{"ij->ii", []*tensor.Tensor{x(2, 3)}, `attribute "equation": the output has i twice`},
		{"ij->ik", []*tensor.Tensor{x(2, 3)}, `attribute "equation": the output's k is in no operand`},
		{"i1->i", []*tensor.Tensor{x(2, 3)}, `attribute "equation": "i1" has '1', expected letters and at most one ellipsis`},
		{"...i...->i", []*tensor.Tensor{x(2, 3)}, `attribute "equation": "...i..." has '.', expected letters and at most one ellipsis`},
		{"ijk->i", []*tensor.Tensor{x(2, 3)}, "input 0: has rank 2, the equation has 3 labels for it"},
		{"i->i", []*tensor.Tensor{x(2, 3)}, "input 0: has rank 2, the equation has 1 labels for it"},
		{"ij,jk->ik", []*tensor.Tensor{x(2, 3), x(4, 2)}, "input 1: dimension 0 has extent 4, expected 3 as another of its label has"},
		{"i->i", []*tensor.Tensor{randomOf(rand.New(rand.NewPCG(1, 1)), tensor.BFloat16, 2)},
			"input 0: has type bfloat16, expected " + numbers.String()},
	} {
		_, err := run(t, node("Einsum", len(c.in), 1, onnx.AttrString("equation", c.equation)), 12, c.in...)
		require.EqualError(t, err, c.want)
	}
}
