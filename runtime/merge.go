package runtime

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// merged makes readers of n read an earlier node that computes the same from
// the same values.
func (w *work) merged(n *node) bool {
	if n.version.Random || len(n.bodies) > 0 {
		return false
	}
	if n.signature == "" {
		n.signature = signature(n)
	}
	if n.signature == unlike {
		return false
	}
	key := make([]byte, 0, len(n.signature)+4*len(n.in)+8)
	key = append(key, n.signature...)
	key = binary.AppendVarint(key, int64(n.packed))
	for _, s := range n.in {
		key = binary.AppendVarint(key, int64(s))
	}
	first := w.seen[string(key)]
	if first == nil {
		w.seen[string(key)] = n
		return false
	}
	for i, s := range n.out {
		w.replace(s, first.out[i])
	}
	return true
}

// unlike is the signature of a node that is never merged.
const unlike = "-"

// signature describes what n computes apart from its inputs: operator, version,
// attributes, which outputs it names.
func signature(n *node) string {
	var b strings.Builder
	p := n.proto
	fmt.Fprintf(&b, "%s\x00%s\x00%d\x00%d", domainOf(p.Domain), p.OpType, n.version.Since, len(n.in))
	for _, s := range n.out {
		b.WriteByte(map[bool]byte{true: '1', false: '0'}[s >= 0])
	}
	attrs := slices.Clone(p.Attributes)
	slices.SortStableFunc(attrs, func(a, b *onnx.Attribute) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range attrs {
		fmt.Fprintf(&b, "\x00%s\x00%d\x00", a.Name, a.Type)
		switch a.Type {
		case onnx.AttributeFloat:
			fmt.Fprint(&b, math.Float32bits(a.F))
		case onnx.AttributeInt:
			fmt.Fprint(&b, a.I)
		case onnx.AttributeString:
			fmt.Fprintf(&b, "%d:%s", len(a.S), a.S)
		case onnx.AttributeFloats:
			for _, f := range a.Floats {
				fmt.Fprint(&b, math.Float32bits(f), " ")
			}
		case onnx.AttributeInts:
			fmt.Fprint(&b, a.Ints)
		case onnx.AttributeStrings:
			for _, s := range a.Strings {
				fmt.Fprintf(&b, "%d:%s", len(s), s)
			}
		default:
			return unlike
		}
	}
	return b.String()
}

// shareConstants gives equal constants one slot, so that what reads them can be
// merged.
func (w *work) shareConstants() {
	type kind struct{ text, start string }
	groups := map[kind][]int{}
	for _, k := range w.g.consts {
		if f := w.facts[k.slot]; f.Value != nil && len(f.Value.Bytes()) > 0 {
			raw := f.Value.Bytes()
			key := kind{f.Value.String(), string(raw[:min(len(raw), 64)])}
			groups[key] = append(groups[key], k.slot)
		}
	}
	seed := maphash.MakeSeed()
	for _, slots := range groups {
		if len(slots) < 2 {
			continue
		}
		byHash := map[uint64]int{}
		for _, s := range slots {
			raw := w.facts[s].Value.Bytes()
			h := maphash.Bytes(seed, raw)
			first, seen := byHash[h]
			if !seen {
				byHash[h] = s
			} else if string(w.facts[first].Value.Bytes()) == string(raw) {
				w.replace(s, first)
			}
		}
	}
}

// shareSmall makes readers of n's outputs, which are constants, read an equal
// constant that was made before. Exporters compute the same sizes and indices
// again wherever they need them; what is cut by them can be merged then.
func (w *work) shareSmall(n *node) {
	const most = 256 // bytes
	for _, s := range n.out {
		if s < 0 {
			continue
		}
		v := w.facts[s].Value
		if v == nil || v.DType() == tensor.String || v.Len()*sizeOf(v.DType()) > most {
			continue
		}
		key := fmt.Sprint(v.DType(), v.Shape()) + string(v.Bytes())
		if first, seen := w.small[key]; !seen {
			w.small[key] = s
		} else if w.find(s) == s {
			w.replace(s, first)
		}
	}
}

// alike reports whether two facts are of the same type and known shape.
func alike(a, b ops.Fact) bool {
	return a.Known() && b.Known() && a.DType == b.DType && slices.Equal(a.Shape, b.Shape)
}
