package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/kernel"
)

// onda is our side: a model, its optimiser, a batch, and its shards.
type onda struct {
	model     *lstmattn.Model
	optimizer *lstmattn.AdamW
	batch     lstmattn.Batch
	shards    []*shard
	steps     uint64
	done      sync.WaitGroup // shards at work
}

// A shard is the part of a batch that one thread works on.
type shard struct {
	batch   lstmattn.Batch
	grad    *lstmattn.Params
	options lstmattn.ForwardOptions
	ask     chan float64 // the probability of reading the target
	loss    float64
	err     error
}

func newOnda(s shape, threads int) (*onda, error) {
	c := s.config()
	m, err := lstmattn.New(c, 1)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(random.NormFloat64())
		}
		return v
	}
	o := &onda{model: m, optimizer: lstmattn.NewAdamW()}
	window, future := s.input*s.features, s.horizon*s.features
	o.batch = lstmattn.Batch{Size: s.batch, X: normal(s.batch * window), Target: normal(s.batch * future)}
	for k := range threads {
		lo, hi := k*s.batch/threads, (k+1)*s.batch/threads
		part := &shard{
			ask:   make(chan float64),
			batch: lstmattn.Batch{Size: hi - lo, X: o.batch.X[lo*window : hi*window], Target: o.batch.Target[lo*future : hi*future]},
			grad:  m.Params().NewGradient(),
			options: lstmattn.ForwardOptions{
				Options:     lstmattn.Options{State: &lstmattn.State{}, Pool: kernel.NewPool(1)},
				TotalWeight: o.batch.TotalWeight(),
			},
		}
		o.shards = append(o.shards, part)
		go func() {
			for forcing := range part.ask {
				o.differentiate(part, forcing)
				o.done.Done()
			}
		}()
	}
	return o, nil
}

// stop ends the shards' goroutines.
func (o *onda) stop() {
	for _, s := range o.shards {
		close(s.ask)
	}
}

// differentiate leaves a shard's gradient and loss in it.
func (o *onda) differentiate(s *shard, forcing float64) {
	s.options.TeacherForcing, s.options.Seed = forcing, o.steps
	clear(s.grad.Data)
	s.loss, s.err = o.model.GradientBatch(context.Background(), s.grad, &s.batch, lstmattn.Loss{Kind: lstmattn.MSE}, &s.options)
}

// step is one training step. It returns the loss and how long it took, in
// milliseconds.
func (o *onda) step(forced bool) (loss, ms float64, err error) {
	start := time.Now()
	o.steps++
	forcing := .5
	if forced {
		forcing = 1
	}
	o.done.Add(len(o.shards))
	for _, s := range o.shards {
		s.ask <- forcing
	}
	o.done.Wait()
	grad := o.shards[0].grad.Data
	for k, s := range o.shards {
		if s.err != nil {
			return 0, 0, s.err
		}
		loss += s.loss
		if k > 0 {
			kernel.Add(grad, grad, s.grad.Data)
		}
	}
	lstmattn.ClipGradient(grad, 1)
	if err := o.optimizer.Step(o.model.Params().Data, grad); err != nil {
		return 0, 0, err
	}
	if err := o.model.Pack(); err != nil {
		return 0, 0, err
	}
	return loss, float64(time.Since(start).Microseconds()) / 1000, nil
}
