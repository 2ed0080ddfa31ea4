package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// naiveResize resizes along every axis by the specification's formulas, in float64,
// element by element.
func naiveResize(x []float64, in, out []int, mode, coordinate, rule string) []float64 {
	y := make([]float64, tensor.Shape(out).Len())
	for i := range y {
		type tap struct {
			at int
			w  float64
		}
		taps := []tap{{0, 1}}
		rest, size := i, len(y)
		for d, n := range in {
			size /= out[d]
			j := rest / size
			rest %= size
			if n == out[d] {
				for t := range taps {
					taps[t].at = taps[t].at*n + j
				}
				continue
			}
			scale := float64(out[d]) / float64(n)
			place := (float64(j)+0.5)/scale - 0.5
			switch coordinate {
			case "asymmetric":
				place = float64(j) / scale
			case "align_corners":
				place = float64(j) * float64(n-1) / float64(out[d]-1)
			}
			var next []tap
			for k := int(math.Floor(place)) - 1; k < int(math.Floor(place))+3; k++ {
				w := 0.0
				switch dist := math.Abs(place - float64(k)); {
				case mode == "linear":
					w = max(0, 1-dist)
				case mode == "cubic" && dist <= 1:
					w = 1.25*dist*dist*dist - 2.25*dist*dist + 1
				case mode == "cubic" && dist < 2:
					w = -0.75*dist*dist*dist + 3.75*dist*dist - 6*dist + 3
				case mode == "nearest":
					near := math.Floor(place)
					if rule == "round_prefer_floor" {
						near = math.Ceil(place - 0.5)
					}
					if k == int(near) {
						w = 1
					}
				}
				if w == 0 {
					continue
				}
				for _, t := range taps {
					next = append(next, tap{t.at*n + min(max(k, 0), n-1), t.w * w})
				}
			}
			taps = next
		}
		for _, t := range taps {
			y[i] += t.w * x[t.at]
		}
	}
	return y
}

// Images of widths on both sides of a vector, of one, two and three axes, and in
// between.
func TestResizeOfImages(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	for _, c := range []struct{ in, out []int }{
		{[]int{2, 3, 5, 9}, []int{2, 3, 10, 18}}, {[]int{1, 2, 8, 8}, []int{1, 2, 16, 16}}, {[]int{1, 2, 4, 7}, []int{1, 2, 8, 14}}, {[]int{2, 1, 3, 21}, []int{2, 1, 6, 42}},
		{[]int{1, 2, 6, 10}, []int{1, 2, 9, 15}}, {[]int{1, 2, 12, 20}, []int{1, 2, 6, 10}}, {[]int{1, 2, 12, 13}, []int{1, 2, 5, 31}}, {[]int{2, 5, 9}, []int{2, 5, 18}},
		{[]int{2, 9, 5}, []int{2, 18, 5}}, {[]int{1, 4, 6, 9}, []int{1, 8, 12, 9}}, {[]int{2, 3, 4, 5, 9}, []int{2, 3, 8, 10, 18}}, {[]int{1, 4, 1, 1}, []int{1, 8, 1, 3}},
		{[]int{1, 4, 9, 1}, []int{1, 4, 18, 1}}, {[]int{3, 4, 2, 9}, []int{6, 4, 2, 18}}, {[]int{1, 1, 9, 1}, []int{1, 1, 18, 3}}, {[]int{1, 1, 64, 40}, []int{1, 1, 128, 80}},
	} {
		for _, mode := range []string{"nearest", "linear", "cubic"} {
			for _, coordinate := range []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"} {
				if coordinate == "pytorch_half_pixel" && mode == "nearest" || len(c.in) == 5 && mode == "cubic" {
					continue
				}
				for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
					rule := "floor"
					if coordinate == "half_pixel" {
						rule = "round_prefer_floor"
					}
					x := randomOf(r, dt, c.in...)
					n := node("Resize", 4, 1, str("mode", mode), str("coordinate_transformation_mode", coordinate), str("nearest_mode", rule))
					sizes := make([]int64, len(c.out))
					for i, m := range c.out {
						sizes[i] = int64(m)
					}
					y, err := run(t, n, 13, x, nil, nil, list(sizes...))
					require.NoError(t, err)
					if mode == "nearest" && (coordinate == "align_corners" || c.out[len(c.out)-1]%2 == 1) {
						continue // places where float32 rounds otherwise
					}
					tolerance := 3e-6
					if dt == tensor.Float64 {
						tolerance = 1e-6 // scales are float32
					}
					requireNear(t, naiveResize(floatsOf(t, x), c.in, c.out, mode, coordinate, rule), floatsOf(t, y[0]), tolerance)
				}
			}
		}
	}
}

