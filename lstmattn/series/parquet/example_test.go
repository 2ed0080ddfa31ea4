package parquet_test

import (
	"fmt"
	"log"

	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/series/parquet"
)

// A long Parquet file is read as a CSV with the same columns would be.
func ExampleReadFile() {
	frame, err := parquet.ReadFile("testdata/long.parquet", series.Options{Columns: []string{"y"}, Future: []string{"holiday"}, Missing: series.Forward})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range frame.Series {
		fmt.Println(s, "of", s.Len(), "rows from", s.Times.Format(0))
	}
	// Output:
	// series "a" of 4 rows from 2024-01-31 22:00:00
	// series "b" of 4 rows from 2024-01-31 22:00:00
}
