package train

import "math/rand/v2"

// An order is the windows of an epoch, shuffled. It follows from the seed and
// the epoch alone.
type order struct {
	seed    uint64
	epoch   int
	windows []int
}

func newOrder(seed uint64, windows int) *order {
	return &order{seed: seed, epoch: -1, windows: make([]int, windows)}
}

// of is the windows of batch number b of an epoch.
func (o *order) of(epoch, b, size int) []int {
	if o.epoch != epoch {
		o.epoch = epoch
		for i := range o.windows {
			o.windows[i] = i
		}
		r := rand.New(rand.NewPCG(mix(o.seed, orderStream, uint64(epoch)), 0))
		r.Shuffle(len(o.windows), func(i, j int) { o.windows[i], o.windows[j] = o.windows[j], o.windows[i] })
	}
	return o.windows[b*size : min((b+1)*size, len(o.windows))]
}

// What the seed is mixed with for each kind of draw.
const (
	orderStream uint64 = iota + 1
	forcingStream
	stepStream
)
