package kernel

import "unsafe"

func winogradInGeneric(n int, d *float32, pitch int, v *float32, apart int) {
	var rows [4][]float32
	for r := range rows {
		rows[r] = unsafe.Slice(floatAt(d, r*pitch), 2*n+2)
	}
	to := winogradPoint16(v, apart, n)
	for t := range n {
		var b [4][4]float32
		for c := range 4 {
			d0, d1, d2, d3 := rows[0][2*t+c], rows[1][2*t+c], rows[2][2*t+c], rows[3][2*t+c]
			b[0][c], b[1][c], b[2][c], b[3][c] = d0-d2, d1+d2, d2-d1, d1-d3
		}
		for i := range b {
			b0, b1, b2, b3 := b[i][0], b[i][1], b[i][2], b[i][3]
			to[4*i][t], to[4*i+1][t], to[4*i+2][t], to[4*i+3][t] = b0-b2, b1+b2, b2-b1, b1-b3
		}
	}
}

func winogradOutGeneric(n int, m *float32, apart int, y0, y1 *float32, bias, lo, hi float32) {
	from := winogradPoint16(m, apart, n)
	rows := [2][]float32{unsafe.Slice(y0, 2*n), unsafe.Slice(y1, 2*n)}
	for t := range n {
		var s [2][4]float32
		for c := range 4 {
			m0, m1, m2, m3 := from[c][t], from[4+c][t], from[8+c][t], from[12+c][t]
			s[0][c], s[1][c] = m0+m1+m2, m1-m2-m3
		}
		for r, v := range s {
			rows[r][2*t] = min(max(v[0]+v[1]+v[2]+bias, lo), hi)
			rows[r][2*t+1] = min(max(v[1]-v[2]-v[3]+bias, lo), hi)
		}
	}
}

// winogradPoint16 are the n values of each point.
func winogradPoint16(v *float32, apart, n int) (p [winogradPoints][]float32) {
	for i := range p {
		p[i] = unsafe.Slice(floatAt(v, i*apart), n)
	}
	return p
}
