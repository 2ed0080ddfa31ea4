package train

import (
	"context"
	"sync"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/kernel"
)

// A team is the goroutines that share each step's work, one to a shard of the
// batch, and their memory. They live as long as the training.
type team struct {
	members []*member
	work    []chan func(*member)
	done    sync.WaitGroup

	// The parts of a step, made once so that a step allocates nothing.
	step                           *step
	total                          float64 // weight of the batch
	read, differentiate, add, move func(*member)
}

// A member works on one shard with one thread.
type member struct {
	number  int
	pool    *kernel.Pool
	grad    *lstmattn.Params
	state   *lstmattn.State // of gradients
	batch   lstmattn.Batch
	options lstmattn.ForwardOptions
	loss    float64
	err     error

	lo, hi    int // its share of the parameters, for reduction and the optimiser
	optimizer optimizer

	measure  *lstmattn.State // of forecasts
	forecast lstmattn.Forecast
}

func newTeam(m *lstmattn.Model, threads int) *team {
	t := &team{}
	n := m.NumParameters()
	for k := range threads {
		t.members = append(t.members, &member{
			number: k, pool: kernel.NewPool(1), grad: m.Params().NewGradient(), state: &lstmattn.State{},
			lo: k * n / threads, hi: (k + 1) * n / threads, measure: &lstmattn.State{},
		})
	}
	t.read, t.differentiate, t.add, t.move = t.readShard, t.differentiateShard, t.addShare, t.moveShare
	for _, w := range t.members[1:] {
		c := make(chan func(*member))
		t.work = append(t.work, c)
		go func() {
			for f := range c {
				f(w)
				t.done.Done()
			}
		}()
	}
	return t
}

// all calls f for every member at once and returns the first member's error.
func (t *team) all(f func(*member)) error {
	t.done.Add(len(t.work))
	for _, c := range t.work {
		c <- f
	}
	f(t.members[0])
	t.done.Wait()
	for _, w := range t.members {
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

// stop ends the goroutines.
func (t *team) stop() {
	for _, c := range t.work {
		close(c)
	}
}

// A step is what the members need to know of one step of the optimiser.
type step struct {
	ctx     context.Context
	model   *lstmattn.Model
	data    lstmattn.Dataset
	windows []int // of the batch
	loss    lstmattn.Loss
	options lstmattn.ForwardOptions
	seed    uint64 // of the step
	rate    float64

	ema   []float32 // the moving average of the parameters; nil without one
	decay float64   // of ema
	first bool      // nothing was averaged before
}

// gradient leaves the gradient of the whole batch in the first member's grad
// and returns the loss. Shards are fixed parts of the batch and are added in
// their order, so that the bits depend on nothing but their number.
func (t *team) gradient(s *step) (float64, error) {
	t.step = s
	if err := t.all(t.read); err != nil {
		return 0, err
	}
	t.total = 0
	for _, w := range t.members {
		if w.batch.Size > 0 {
			t.total += w.batch.TotalWeight()
		}
	}
	if err := t.all(t.differentiate); err != nil {
		return 0, err
	}
	loss := 0.0
	for _, w := range t.members {
		loss += w.loss
	}
	return loss, t.all(t.add)
}

// readShard reads the member's part of the batch, which may be empty.
func (t *team) readShard(w *member) {
	s, shards := t.step, len(t.members)
	lo, hi := w.number*len(s.windows)/shards, (w.number+1)*len(s.windows)/shards
	w.err, w.batch.Size = nil, 0
	if lo < hi {
		w.err = s.data.Read(s.ctx, s.windows[lo:hi], &w.batch)
	}
}

func (t *team) differentiateShard(w *member) {
	clear(w.grad.Data)
	w.loss, w.err = 0, nil
	if w.batch.Size == 0 || t.total == 0 {
		return
	}
	s := t.step
	w.options = s.options
	w.options.Pool, w.options.State, w.options.TotalWeight = w.pool, w.state, t.total
	w.options.Seed = mix(s.seed, uint64(w.number))
	w.loss, w.err = s.model.GradientBatch(s.ctx, w.grad, &w.batch, s.loss, &w.options)
}

// addShare adds the member's share of all gradients to the first's.
func (t *team) addShare(w *member) {
	sum := t.members[0].grad.Data[w.lo:w.hi]
	for _, other := range t.members[1:] {
		kernel.Add(sum, sum, other.grad.Data[w.lo:w.hi])
	}
}

// update takes the optimiser's step.
func (t *team) update() error { return t.all(t.move) }

func (t *team) moveShare(w *member) {
	s := t.step
	params := s.model.Params().Data[w.lo:w.hi]
	w.err = w.optimizer.step(s.rate, params, t.members[0].grad.Data[w.lo:w.hi])
	if s.ema != nil {
		average(s.ema[w.lo:w.hi], params, s.decay, s.first)
	}
}

// mix makes a seed of others: SplitMix64's output function over their sum with
// multiples of its increment (Steele, Lea and Flood 2014).
func mix(seeds ...uint64) uint64 {
	var z uint64
	for _, s := range seeds {
		z += s + 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return z
}
