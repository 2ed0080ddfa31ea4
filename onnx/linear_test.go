package onnx

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 64 times the file takes about 64 times as long, whatever is repeated in it. A quadratic step would take 4096 times as
// long; the bound in between leaves room for a busy machine and its garbage collector.
func TestDecodeAndCheckAreLinear(t *testing.T) {
	graph := func(b pb) pb { return pb{}.bytes(7, b...) }
	node := pb{}.text(1, "x").text(2, "x").text(4, "Op")
	for name, piece := range map[string]pb{
		"graphs in pieces":      graph(pb{}.bytes(1, node...)),
		"unknown fields":        pb{}.int(31, 1),
		"unknown in one graph":  graph(pb{}.int(31, 1)),
		"types replacing types": graph(pb{}.bytes(11, pb{}.bytes(2, pb{}.bytes(1).bytes(4).bytes(1).bytes(9)...)...)),
		"metadata":              pb{}.bytes(14, pb{}.text(1, "key").text(2, "value")...),
		"opset imports":         pb{}.bytes(8, pb{}.int(2, 17)...),
		"functions":             pb{}.bytes(25, pb{}.text(1, "f").bytes(7, node...)...),
		"names":                 pb{}.text(2, "producer"),
		"nodes with attributes": graph(pb{}.bytes(1, pb{}.text(4, "Op").bytes(5, pb{}.text(1, "a").int(8, 1).int(20, 7)...)...)),
		"initializers":          graph(pb{}.bytes(5, pb{}.int(1, 2).int(2, 1).bytes(9, 1, 2, 3, 4, 5, 6, 7, 8)...)),
		"lists in pieces":       graph(pb{}.bytes(5, pb{}.bytes(7, 1, 2).bytes(5, 1).int(5, 3)...)),
	} {
		t.Run(name, func(t *testing.T) {
			short, long := bytes.Repeat(piece, 400), bytes.Repeat(piece, 64*400)
			limit := 800 * max(quickest(t, short, 4, 0), 20*time.Microsecond)
			require.Less(t, quickest(t, long, 30, limit), limit)
		})
	}
}

// quickest is the least time of so many tries, or the first below enough.
func quickest(t *testing.T, file []byte, tries int, enough time.Duration) time.Duration {
	best := time.Hour
	for range tries {
		start := time.Now()
		m, err := Decode(file)
		require.NoError(t, err)
		_ = Check(m)
		if best = min(best, time.Since(start)); best < enough {
			break
		}
	}
	return best
}
