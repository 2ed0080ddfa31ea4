// Package plot draws forecasts as PNG: the history, what is forecast after it,
// intervals, what really came, and the attention weights as a heat map; and as
// text for a terminal.
//
//	f, err := model.Forecast(ctx, window, &lstmattn.Options{Attention: true})
//	chart, err := plot.New(frame, 0, 0, f, 0)   // the frame's first series and column
//	err = chart.WritePNG(file)
//	err = chart.WriteText(os.Stdout, true)
//
// What belongs here: what draws with gonum/plot and asciigraph, which no other
// package of lstmattn imports, so that only who draws has them in his build. What
// does not: forecasts (lstmattn), tables of them (lstmattn/table).
//
//	chart.go   what is drawn, and what is refused
//	draw.go    the two parts of the picture
//	text.go    the picture as text
//	axis.go    ticks
package plot
