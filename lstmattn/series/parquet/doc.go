// Package parquet reads time series from Parquet files into package series'
// frames. It is apart from series so that only those who read Parquet compile
// its library.
//
// What belongs here: Parquet's types to names, timestamps and float32. What is
// checked of rows is in series.Builder.
package parquet
