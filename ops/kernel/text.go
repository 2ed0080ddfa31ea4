package kernel

import "strings"

// ConcatLen is the number of bytes that Concat makes.
func ConcatLen(a, b []string, bc *Broadcast) (n int) {
	at := bc.At(0)
	for range bc.Rows {
		for i := range bc.N {
			n += len(a[at.Off[0]+i*bc.Step[0]]) + len(b[at.Off[1]+i*bc.Step[1]])
		}
		bc.Next(&at)
	}
	return n
}

// Concat is dst[i] = a[i] + b[i], broadcast.
func Concat(dst, a, b []string, bc *Broadcast) {
	at := bc.At(0)
	for row := range bc.Rows {
		out := dst[row*bc.N : (row+1)*bc.N]
		for i := range out {
			out[i] = a[at.Off[0]+i*bc.Step[0]] + b[at.Off[1]+i*bc.Step[1]]
		}
		bc.Next(&at)
	}
}

// Split cuts s at each sep, from the left, at most most times if most isn't
// negative. Without a sep it cuts at runs of white space and drops those at
// the ends.
func Split(s, sep string, most int) []string {
	if sep != "" {
		if most < 0 {
			return strings.Split(s, sep)
		}
		return strings.SplitN(s, sep, most+1)
	}
	if most < 0 {
		return strings.Fields(s)
	}
	var out []string
	for {
		if s = strings.TrimLeft(s, whitespace); s == "" {
			return out
		}
		if len(out) == most {
			return append(out, s)
		}
		end := strings.IndexAny(s, whitespace)
		if end < 0 {
			return append(out, s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
}

const whitespace = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

// Grams is a set of n-grams of tokens, each with a number: a trie whose node 0
// is the root.
type Grams[T comparable] struct {
	next map[gramStep[T]]int
	gram []int // for each node the number of the n-gram that ends there, or -1
}

type gramStep[T comparable] struct {
	node  int
	token T
}

// Add gives the n-gram of the tokens a number. If it has one the new one
// replaces it.
func (g *Grams[T]) Add(tokens []T, number int) {
	if g.next == nil {
		g.next, g.gram = map[gramStep[T]]int{}, []int{-1}
	}
	node := 0
	for _, t := range tokens {
		to, ok := g.next[gramStep[T]{node, t}]
		if !ok {
			to = len(g.gram)
			g.next[gramStep[T]{node, t}] = to
			g.gram = append(g.gram, -1)
		}
		node = to
	}
	g.gram[node] = number
}

// textsEvery is how many places are looked at between two questions whether to
// go on.
const textsEvery = 1 << 14

// Count calls hit with the number of each n-gram of shortest to longest tokens
// that occurs in x with 0 to skips tokens left out between neighbours. Single
// tokens count once. halt is asked now and then; after an error the count is
// incomplete.
func (g *Grams[T]) Count(x []T, shortest, longest, skips int, halt func() error, hit func(number int)) {
	left := textsEvery
	for step := 1; step <= skips+1; step++ {
		for start := range x {
			if left--; left < 0 {
				if left = textsEvery; halt() != nil {
					return
				}
			}
			// In the last places not even the shortest has room.
			if shortest > 1 && (len(x)-1-start)/step < shortest-1 {
				break
			}
			node := 0
			for n, at := 1, start; n <= longest && at < len(x); n++ {
				to, ok := g.next[gramStep[T]{node, x[at]}]
				if !ok {
					break
				}
				if number := g.gram[to]; number >= 0 && n >= shortest {
					hit(number)
				}
				node = to
				if step > len(x)-1-at {
					break
				}
				at += step
			}
		}
		if shortest == 1 {
			if shortest++; shortest > longest {
				return
			}
		}
		if step >= len(x) {
			return // further apart nothing is left
		}
	}
}
