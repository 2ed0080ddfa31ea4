package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// An intMatrix is a constant right-hand side of a product of 8-bit integers,
// without its zero point, and its shape and type.
type intMatrix struct {
	packed *kernel.PackedB
	shape  tensor.Shape
	dtype  tensor.DType
}

// packIntegers packs b minus zero, times scale; zero may be nil. It is nil
// where b is not one matrix with elements, the others don't fit it or there is
// no room.
func packIntegers(memory Allocator, b, zero *tensor.Tensor, scale []float32) *intMatrix {
	if b == nil || b.Rank() != 2 || b.Len() == 0 {
		return nil
	}
	k, n := b.Dim(0), b.Dim(1)
	if len(scale) != 1 && len(scale) != n || zero != nil && (zero.DType() != b.DType() || zero.Rank() > 1 || zero.Len() != 1 && zero.Len() != n) {
		return nil
	}
	m := &intMatrix{shape: b.Shape(), dtype: b.DType()}
	room := kernel.RoomForInt8(k, n)
	if !byteTypes.has(b.DType()) || reserveRoom(memory, room) != nil {
		return nil
	}
	defer func() { memory.Release(room.Kept + room.Passing - m.packed.Bytes()) }()
	switch b.DType() {
	case tensor.Int8:
		m.packed = kernel.PackInt8(k, n, tensor.Of[int8](b), scale, zeroBytes[int8](zero))
	case tensor.Uint8:
		m.packed = kernel.PackInt8(k, n, tensor.Of[uint8](b), scale, zeroBytes[uint8](zero))
	}
	return m
}

// product is (a - zero) x m in int32; zero, of one element or one per row, may
// be nil. acc has room for it.
func (m *intMatrix) product(c *Ctx, acc []int32, a, zero *tensor.Tensor) error {
	k, n := m.packed.Size()
	rows := a.Len() / k
	if zero != nil && zero.Len() != 1 && (a.Rank() != 2 || zero.Len() != rows) {
		return fmt.Errorf("input 2: has shape %v, expected a scalar or (%d)", zero.Shape(), rows)
	}
	if err := c.Memory.Reserve(kernel.RoomToRound(rows, k)); err != nil {
		return err
	}
	if a.DType() == tensor.Int8 {
		kernel.Int8Product(c.Pool(), rows, tensor.Of[int8](a), zeroBytes[int8](zero), m.packed, acc[:rows*n])
	} else {
		kernel.Int8Product(c.Pool(), rows, tensor.Of[uint8](a), zeroBytes[uint8](zero), m.packed, acc[:rows*n])
	}
	return nil
}

// times is (a - zero) * scale x m plus e's bias in float32; zero, of one element,
// may be nil.
func (m *intMatrix) times(c *Ctx, y []float32, a *tensor.Tensor, scale float32, zero *tensor.Tensor, e kernel.Epilogue) error {
	k, n := m.packed.Size()
	rows := a.Len() / k
	if err := c.Memory.Reserve(kernel.RoomToRound(rows, k)); err != nil {
		return err
	}
	if a.DType() == tensor.Int8 {
		kernel.GemmBytes(c.Pool(), rows, tensor.Of[int8](a), scale, zeroOf[int8](zero), m.packed, y, n, e)
	} else {
		kernel.GemmBytes(c.Pool(), rows, tensor.Of[uint8](a), scale, zeroOf[uint8](zero), m.packed, y, n, e)
	}
	return nil
}
