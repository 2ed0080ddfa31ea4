package lstmattn

// MeanAttention is the attention of a window, (horizon, input_size), averaged over
// heads: each row adds up to 1. It is nil where the forecast has no attention.
func (f *Forecast) MeanAttention(window int) [][]float64 {
	if len(f.Attention) == 0 {
		return nil
	}
	out := make([][]float64, f.Horizon)
	for t := range out {
		out[t] = make([]float64, f.InputSize)
		for h := range f.Heads {
			row := piece(f.Attention, (window*f.Heads+h)*f.Horizon+t, f.InputSize)
			for k, w := range row {
				out[t][k] += float64(w) / float64(f.Heads)
			}
		}
	}
	return out
}
