package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/tools/section"
)

func main() {
	data := flag.String("data", "", "path of ETTh1.csv (github.com/zhouhaoyi/ETDataset, folder ETT-small)")
	results := flag.String("results", "", "JSON file that keeps the results; what it has is not measured again")
	readme := flag.String("readme", "", "file that takes the tables between its marks")
	o := options{log: os.Stderr}
	names := flag.String("recipes", "", "recipes to train, separated by commas: names of the folder recipes or paths; default all, none for the naive rows alone")
	horizons := flag.String("horizons", "", "horizons to train at, separated by commas; default each recipe's")
	seeds := flag.String("seeds", "", "seeds to train from, separated by commas; default each recipe's")
	flag.BoolVar(&o.kept, "kept", false, "train nothing: the tables of the results that are kept")
	flag.IntVar(&o.threads, "threads", 0, "threads of a training; 0 for what the recipe says")
	flag.Parse()
	if *names != "" {
		o.recipes = strings.Split(*names, ",")
	}
	err := errors.Join(list(*horizons, &o.horizons), list(*seeds, &o.seeds))
	if *data == "" || flag.NArg() > 0 || err != nil {
		if err != nil {
			fmt.Fprintln(os.Stderr, "accuracy:", err)
		}
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *data, *results, *readme, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

// list reads numbers separated by commas.
func list[T int | uint64](text string, into *[]T) error {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not a list of numbers", text)
		}
		*into = append(*into, T(n))
	}
	return nil
}

func run(ctx context.Context, data, results, readme string, o options, out io.Writer) error {
	t, err := readTable(data)
	if err != nil {
		return err
	}
	s, err := openStore(results)
	if err != nil {
		return err
	}
	naive, err := naiveRows(s, t)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, markdown(naive))
	if slices.Equal(o.recipes, []string{"none"}) {
		return nil
	}
	rows, err := trainedRows(ctx, s, t, o)
	if err != nil {
		return err
	}
	text := tables(naive, rows)
	fmt.Fprint(out, text)
	if readme == "" {
		return nil
	}
	return section.Replace(readme, "accuracy", "make accuracy", []byte(text))
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
