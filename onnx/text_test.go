package onnx

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextOfAModel(t *testing.T) {
	m := valid()
	m.ProducerName, m.ModelVersion = "go", 2
	m.Metadata = []StringEntry{{Key: "unit", Value: "kW\x1b[31m"}}
	m.Graph.Initializers = append(m.Graph.Initializers,
		&Tensor{Name: "large", DataType: BFloat16, Dims: []int64{4, 5}, RawData: make([]byte, 40)},
		&Tensor{Name: "outside", DataType: Float, Dims: []int64{2}, DataLocation: LocationExternal, External: []StringEntry{{Key: "location", Value: "w.bin"}}},
		TensorString("names", []int64{2}, []string{"a", "b\n"}))
	m.Graph.Inputs[0].Name = "x y"
	m.Graph.Nodes[0].Inputs[0] = "x y"
	m.Graph.Nodes[0].Attributes = []*Attribute{
		AttrInts("axes", 1, -2), AttrInts("long", make([]int64, 20)...), AttrStrings("words", "a", "\x00"), AttrString("s", "v"),
		AttrFloats("f", 0.5, 1e30), AttrTensor("t", TensorInt64("", []int64{1}, []int64{7})),
		{Name: "type", Type: AttributeTypeProto, TypeProto: &Type{Sequence: &Type{Map: &MapType{KeyType: String,
			Value: &Type{Optional: &Type{Tensor: &TensorType{ElemType: Int8}}}}}}},
	}
	var b strings.Builder
	require.NoError(t, Text(&b, m))
	require.Equal(t, `<ir_version: 8, opset_import: ["": 17, "local": 1], producer_name: "go", model_version: 2, metadata_props "unit": "kW\x1b[31m">
main (float[n] "x y", bool[] c) => (float[n] y)
<float[2] w = {1, 2}, bfloat16[4,5] large, float[2] outside = external "w.bin", string[2] names = {"a", "b\n"}, sparse_tensor(float[2,3]) s>
{
   [a] sum = Add <axes = [1, -2], long = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... 4 more], words = ["a", "\x00"], s = "v", f = [0.5, 1e+30], t = int64[1] = {7}, type = seq(map(string, optional(int8)))> ("x y", w)
   [if] picked,  = If <then_branch = then () => (float[n] then_y)
   {
      then_y = Neg (sum)
   }, else_branch = else () => (float[n] else_y)
   {
      else_y = Neg (x)
   }> (c)
   [f] y = local.Twice <by = 2> (picked, )
}
<domain: "local", opset_import: ["ai.onnx": 17]>
Twice <by> (a, b) => (c)
{
   c = Elu <alpha = @by> (a)
}
`, b.String())
}

func TestTextReportsTheWriterError(t *testing.T) {
	full := errors.New("disk full")
	require.ErrorIs(t, Text(brokenWriter{full}, everything()), full)
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
