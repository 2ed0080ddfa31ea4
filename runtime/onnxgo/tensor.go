package onnxgo

import (
	"fmt"
	"reflect"

	gorgonia "gorgonia.org/tensor"

	"github.com/onda-ml/onda/ops/tensor"
)

// fromGorgonia shares g's memory where it is contiguous and row-major.
func fromGorgonia(g gorgonia.Tensor) (*tensor.Tensor, error) {
	if g == nil {
		return nil, fmt.Errorf("has no value")
	}
	if d, ok := g.(*gorgonia.Dense); ok && (d.RequiresIterator() || !d.DataOrder().IsRowMajor()) {
		g = gorgonia.New(gorgonia.Of(d.Dtype()), gorgonia.WithShape(d.Shape()...))
		if err := gorgonia.Copy(g, d); err != nil {
			return nil, err
		}
	}
	shape := []int(g.Shape())
	switch data := g.Data().(type) {
	case []float32:
		return tensor.New(data, shape...)
	case []float64:
		return tensor.New(data, shape...)
	case []int8:
		return tensor.New(data, shape...)
	case []int16:
		return tensor.New(data, shape...)
	case []int32:
		return tensor.New(data, shape...)
	case []int64:
		return tensor.New(data, shape...)
	case []uint8:
		return tensor.New(data, shape...)
	case []uint16:
		return tensor.New(data, shape...)
	case []uint32:
		return tensor.New(data, shape...)
	case []uint64:
		return tensor.New(data, shape...)
	case []bool:
		return tensor.New(data, shape...)
	case []string:
		return tensor.New(data, shape...)
	case float32:
		return tensor.New([]float32{data}, shape...)
	case float64:
		return tensor.New([]float64{data}, shape...)
	case int32:
		return tensor.New([]int32{data}, shape...)
	case int64:
		return tensor.New([]int64{data}, shape...)
	case uint8:
		return tensor.New([]uint8{data}, shape...)
	case bool:
		return tensor.New([]bool{data}, shape...)
	case string:
		return tensor.New([]string{data}, shape...)
	}
	return nil, fmt.Errorf("elements of type %s", reflect.TypeOf(g.Data()))
}

// toGorgonia shares t's memory.
func toGorgonia(t *tensor.Tensor) (gorgonia.Tensor, error) {
	switch t.DType() {
	case tensor.Float32:
		return dense(tensor.Of[float32](t), t.Shape()), nil
	case tensor.Float64:
		return dense(tensor.Of[float64](t), t.Shape()), nil
	case tensor.Int8:
		return dense(tensor.Of[int8](t), t.Shape()), nil
	case tensor.Int16:
		return dense(tensor.Of[int16](t), t.Shape()), nil
	case tensor.Int32:
		return dense(tensor.Of[int32](t), t.Shape()), nil
	case tensor.Int64:
		return dense(tensor.Of[int64](t), t.Shape()), nil
	case tensor.Uint8:
		return dense(tensor.Of[uint8](t), t.Shape()), nil
	case tensor.Uint16:
		return dense(tensor.Of[uint16](t), t.Shape()), nil
	case tensor.Uint32:
		return dense(tensor.Of[uint32](t), t.Shape()), nil
	case tensor.Uint64:
		return dense(tensor.Of[uint64](t), t.Shape()), nil
	case tensor.Bool:
		return dense(tensor.Of[bool](t), t.Shape()), nil
	case tensor.String:
		return dense(tensor.Of[string](t), t.Shape()), nil
	}
	return nil, fmt.Errorf("elements of type %v, which Gorgonia lacks", t.DType())
}

func dense[T any](data []T, shape tensor.Shape) gorgonia.Tensor {
	if len(shape) == 0 {
		return gorgonia.New(gorgonia.FromScalar(data[0]))
	}
	return gorgonia.New(gorgonia.WithShape(shape...), gorgonia.WithBacking(data))
}

// convert makes integers of whole floats where the file declares integers.
func convert(t *tensor.Tensor, want gorgonia.Dtype) (*tensor.Tensor, error) {
	if want != gorgonia.Int64 && want != gorgonia.Int32 || !t.DType().IsFloat() {
		return t, nil
	}
	whole := make([]int64, t.Len())
	for i, v := range tensor.Float64s(t) {
		whole[i] = int64(v)
		if float64(whole[i]) != v {
			return nil, fmt.Errorf("element %d is %v, the file declares %v", i, v, want)
		}
	}
	if want == gorgonia.Int64 {
		return tensor.New(whole, t.Shape()...)
	}
	narrow := make([]int32, len(whole))
	for i, v := range whole {
		narrow[i] = int32(v)
	}
	return tensor.New(narrow, t.Shape()...)
}
