package kernel

// KeyMaskArgs describe a mask for [KeyMask]: which keys each query sees, in the
// forms that ONNX Runtime's attention operators take.
type KeyMaskArgs struct {
	B, H, Tq, Tk int

	Bias  []float32 // added to the scores; nil for none
	BiasS Strides

	Seen        []int32 // a key is hidden where this isn't positive; nil for none
	SeenB       int     // Seen of batch b, query i, key j is Seen[b*SeenB+i*SeenT+j]
	SeenT       int
	Begin, End  []int32 // (B) keys before Begin and from End on are hidden; nil for none
	Causal      bool
	Past        []int // (B) with Causal, query i sees keys up to i + Past[b]
	Window      int   // with Causal, and only the last so many of them; 0 for all
	Hidden      float32
	HiddenLater float32 // added to keys that Causal hides
}

// KeyMask writes what attention adds to the scores, (B, H, Tq, Tk):
//
//	dst(b,h,i,j) = bias(b,h,i,j) + (Hidden if a mask hides j) + (HiddenLater if j is too late or too early for i)
func KeyMask(dst []float32, a *KeyMaskArgs) {
	for r := range a.B * a.H * a.Tq {
		b, h, i := r/a.Tq/a.H, r/a.Tq%a.H, r%a.Tq
		row := dst[r*a.Tk:][:a.Tk]
		if a.Bias == nil {
			clear(row)
		} else {
			copy(row, a.Bias[b*a.BiasS.B+h*a.BiasS.H+i*a.BiasS.T:][:a.Tk])
		}
		if a.Seen != nil {
			for j, seen := range a.Seen[b*a.SeenB+i*a.SeenT:][:a.Tk] {
				if seen <= 0 {
					row[j] += a.Hidden
				}
			}
		}
		if a.End != nil {
			addScalar(row[within(int(a.End[b]), a.Tk):], a.Hidden)
		}
		if a.Begin != nil {
			addScalar(row[:within(int(a.Begin[b]), a.Tk)], a.Hidden)
		}
		if a.Causal {
			last := a.Past[b] + i + 1
			addScalar(row[within(last, a.Tk):], a.HiddenLater)
			if a.Window > 0 {
				addScalar(row[:within(last-a.Window, a.Tk)], a.HiddenLater)
			}
		}
	}
}

func within(i, n int) int { return max(0, min(i, n)) }

func addScalar(x []float32, v float32) {
	for i := range x {
		x[i] += v
	}
}

// CountOnes is how many elements of each row of x, which has len(dst) rows, are 1.
func CountOnes(dst, x []int32) {
	for i := range dst {
		n := len(x) / len(dst)
		dst[i] = 0
		for _, v := range x[i*n : (i+1)*n] {
			if v == 1 {
				dst[i]++
			}
		}
	}
}
