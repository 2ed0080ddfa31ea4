package kernel

const (
	// stepGates is how many gate values of coming steps are prepared at once:
	// enough rows for an efficient product, few enough to stay in the cache.
	stepGates = 1 << 17
	// stepGatesFar is the same where the input's weights have spanFar values or more
	// and are read from beyond the near caches for every span: the fewer times the
	// better. A single sequence reads so much else for a step that its gates don't
	// stay near anyway. Portable kernels are too slow for either to matter, and for
	// a span of that many between two calls of Stop.
	stepGatesFar = 1 << 19
	spanFar      = 1 << 20
	// stepGatesInt8 is the same for weights that are integers, and several
	// sequences: their products are quick beside adding to gates from afar.
	stepGatesInt8 = 1 << 15
	// stopWork is how many multiplications with R are done between two calls of
	// Stop, which is called before each span as well.
	stopWork = 1 << 25
)

// spanOf is how many of T steps of B sequences are prepared at once, with the
// input's weights w. Members of a crew meet once more for each span, and may need
// a copy of what was prepared: much or little is for who is alone. What a relay
// brings is prepared as it comes.
func spanOf(w *PackedB, T, B int, alone, relayed bool) int {
	gates := stepGates
	switch {
	case !alone:
	case w.q != nil && B > 1:
		gates = stepGatesInt8
	case w.v.group > 1 && (B == 1 || w.k*w.n >= spanFar):
		gates = stepGatesFar
	}
	span := max(1, gates/(w.n*B))
	if relayed {
		span = min(span, relaySpan(T))
	}
	spans := max(1, min(ceilDiv(T, span), T/leastSpan(B)))
	return max(1, ceilDiv(T, spans))
}

// leastSpan is of how many steps of B sequences spans are at least: products of
// eight rows or more have no tiles that add in another order than those of
// larger ones, so that no bit depends on the spans, which depend on the threads.
func leastSpan(B int) int { return ceilDiv(2*thinRows, B) }

// eachStep runs the phases of a recurrence of T steps: the gates of a span of
// steps together, then step by step, each of so many multiplications.
func eachStep(c *crew, T, span, lumps, work int, reverse bool, stop func() error, from, to *Relay) error {
	every := max(1, stopWork/work)
	spans := ceilDiv(T, span) // of nearly equal length
	for i, done := 0, 0; i < spans; i++ {
		steps := T / spans
		if i < T%spans {
			steps++
		}
		if stop != nil {
			if err := stop(); err != nil {
				return err
			}
		}
		first := done
		if reverse {
			first = T - done - steps
		}
		if err := from.Wait(int64(first + steps)); err != nil {
			return err
		}
		c.do(lumps, phase{project: true, first: first, n: steps})
		for s := range steps {
			if stop != nil && s%every == every-1 {
				if err := stop(); err != nil {
					return err
				}
			}
			at := s
			if reverse {
				at = steps - 1 - s
			}
			c.do(lumps, phase{n: done + s, at: at, time: first + at})
			to.pass(int64(done + s + 1))
		}
		done += steps
	}
	return nil
}
