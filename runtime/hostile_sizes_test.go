package runtime_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// endures loads and runs a model that means harm, at both levels with 128 MiB and
// for as long as patience. There is a result or an error that is the model's fault,
// and the process stays near the limit.
func endures(t *testing.T, name string, m *onnx.Model, patience time.Duration) {
	t.Helper()
	const limit = 128 * mib
	data, err := m.Encode()
	require.NoError(t, err, name)
	for _, l := range levels {
		peak := peakOf(t)
		model, err := runtime.LoadBytes(data, runtime.WithMemoryLimit(limit), runtime.WithThreads(1), runtime.WithLevel(l.level))
		if err == nil {
			inputs := map[string]tensor.Value{}
			for _, p := range model.Inputs() {
				if v := smallInput(p); v != nil {
					inputs[p.Name] = v
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			_, err = model.RunValues(ctx, inputs)
			cancel()
		}
		require.NotErrorIs(t, err, runtime.ErrInternal, "%s, %s", name, l.name)
		require.Less(t, peak(), int64(limit+64*mib), "%s, %s", name, l.name)
	}
}

// lone is a model of one node, which reads x, if it has a shape, and constants.
type lone struct {
	op, domain string
	x          []int
	dtype      onnx.DataType // of x; float if it is none
	consts     []*tensor.Tensor
	attrs      []*onnx.Attribute
	outs       int // one if none
	opset      int64
}

func (l lone) model() *onnx.Model {
	n := &onnx.Node{OpType: l.op, Domain: l.domain, Attributes: l.attrs}
	g := &onnx.Graph{Nodes: []*onnx.Node{n}}
	if l.x != nil {
		var dims []any
		for _, d := range l.x {
			dims = append(dims, d)
		}
		if l.dtype == 0 {
			l.dtype = onnx.Float
		}
		g.Inputs, n.Inputs = []*onnx.ValueInfo{value("x", l.dtype, dims...)}, names("x")
	}
	for i, c := range l.consts {
		if c == nil {
			n.Inputs = append(n.Inputs, "")
			continue
		}
		name := fmt.Sprintf("c%d", i)
		n.Inputs, g.Initializers = append(n.Inputs, name), append(g.Initializers, initializer(name, c))
	}
	for i := range max(l.outs, 1) {
		name := fmt.Sprintf("y%d", i)
		n.Outputs, g.Outputs = append(n.Outputs, name), append(g.Outputs, &onnx.ValueInfo{Name: name})
	}
	if l.opset == 0 {
		l.opset = 20
	}
	m := modelOf(l.opset, g)
	m.OpsetImports = append(m.OpsetImports, onnx.OpsetImport{Domain: "ai.onnx.ml", Version: 3}, onnx.OpsetImport{Domain: "com.microsoft", Version: 1})
	return m
}

func vec[T tensor.Elem](v ...T) *tensor.Tensor { return tensor.Must(v, len(v)) }

func ones(shape ...int) *tensor.Tensor {
	data := make([]float32, tensor.Shape(shape).Len())
	for i := range data {
		data[i] = 1
	}
	return tensor.Must(data, shape...)
}

// sized are nodes with v where a size, a count, an axis, an index or an offset is.
func sized(v int64) map[string]lone {
	one, matrix, image := tensor.Scalar(v), []int{2, 2}, []int{1, 1, 4, 4}
	n := func(name string) *onnx.Attribute { return onnx.AttrInt(name, v) }
	both := func(name string) *onnx.Attribute { return onnx.AttrInts(name, v, v) }
	kernel := onnx.AttrInts("kernel_shape", 3, 3)
	rois, first := tensor.Must([]float32{0, 0, 1, 1}, 1, 4), vec[int64](0)
	list := map[string]lone{
		"Expand":                   {op: "Expand", x: matrix, consts: []*tensor.Tensor{vec(v, v, 2, 2)}},
		"Tile":                     {op: "Tile", x: matrix, consts: []*tensor.Tensor{vec(v, v)}},
		"ConstantOfShape":          {op: "ConstantOfShape", consts: []*tensor.Tensor{vec(v)}},
		"ConstantOfShape, nothing": {op: "ConstantOfShape", consts: []*tensor.Tensor{vec(v, 0)}},
		"Pad":                      {op: "Pad", x: matrix, consts: []*tensor.Tensor{vec(v, v, v, v)}},
		"Pad, reflect":             {op: "Pad", x: matrix, consts: []*tensor.Tensor{vec(v, 0, v, 0)}, attrs: []*onnx.Attribute{onnx.AttrString("mode", "reflect")}},
		"Pad, edge":                {op: "Pad", x: matrix, consts: []*tensor.Tensor{vec(v, 0, v, 0)}, attrs: []*onnx.Attribute{onnx.AttrString("mode", "edge")}},
		"Pad, wrap":                {op: "Pad", x: matrix, consts: []*tensor.Tensor{vec(v, 0, -v, 0)}, attrs: []*onnx.Attribute{onnx.AttrString("mode", "wrap")}},
		"Resize, sizes":            {op: "Resize", x: matrix, consts: []*tensor.Tensor{nil, nil, vec(v, v)}},
		"Resize, scales":           {op: "Resize", x: matrix, consts: []*tensor.Tensor{nil, vec(float32(v), float32(v))}},
		"Range":                    {op: "Range", consts: []*tensor.Tensor{tensor.Scalar[int64](0), one, tensor.Scalar[int64](1)}},
		"Range, back":              {op: "Range", consts: []*tensor.Tensor{one, tensor.Scalar(-v), one}},
		"OneHot":                   {op: "OneHot", x: []int{2}, dtype: onnx.Int64, consts: []*tensor.Tensor{one, vec[float32](0, 1)}},
		"EyeLike":                  {op: "EyeLike", x: matrix, attrs: []*onnx.Attribute{n("k")}},
		"Trilu":                    {op: "Trilu", x: matrix, consts: []*tensor.Tensor{one}},
		"TopK":                     {op: "TopK", x: matrix, consts: []*tensor.Tensor{vec(v)}, outs: 2},
		"Softmax":                  {op: "Softmax", x: matrix, attrs: []*onnx.Attribute{n("axis")}},
		"Flatten":                  {op: "Flatten", x: matrix, attrs: []*onnx.Attribute{n("axis")}},
		"Concat":                   {op: "Concat", x: matrix, attrs: []*onnx.Attribute{n("axis")}},
		"Split":                    {op: "Split", x: matrix, attrs: []*onnx.Attribute{n("num_outputs")}, outs: 2, opset: 18},
		"CumSum":                   {op: "CumSum", x: matrix, consts: []*tensor.Tensor{one}},
		"Unsqueeze":                {op: "Unsqueeze", x: matrix, consts: []*tensor.Tensor{vec(v)}},
		"ReduceSum":                {op: "ReduceSum", x: matrix, consts: []*tensor.Tensor{vec(v)}},
		"Gather":                   {op: "Gather", x: matrix, consts: []*tensor.Tensor{vec(v)}},
		"GatherND":                 {op: "GatherND", x: matrix, consts: []*tensor.Tensor{tensor.Must([]int64{v, 0}, 1, 2)}},
		"ScatterND":                {op: "ScatterND", x: matrix, consts: []*tensor.Tensor{tensor.Must([]int64{v, 0}, 1, 2), vec[float32](1)}},
		"Slice":                    {op: "Slice", x: matrix, consts: []*tensor.Tensor{vec(v), vec(-v), vec[int64](0), vec(v)}},
		"Reshape":                  {op: "Reshape", x: matrix, consts: []*tensor.Tensor{vec(v, v, -1)}},
		"ReverseSequence":          {op: "ReverseSequence", x: matrix, consts: []*tensor.Tensor{vec(v, v)}},
		"CenterCropPad":            {op: "CenterCropPad", x: matrix, consts: []*tensor.Tensor{vec(v, v)}},
		"TensorScatter":            {op: "TensorScatter", x: matrix, consts: []*tensor.Tensor{ones(2, 1), vec(v, v)}, attrs: []*onnx.Attribute{onnx.AttrInt("axis", 1)}, opset: 24},
		"DFT, length":              {op: "DFT", x: []int{2, 2, 1}, consts: []*tensor.Tensor{one, tensor.Scalar[int64](1)}},
		"DFT, axis":                {op: "DFT", x: []int{2, 2, 1}, consts: []*tensor.Tensor{tensor.Scalar[int64](4), one}},
		"STFT":                     {op: "STFT", x: []int{1, 8, 1}, consts: []*tensor.Tensor{one, vec[float32](1, 1), one}},
		"STFT, frames":             {op: "STFT", x: []int{1, 8, 1}, consts: []*tensor.Tensor{tensor.Scalar[int64](1), nil, one}},
		"MelWeightMatrix":          {op: "MelWeightMatrix", consts: []*tensor.Tensor{one, one, tensor.Scalar[int64](16000), tensor.Scalar[float32](0), tensor.Scalar[float32](8000)}},
		"MelWeightMatrix, rate":    {op: "MelWeightMatrix", consts: []*tensor.Tensor{tensor.Scalar[int64](4), tensor.Scalar[int64](16), one, tensor.Scalar[float32](0), tensor.Scalar[float32](1)}},
		"HannWindow":               {op: "HannWindow", consts: []*tensor.Tensor{one}},
		"RandomNormal":             {op: "RandomNormal", attrs: []*onnx.Attribute{both("shape")}},
		"Multinomial":              {op: "Multinomial", x: matrix, attrs: []*onnx.Attribute{n("sample_size")}},
		"Col2Im, image":            {op: "Col2Im", x: []int{1, 4, 4}, consts: []*tensor.Tensor{vec(v, v), vec[int64](1, 1)}},
		"Col2Im, block":            {op: "Col2Im", x: []int{1, 4, 4}, consts: []*tensor.Tensor{vec[int64](2, 2), vec(v, v)}},
		"DepthToSpace":             {op: "DepthToSpace", x: []int{1, 4, 4, 4}, attrs: []*onnx.Attribute{n("blocksize")}},
		"SpaceToDepth":             {op: "SpaceToDepth", x: []int{1, 4, 4, 4}, attrs: []*onnx.Attribute{n("blocksize")}},
		"LRN":                      {op: "LRN", x: []int{1, 4, 4, 4}, attrs: []*onnx.Attribute{n("size")}},
		"GroupNormalization":       {op: "GroupNormalization", x: []int{1, 4, 4, 4}, consts: []*tensor.Tensor{ones(4), ones(4)}, attrs: []*onnx.Attribute{n("num_groups")}, opset: 21},
		"MaxRoiPool":               {op: "MaxRoiPool", x: image, consts: []*tensor.Tensor{tensor.Must([]float32{0, 0, 0, 1, 1}, 1, 5)}, attrs: []*onnx.Attribute{both("pooled_shape")}},
		"RoiAlign, samples": {op: "RoiAlign", x: image, consts: []*tensor.Tensor{tensor.Must([]float32{0, 0, 1e30, 1e30}, 1, 4), first},
			attrs: []*onnx.Attribute{n("sampling_ratio"), onnx.AttrInt("output_height", 3), onnx.AttrInt("output_width", 3)}},
		"RoiAlign, size":  {op: "RoiAlign", x: image, consts: []*tensor.Tensor{rois, first}, attrs: []*onnx.Attribute{n("output_height"), n("output_width")}},
		"RoiAlign, batch": {op: "RoiAlign", x: image, consts: []*tensor.Tensor{rois, vec(v)}},
		"Conv, strides and dilations": {op: "Conv", x: image, consts: []*tensor.Tensor{ones(1, 1, 3, 3)},
			attrs: []*onnx.Attribute{both("strides"), onnx.AttrInts("pads", v, v, v, v), both("dilations")}},
		"Conv, group":                   {op: "Conv", x: image, consts: []*tensor.Tensor{ones(1, 1, 3, 3)}, attrs: []*onnx.Attribute{n("group")}},
		"ConvTranspose, output_shape":   {op: "ConvTranspose", x: image, consts: []*tensor.Tensor{ones(1, 1, 3, 3)}, attrs: []*onnx.Attribute{both("output_shape")}},
		"ConvTranspose, output_padding": {op: "ConvTranspose", x: image, consts: []*tensor.Tensor{ones(1, 1, 3, 3)}, attrs: []*onnx.Attribute{both("strides"), onnx.AttrInts("output_padding", 1, 1)}},
		"AffineGrid":                    {op: "AffineGrid", x: []int{1, 2, 3}, consts: []*tensor.Tensor{vec[int64](1, 1, v, v)}},
		"Upsample":                      {op: "Upsample", x: image, consts: []*tensor.Tensor{vec(1, 1, float32(v), float32(v))}, opset: 9},
		"DequantizeLinear":              {op: "DequantizeLinear", x: matrix, dtype: onnx.Int8, consts: []*tensor.Tensor{ones(2, 2)}, attrs: []*onnx.Attribute{n("axis"), n("block_size")}, opset: 21},
		"SoftmaxCrossEntropyLoss":       {op: "SoftmaxCrossEntropyLoss", x: []int{1, 5}, consts: []*tensor.Tensor{vec(v)}},
		"MatMulNBits": {op: "MatMulNBits", domain: "com.microsoft", x: []int{1, 1}, consts: []*tensor.Tensor{tensor.Must(make([]uint8, 8), 1, 1, 8), ones(1)},
			attrs: []*onnx.Attribute{n("K"), n("N"), onnx.AttrInt("bits", 4), onnx.AttrInt("block_size", 16)}},
		"RotaryEmbedding, com.microsoft": {op: "RotaryEmbedding", domain: "com.microsoft", x: []int{1, 2, 2}, consts: []*tensor.Tensor{tensor.Must([]int64{v, v}, 1, 2), ones(2, 1), ones(2, 1)}, attrs: []*onnx.Attribute{onnx.AttrInt("num_heads", 1)}},
		"RotaryEmbedding":                {op: "RotaryEmbedding", x: []int{1, 2, 2}, consts: []*tensor.Tensor{ones(2, 1), ones(2, 1), tensor.Must([]int64{v, v}, 1, 2)}, attrs: []*onnx.Attribute{onnx.AttrInt("num_heads", 1), n("rotary_embedding_dim")}, opset: 23},
		"ArrayFeatureExtractor":          {op: "ArrayFeatureExtractor", domain: "ai.onnx.ml", x: matrix, consts: []*tensor.Tensor{vec(v)}},
		"FeatureVectorizer":              {op: "FeatureVectorizer", domain: "ai.onnx.ml", x: matrix, attrs: []*onnx.Attribute{onnx.AttrInts("inputdimensions", v)}},
		"LinearRegressor":                {op: "LinearRegressor", domain: "ai.onnx.ml", x: matrix, attrs: []*onnx.Attribute{onnx.AttrFloats("coefficients", 1, 1), n("targets")}},
		"SVMRegressor": {op: "SVMRegressor", domain: "ai.onnx.ml", x: matrix, attrs: []*onnx.Attribute{onnx.AttrString("kernel_type", "RBF"), onnx.AttrFloats("kernel_params", 1, 0, 3), n("n_supports"),
			onnx.AttrFloats("coefficients", 1), onnx.AttrFloats("support_vectors", 1, 1), onnx.AttrFloats("rho", 0)}},
		"TfIdfVectorizer": {op: "TfIdfVectorizer", x: []int{4}, dtype: onnx.Int64, attrs: []*onnx.Attribute{onnx.AttrString("mode", "TF"), onnx.AttrInt("min_gram_length", 1), onnx.AttrInt("max_gram_length", 2),
			onnx.AttrInt("max_skip_count", 1), onnx.AttrInts("ngram_counts", 0, 1), onnx.AttrInts("ngram_indexes", v, v), onnx.AttrInts("pool_int64s", 0, 0, 0)}},
		"Scan, a count of inputs": {op: "Scan", x: matrix, attrs: []*onnx.Attribute{n("num_scan_inputs"), onnx.AttrGraph("body", &onnx.Graph{Name: "b", Inputs: []*onnx.ValueInfo{floats("r", 2)}, Outputs: []*onnx.ValueInfo{floats("r", 2)}})}},
		"LSTM":                    {op: "LSTM", x: []int{2, 1, 2}, consts: []*tensor.Tensor{ones(1, 4, 2), ones(1, 4, 1)}, attrs: []*onnx.Attribute{n("hidden_size")}},
		"TreeEnsembleRegressor": {op: "TreeEnsembleRegressor", domain: "ai.onnx.ml", x: matrix, attrs: []*onnx.Attribute{n("n_targets"), onnx.AttrInts("nodes_featureids", v, 0, 0), onnx.AttrStrings("nodes_modes", "BRANCH_LEQ", "LEAF", "LEAF"),
			onnx.AttrInts("nodes_nodeids", 0, 1, 2), onnx.AttrInts("nodes_treeids", 0, 0, 0), onnx.AttrInts("nodes_truenodeids", v, 0, 0), onnx.AttrInts("nodes_falsenodeids", 2, 0, 0), onnx.AttrFloats("nodes_values", .5, 0, 0),
			onnx.AttrInts("target_ids", 0, 0), onnx.AttrInts("target_nodeids", 1, 2), onnx.AttrInts("target_treeids", 0, 0), onnx.AttrFloats("target_weights", 1, 2)}},
	}
	for _, pool := range names("MaxPool", "AveragePool", "LpPool") {
		list[pool+", kernel"] = lone{op: pool, x: image, attrs: []*onnx.Attribute{both("kernel_shape"), onnx.AttrInts("pads", v, v, v, v)}}
		list[pool+", dilations"] = lone{op: pool, x: image, attrs: []*onnx.Attribute{kernel, both("dilations"), onnx.AttrInts("pads", v, v, v, v)}}
		list[pool+", strides"] = lone{op: pool, x: image, attrs: []*onnx.Attribute{kernel, both("strides"), onnx.AttrString("auto_pad", "SAME_UPPER")}}
	}
	return list
}

// A size that a file states may be anything. With small ones each node of the list
// does its work, so that it is the number that another is refused for.
func TestHostileNumbers(t *testing.T) {
	works := map[string]bool{}
	for _, v := range []int64{1, 2, -1, 0} {
		for name, l := range sized(v) {
			m, err := runtime.Compile(l.model())
			if err == nil {
				inputs := map[string]tensor.Value{}
				for _, p := range m.Inputs() {
					inputs[p.Name] = smallInput(p)
				}
				_, err = m.RunValues(context.Background(), inputs)
			}
			works[name] = works[name] || err == nil
		}
	}
	for name, ok := range works {
		require.True(t, ok, name)
	}
	for _, v := range []int64{0, -1, 1 << 28, 1 << 31, -1 << 40, 1 << 62, math.MaxInt64, math.MinInt64} {
		list := sized(v)
		require.Greater(t, len(list), 70)
		for _, name := range slices.Sorted(maps.Keys(list)) {
			endures(t, fmt.Sprintf("%s of %d", name, v), list[name].model(), time.Second)
		}
	}
}

// And real numbers may be none, or have no end.
func TestHostileReals(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, v := range [][3]float32{{0, 1, 1e-38}, {0, 1, nan}, {nan, 1, 1}, {0, inf, 1}, {0, 1, 0}, {-inf, inf, inf}, {0, -1e30, -1e-30}, {1e30, 1e30, 1}} {
		a, b, c := v[0], v[1], v[2]
		crop := []*onnx.Attribute{onnx.AttrString("coordinate_transformation_mode", "tf_crop_and_resize"), onnx.AttrString("mode", "cubic")}
		for name, l := range map[string]lone{
			"Range":             {op: "Range", consts: []*tensor.Tensor{tensor.Scalar(a), tensor.Scalar(b), tensor.Scalar(c)}},
			"Resize":            {op: "Resize", x: []int{2, 2}, consts: []*tensor.Tensor{nil, vec(a, c)}},
			"Resize of a part":  {op: "Resize", x: []int{2, 2}, consts: []*tensor.Tensor{vec(a, 0, b, c), nil, vec[int64](3, 3)}, attrs: crop},
			"GridSample":        {op: "GridSample", x: []int{1, 1, 4, 4}, consts: []*tensor.Tensor{tensor.Must([]float32{a, b, c, a}, 1, 1, 2, 2)}, attrs: []*onnx.Attribute{onnx.AttrString("padding_mode", "reflection")}},
			"NonMaxSuppression": {op: "NonMaxSuppression", x: []int{1, 2, 4}, consts: []*tensor.Tensor{tensor.Must([]float32{a, b}, 1, 1, 2), vec[int64](1 << 62), vec(c), vec(a)}},
			"RoiAlign":          {op: "RoiAlign", x: []int{1, 1, 4, 4}, consts: []*tensor.Tensor{tensor.Must([]float32{a, b, c, 1e9}, 1, 4), vec[int64](0)}},
			"MaxRoiPool":        {op: "MaxRoiPool", x: []int{1, 1, 4, 4}, consts: []*tensor.Tensor{tensor.Must([]float32{0, a, b, c, b}, 1, 5)}, attrs: []*onnx.Attribute{onnx.AttrInts("pooled_shape", 2, 2)}},
			"QuantizeLinear":    {op: "QuantizeLinear", x: []int{1, 2}, consts: []*tensor.Tensor{tensor.Scalar(a)}},
			"MelWeightMatrix":   {op: "MelWeightMatrix", consts: []*tensor.Tensor{tensor.Scalar[int64](4), tensor.Scalar[int64](16), tensor.Scalar[int64](16000), tensor.Scalar(a), tensor.Scalar(b)}},
		} {
			endures(t, fmt.Sprintf("%s of %v", name, v), l.model(), time.Second)
		}
	}
}