// Every type of elements is doubled by the same copies.
func TestResizeNearestOfTypes(t *testing.T) {
	n := node("Resize", 3, 1, str("coordinate_transformation_mode", "asymmetric"), str("nearest_mode", "floor"))
	wide := make([]float64, 2*9)
	for i := range wide {
		wide[i] = float64(i)
	}
	want := naiveResize(wide, []int{2, 9}, []int{4, 18}, "nearest", "asymmetric", "floor")
	for _, dt := range []tensor.DType{tensor.Uint8, tensor.Float16, tensor.Int32, tensor.Float32, tensor.Int64, tensor.Complex128} {
		x, err := tensor.Zeros(dt, 2, 9)
		require.NoError(t, err)
		b := x.Bytes()
		for i := range wide {
			b[i*dt.Size()] = byte(i)
		}
		y, err := run(t, n, 13, x, nil, row(2, 2))
		require.NoError(t, err)
		for i, v := range want {
			require.Equal(t, byte(v), y[0].Bytes()[i*dt.Size()], "%v, element %d", dt, i)
		}
	}
}

// What is no number reaches the outputs that its element has a weight in, 0 too, and no
// others; threads change no bits.
func TestResizeIsTheSameOnThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	x := randomOf(r, tensor.Float32, 1, 3, 70, 50)
	tensor.Of[float32](x)[50*20+17] = float32(math.Inf(1))
	for _, mode := range []string{"linear", "cubic", "nearest"} {
		for _, scale := range []float32{2, 1.5, 0.5} {
			n := node("Resize", 3, 1, str("mode", mode))
			var want []float32
			for _, threads := range []int{1, 2, 5} {
				k, _, err := Standard().Bind(n, 13, nil)
				require.NoError(t, err)
				ctx := testCtx(n, []tensor.Value{x, nil, row(1, 1, scale, scale)})
				ctx.Workers = kernel.NewPool(threads)
				require.NoError(t, k.Run(ctx))
				got := tensor.Of[float32](ctx.Outputs[0].(*tensor.Tensor))
				if want == nil {
					want = append(want, got...)
				}
				for i := range want {
					if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
						require.Equal(t, want[i], got[i], "%s by %g on %d threads, element %d", mode, scale, threads, i)
					}
				}
			}
		}
	}
	y, err := run(t, node("Resize", 3, 1, str("mode", "linear"), str("coordinate_transformation_mode", "asymmetric")), 13, x, nil, row(1, 1, 2, 2))
	require.NoError(t, err)
	for i, v := range tensor.Of[float32](y[0]) {
		// Even outputs are of the element before too, with weight 0.
		line, column := i/100, i%100
		inside := line >= 39 && line <= 42 && column >= 33 && column <= 36
		if inside != (v-v != 0) {
			require.Equal(t, inside, v-v != 0, "%d %d: %v", line, column, v)
		}
	}
}

// A node that sees other sizes makes other tables.
func TestResizeFollowsItsInputs(t *testing.T) {
	n := node("Resize", 4, 1, str("mode", "linear"), str("coordinate_transformation_mode", "align_corners"))
	k, _, err := Standard().Bind(n, 13, nil)
	require.NoError(t, err)
	var kept any
	for _, c := range []struct {
		x      *tensor.Tensor
		scales *tensor.Tensor
		sizes  *tensor.Tensor
		want   []float32
	}{
		{row(1, 3), nil, list(3), []float32{1, 2, 3}}, {row(1, 3), nil, list(5), []float32{1, 1.5, 2, 2.5, 3}}, {row(1, 3, 5), nil, list(5), []float32{1, 2, 3, 4, 5}},
		{row(1, 3, 5), row(2), nil, []float32{1, 1.8, 2.6, 3.4, 4.2, 5}}, {row(0, 4), row(1.5), nil, []float32{0, 2, 4}}, {row(0, 4), row(2.5), nil, []float32{0, 1, 2, 3, 4}},
	} {
		ins := []tensor.Value{c.x, nil, nil, nil}
		if c.scales != nil {
			ins[2] = c.scales
		} else {
			ins[3] = c.sizes
		}
		for range 2 {
			ctx := testCtx(n, ins)
			ctx.Kept = &kept
			require.NoError(t, k.Run(ctx))
			near(t, c.want, ctx.Outputs[0].(*tensor.Tensor))
		}
	}
	ctx := testCtx(n, []tensor.Value{row(1, 2), nil, row(-1), nil})
	ctx.Kept = &kept
	require.Error(t, k.Run(ctx))
	require.Error(t, k.Run(ctx), "an error is not remembered as a plan")
}
