package metrics

// RepeatLast forecasts the last row of history for every step. history is
// (L, columns) with L of at least 1, out (steps, columns).
func RepeatLast(out, history []float32, columns int) {
	SeasonalNaive(out, history, columns, 1)
}

// SeasonalNaive forecasts for every step the last known value that lies a
// whole number of periods before it:
//
//	out[t] = history[L - period + t%period]
//
// history is (L, columns) with L of at least period, out (steps, columns).
func SeasonalNaive(out, history []float32, columns, period int) {
	season := history[len(history)-period*columns:]
	for i := range out {
		out[i] = season[i%len(season)]
	}
}
