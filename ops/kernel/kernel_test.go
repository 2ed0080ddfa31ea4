package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forEachVariant runs a test once for every variant this machine has.
func forEachVariant(t *testing.T, f func(t *testing.T)) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			defer func(was *variant) { active = was }(active)
			active = v
			f(t)
		})
	}
}

// ONDA_REQUIRE_KERNELS lists variants that must be able to run here, so that a
// build machine notices when the fast ones are silently absent.
func TestRequiredVariantsAreLive(t *testing.T) {
	var names []string
	for _, v := range variants() {
		names = append(names, v.name)
	}
	for _, want := range strings.FieldsFunc(os.Getenv("ONDA_REQUIRE_KERNELS"), func(r rune) bool { return r == ',' || r == ' ' }) {
		require.Contains(t, names, want)
	}
	require.Contains(t, names, Variant())
}

func TestVariantIsChosenByEnvironment(t *testing.T) {
	list := []*variant{{name: "generic"}, {name: "avx2"}, {name: "avx512"}}
	for _, c := range []struct{ kernels, disable, want string }{
		{"", "", "avx512"},
		{"", "1", "avx2"},
		{"", "0", "avx512"},
		{"generic", "", "generic"},
		{"avx2", "", "avx2"},
		{"avx512", "1", "avx512"},
		{"neon", "", "avx512"},
	} {
		env := map[string]string{"ONDA_KERNELS": c.kernels, "ONDA_DISABLE_AVX512": c.disable}
		require.Equal(t, c.want, choose(list, func(k string) string { return env[k] }).name, "%+v", c)
	}
}

const poison = -12345.678

// A guarded slice lies inside a poisoned block, off values from a cache line.
type guarded struct {
	block []float32
	s     []float32
	was   []float32
}

// guard returns n random values in [-1, 1) inside a guard zone.
func guard(r *rand.Rand, n, off int) *guarded {
	const zone = 64
	g := &guarded{block: aligned(zone + off + n + zone)}
	Fill(g.block, poison)
	g.s = g.block[zone+off : zone+off+n : zone+off+n]
	for i := range g.s {
		g.s[i] = 2*r.Float32() - 1
	}
	g.was = append(g.was, g.s...)
	return g
}

// checkZone fails if anything around the slice was written.
func (g *guarded) checkZone(t testing.TB) {
	t.Helper()
	at := len(g.block) - 64 - len(g.s)
	for i, v := range g.block {
		if (i < at || i >= at+len(g.s)) && v != poison {
			require.Failf(t, "guard zone overwritten", "at %d of %d values: %v", i-at, len(g.s), v)
		}
	}
}

// checkUnchanged fails if the slice or its zone was written.
func (g *guarded) checkUnchanged(t testing.TB) {
	t.Helper()
	g.checkZone(t)
	for i := range g.s {
		if math.Float32bits(g.s[i]) != math.Float32bits(g.was[i]) {
			require.Failf(t, "input overwritten", "at %d of %d values: %v was %v", i, len(g.s), g.s[i], g.was[i])
		}
	}
}

func random(r *rand.Rand, n int) []float32 { return guard(r, n, 0).s }

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// requireSameBits names the first difference; a diff of thousands of numbers
// helps nobody.
func requireSameBits(t testing.TB, want, got []float32, format string, args ...any) {
	t.Helper()
	require.Equal(t, len(want), len(got), append([]any{format}, args...)...)
	for i := range want {
		if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
			require.Failf(t, "values differ", "at %d of %d: %v, want %v: "+format, append([]any{i, len(want), got[i], want[i]}, args...)...)
		}
	}
}
