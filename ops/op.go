package ops

import (
	"errors"
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// Unlimited as a Version's MaxIn or MaxOut marks a variadic operator.
const Unlimited = 1 << 30

// Op is one operator: its name and the versions of its meaning.
type Op struct {
	Name     string    // ONNX's, such as "LSTM"
	Domain   string    // "" is ai.onnx
	Versions []Version // oldest first
}

// Version is an operator's meaning from opset Since until the next Version's
// Since.
type Version struct {
	Since          int                            // first opset of the domain that has this meaning
	MinIn, MaxIn   int                            // number of inputs; Unlimited for variadic ones
	MinOut, MaxOut int                            // number of outputs
	Holes          bool                           // inputs below MinIn may be left out too, such as Loop's M and cond
	New            func(a *Attrs) (Kernel, error) // binds one node; errors come through a as well
	Random         bool                           // Random*: never folded, never merged
}

// Kernel is one node, bound: attributes read, version chosen. It is immutable
// and used by many goroutines at once; what a run needs to keep lives in
// [Ctx.Local].
type Kernel interface {
	// Infer states what is known of the outputs from what is known of the
	// inputs. It may leave any fact unknown. An error means that no run with
	// these inputs can succeed.
	Infer(c *Infer) error
	// Run computes the outputs. It takes room for them from [Ctx.Out], never
	// writes to an input, and doesn't allocate when Out hands back memory laid
	// out beforehand.
	Run(c *Ctx) error
}

// InPlace is a Kernel whose output 0 may share the memory of one of its inputs
// when shapes and types agree, because each output element depends only on
// input elements at the same index.
type InPlace interface {
	// InPlace lists the inputs that output 0 may overwrite.
	InPlace() []int
}

// View is a Kernel whose output 0 has input 0's elements unchanged and in the
// same order, so that the planner may alias instead of copying: Reshape,
// Squeeze, Identity.
type View interface {
	View() bool
}

// Chained is a Kernel whose work is a chain of small pieces, or some chains side
// by side, which threads can't share well beyond one for each chain: the steps of
// a recurrence.
type Chained interface {
	// Chains is the number of chains and how many multiplications all take, for
	// inputs of which in is known; work is 0 where that isn't enough to tell.
	Chains(in []Fact) (chains, work int)
}

// Relayed is a Kernel that takes its input 0 and makes its output 0 step by step,
// and so can run beside one of its kind that makes the one, or reads the other.
// It then waits for Ctx.From, if it isn't nil, and passes on to Ctx.To.
type Relayed interface {
	Chained
	// Relays reports whether that is worth it, for inputs of which in is known.
	Relays(in []Fact) bool
}

// Prepacker is a Kernel that can trade constant inputs for a faster form of
// itself. consts has nil where an input isn't constant. The result replaces the
// kernel; drop lists the inputs it no longer reads, whose memory can go. What it
// takes, padding included, it reserves of memory before it takes it, and what it
// doesn't keep it gives back. After an error the kernel stays as it is.
type Prepacker interface {
	Prepack(consts []*tensor.Tensor, memory Allocator) (k Kernel, drop []int, err error)
}

// Heavy is a Kernel with constant weights of its own, as Prepack makes them.
type Heavy interface {
	WeightBytes() int // that a run reads
}

// Weighted is a Prepacker that can store its constant weights in fewer bits.
type Weighted interface {
	Prepacker
	// WithWeights is the kernel that packs weights as t.
	WithWeights(t kernel.WeightType) Prepacker
}

// ErrUnsupported marks a model that is right but beyond what this build can
// run: an operator, opset, domain, attribute or type it lacks.
var ErrUnsupported = errors.New("unsupported")

// Unsupportedf makes an error that matches ErrUnsupported.
func Unsupportedf(format string, args ...any) error {
	return &unsupported{fmt.Sprintf(format, args...)}
}

type unsupported struct{ text string }

func (u *unsupported) Error() string        { return u.text + ": unsupported" }
func (u *unsupported) Is(target error) bool { return target == ErrUnsupported }
