package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	data := flag.String("data", "", "path of ETTh1.csv (github.com/zhouhaoyi/ETDataset, folder ETT-small)")
	results := flag.String("results", "", "JSON file that keeps the results; what it has is not measured again")
	readme := flag.String("readme", "", "file that takes the table between its marks")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*data, *results, *readme, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

func run(data, results, readme string, out io.Writer) error {
	t, err := readTable(data)
	if err != nil {
		return err
	}
	s, err := openStore(results)
	if err != nil {
		return err
	}
	rows, err := naiveRows(s, t)
	if err != nil {
		return err
	}
	text := markdown(rows)
	fmt.Fprint(out, text)
	if readme == "" {
		return nil
	}
	return intoReadme(readme, text)
}

// naiveRows measures the forecasts that need no training.
func naiveRows(s *store, t *table) (rows []result, err error) {
	for _, n := range []struct {
		name   string
		period int
	}{{"repeat last value", 1}, {"seasonal naive, period 24", 24}} {
		for _, h := range []int{24, 48, 96, 168, 192, 336, 720} {
			r, err := s.measure(result{Name: n.name, Horizon: h}, func(r *result) (err error) {
				r.Test, err = t.naive(h, n.period)
				return err
			})
			if err != nil {
				return nil, err
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}
