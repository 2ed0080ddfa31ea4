package kernel

import "math"

// DotF64 is
//
//	for i := range a { sum += a[i] * b[i] }
func DotF64(a, b []float64) (sum float64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// DotsF64 is dst[i] = [DotF64](vectors[i], x) for vectors (len(dst), len(x)): four at a
// time, whose sums don't wait for each other.
func DotsF64(dst, vectors, x []float64) {
	n := len(x)
	i := 0
	for ; i+4 <= len(dst); i += 4 {
		a, b, c, d := vectors[i*n:][:n], vectors[(i+1)*n:][:n], vectors[(i+2)*n:][:n], vectors[(i+3)*n:][:n]
		var sa, sb, sc, sd float64
		for j, v := range x {
			sa += a[j] * v
			sb += b[j] * v
			sc += c[j] * v
			sd += d[j] * v
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = sa, sb, sc, sd
	}
	for ; i < len(dst); i++ {
		dst[i] = DotF64(vectors[i*n:(i+1)*n], x)
	}
}

// squaresF64 is dst[i] = |vectors[i]-x|^2, as DotsF64.
func squaresF64(dst, vectors, x []float64) {
	n := len(x)
	i := 0
	for ; i+4 <= len(dst); i += 4 {
		a, b, c, d := vectors[i*n:][:n], vectors[(i+1)*n:][:n], vectors[(i+2)*n:][:n], vectors[(i+3)*n:][:n]
		var sa, sb, sc, sd float64
		for j, v := range x {
			da, db, dc, dd := v-a[j], v-b[j], v-c[j], v-d[j]
			sa += da * da
			sb += db * db
			sc += dc * dc
			sd += dd * dd
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = sa, sb, sc, sd
	}
	for ; i < len(dst); i++ {
		sum := 0.0
		for j, v := range vectors[i*n : (i+1)*n] {
			d := x[j] - v
			sum += d * d
		}
		dst[i] = sum
	}
}

// How an SVMKernel compares two vectors.
const (
	SVMLinear  = iota // a.b
	SVMPoly           // (gamma * a.b + coef0) ** degree
	SVMRBF            // exp(-gamma * |a-b|^2)
	SVMSigmoid        // tanh(gamma * a.b + coef0)
)

// SVMKernel is a kernel function of support vector machines.
type SVMKernel struct {
	Kind                 int
	Gamma, Coef0, Degree float64
}

// Compare is dst[i] = k(x, vectors[i]) for vectors (len(dst), len(x)).
func (k *SVMKernel) Compare(dst, x, vectors []float64) {
	if k.Kind == SVMRBF {
		squaresF64(dst, vectors, x)
	} else {
		DotsF64(dst, vectors, x)
	}
	switch k.Kind {
	case SVMPoly:
		for i, v := range dst {
			dst[i] = math.Pow(k.Gamma*v+k.Coef0, k.Degree)
		}
	case SVMRBF:
		for i, v := range dst {
			dst[i] = math.Exp(-k.Gamma * v)
		}
	case SVMSigmoid:
		for i, v := range dst {
			dst[i] = math.Tanh(k.Gamma*v + k.Coef0)
		}
	}
}

// SVMVotes decides between every two classes i < j, in libsvm's layout: the
// vectors of class i are [starts[i], starts[i+1]), and coefficients
// (classes-1, vectors) has those of i against j in row j-1 and those of j
// against i in row i. pair gets the scores, positive for i; votes the number
// of decisions for each class.
func SVMVotes(votes, pair, similar, coefficients, rho []float64, starts []int) {
	clear(votes)
	vectors, at := len(similar), 0
	for i := range votes {
		for j := i + 1; j < len(votes); j++ {
			iLo, iHi, jLo, jHi := starts[i], starts[i+1], starts[j], starts[j+1]
			s := rho[at] +
				DotF64(coefficients[(j-1)*vectors+iLo:(j-1)*vectors+iHi], similar[iLo:iHi]) +
				DotF64(coefficients[i*vectors+jLo:i*vectors+jHi], similar[jLo:jHi])
			pair[at] = s
			if s > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			at++
		}
	}
}

// SVMProbabilitiesRoom is the working memory of [SVMProbabilities], in values.
func SVMProbabilitiesRoom(classes int) int { return (2*classes + 1) * classes }

// SVMProbabilities turns the scores of pairs of classes into probabilities of
// the classes: Platt's sigmoid for each pair, then the coupling of Wu, Lin and
// Weng (2004), method 2, as libsvm iterates it. work has room for
// [SVMProbabilitiesRoom] values.
func SVMProbabilities(p, pair, a, b, work []float64) {
	k := len(p)
	r, q, qp := work[:k*k], work[k*k:2*k*k], work[2*k*k:][:k]
	clear(q)
	at := 0
	for i := range k {
		for j := i + 1; j < k; j++ {
			v := min(max(Sigmoid1(-(pair[at]*a[at]+b[at])), 1e-7), 1-1e-7)
			r[i*k+j], r[j*k+i] = v, 1-v
			at++
		}
	}
	for t := range k {
		p[t] = 1 / float64(k)
		for j := range k {
			if j != t {
				q[t*k+t] += r[j*k+t] * r[j*k+t]
				q[t*k+j] = -r[j*k+t] * r[t*k+j]
			}
		}
	}
	for range max(100, k) {
		total, worst := 0.0, 0.0
		for t := range k {
			qp[t] = DotF64(q[t*k:(t+1)*k], p)
			total += p[t] * qp[t]
		}
		for t := range k {
			worst = max(worst, math.Abs(qp[t]-total))
		}
		if worst < 0.005/float64(k) {
			break
		}
		for t := range k {
			d := (total - qp[t]) / q[t*k+t]
			p[t] += d
			total = (total + d*(d*q[t*k+t]+2*qp[t])) / (1 + d) / (1 + d)
			for j := range k {
				qp[j] = (qp[j] + d*q[t*k+j]) / (1 + d)
				p[j] /= 1 + d
			}
		}
	}
}
