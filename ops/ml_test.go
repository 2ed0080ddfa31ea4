package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

const ml = "ai.onnx.ml"

// stump are the attributes of two trees of one node each: x0 <= 0.5 and, with
// NaN going left, x1 > 2.
func stump(prefix string, ids []int64, weights []float32, more ...*onnx.Attribute) []*onnx.Attribute {
	return append([]*onnx.Attribute{
		onnx.AttrInts("nodes_treeids", 0, 0, 0, 1, 1, 1), onnx.AttrInts("nodes_nodeids", 0, 1, 2, 0, 1, 2),
		onnx.AttrInts("nodes_featureids", 0, 0, 0, 1, 0, 0), onnx.AttrFloats("nodes_values", 0.5, 0, 0, 2, 0, 0),
		onnx.AttrStrings("nodes_modes", "BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_GT", "LEAF", "LEAF"),
		onnx.AttrInts("nodes_truenodeids", 1, 0, 0, 1, 0, 0), onnx.AttrInts("nodes_falsenodeids", 2, 0, 0, 2, 0, 0),
		onnx.AttrInts("nodes_missing_value_tracks_true", 0, 0, 0, 1, 0, 0),
		onnx.AttrInts(prefix+"_treeids", 0, 0, 1, 1), onnx.AttrInts(prefix+"_nodeids", 1, 2, 1, 2),
		onnx.AttrInts(prefix+"_ids", ids...), onnx.AttrFloats(prefix+"_weights", weights...),
	}, more...)
}

func TestTrees(t *testing.T) {
	x := mat(4, float32(0), 3, 1, 3, 0, 1, 1, nan32) // left left, right left, left right, right left
	one := list4(0, 0, 0, 0)
	w := []float32{1, 2, 10, 20}
	text := func(name, v string) *onnx.Attribute { return onnx.AttrString(name, v) }
	base := onnx.AttrFloats("base_values", 0.5)
	sig := func(v float64) float32 { return float32(1 / (1 + math.Exp(-v))) }
	labels := onnx.AttrInts("classlabels_int64s", 7, 9)
	cyclic := stump("target", one, w)
	cyclic[4] = onnx.AttrStrings("nodes_modes", "BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_GT", "LEAF", "LEAF")
	cyclic[5] = onnx.AttrInts("nodes_truenodeids", 1, 2, 0, 1, 0, 0)
	cyclic[6] = onnx.AttrInts("nodes_falsenodeids", 1, 2, 0, 2, 0, 0)
	looping := stump("target", one, w)
	looping[4] = onnx.AttrStrings("nodes_modes", "BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_GT", "LEAF", "LEAF")
	looping[5] = onnx.AttrInts("nodes_truenodeids", 1, 2, 1, 1, 0, 0)
	looping[6] = onnx.AttrInts("nodes_falsenodeids", 2, 2, 1, 2, 0, 0)
	lost := stump("target", one, w)
	lost[5] = onnx.AttrInts("nodes_truenodeids", 5, 0, 0, 1, 0, 0)
	runCases(t, ml, []opCase{
		{op: "TreeEnsembleRegressor", opset: 3, name: "sum", attrs: stump("target", one, w), in: tensors{x}, want: tensors{mat(4, float32(11), 12, 21, 12)}},
		{op: "TreeEnsembleRegressor", opset: 1, name: "base", attrs: stump("target", one, w, base), in: tensors{x}, want: tensors{mat(4, float32(11.5), 12.5, 21.5, 12.5)}},
		{op: "TreeEnsembleRegressor", opset: 3, name: "average", attrs: stump("target", one, w, text("aggregate_function", "AVERAGE")), in: tensors{x}, want: tensors{mat(4, float32(5.5), 6, 10.5, 6)}},
		{op: "TreeEnsembleRegressor", opset: 3, name: "least", attrs: stump("target", one, w, text("aggregate_function", "MIN")), in: tensors{x}, want: tensors{mat(4, float32(1), 2, 1, 2)}},
		{op: "TreeEnsembleRegressor", opset: 3, name: "two targets of int64", attrs: stump("target", list4(0, 1, 1, 0), w, onnx.AttrInt("n_targets", 2)),
			in: tensors{mat(2, int64(0), 3, 1, 1)}, want: tensors{mat(2, float32(1), 10, 20, 2)}},
		{op: "TreeEnsembleRegressor", opset: 3, name: "no root", attrs: cyclic, in: tensors{x}, err: `attribute "nodes_truenodeids": tree 0 has no root`},
		{op: "TreeEnsembleRegressor", opset: 3, name: "cycle", attrs: looping, in: tensors{x}, err: `attribute "nodes_truenodeids": node 2 leads back to itself`},
		{op: "TreeEnsembleRegressor", opset: 3, name: "nowhere", attrs: lost, in: tensors{x}, err: `attribute "nodes_truenodeids": node 0 of tree 0 leads to a node that does not exist`},
		{op: "TreeEnsembleRegressor", opset: 3, name: "target", attrs: stump("target", list4(0, 0, 0, 1), w), in: tensors{x}, err: `attribute "target_ids": has 1, expected 0 to 0`},
		{op: "TreeEnsembleRegressor", opset: 3, name: "features", attrs: stump("target", one, w), in: tensors{mat(1, float32(1))}, err: `input 0: has 1 columns, expected at least 2`},
		{op: "TreeEnsembleClassifier", opset: 3, name: "one score of two classes", attrs: stump("class", one, []float32{-1, 2, 0.5, -1.5}, labels, text("post_transform", "LOGISTIC")),
			in: tensors{x}, want: tensors{vec[int64](7, 9, 7, 9), mat(4, sig(0.5), sig(-0.5), sig(-2.5), sig(2.5), sig(2.5), sig(-2.5), sig(-2.5), sig(2.5))}},
		{op: "TreeEnsembleClassifier", opset: 3, name: "probabilities", attrs: stump("class", one, []float32{0.25, 0.5, 0, 0.5}, labels),
			in: tensors{x}, want: tensors{vec[int64](7, 7, 9, 7), mat(4, float32(0.75), 0.25, 0.5, 0.5, 0.25, 0.75, 0.5, 0.5)}},
		{op: "TreeEnsembleClassifier", opset: 3, name: "three classes", attrs: stump("class", list4(0, 1, 2, 1), w, onnx.AttrStrings("classlabels_strings", "a", "b", "c")),
			in: tensors{x}, want: tensors{vec("c", "c", "b", "c"), mat(4, float32(1), 0, 10, 0, 2, 10, 1, 20, 0, 0, 2, 10)}},
	})
}

func list4(a, b, c, d int64) []int64 { return []int64{a, b, c, d} }

func TestLinearAndSVM(t *testing.T) {
	x := mat(2, float32(1), 2, -1, 0.5)
	f := onnx.AttrFloats
	post := func(p string) *onnx.Attribute { return onnx.AttrString("post_transform", p) }
	kind := func(k string) *onnx.Attribute { return onnx.AttrString("kernel_type", k) }
	e := func(v float64) float32 { return float32(math.Exp(v)) }
	soft := func(a, b float64) float32 { return float32(1 / (1 + math.Exp(b-a))) }
	rbf := attrs(kind("RBF"), f("kernel_params", 0.5, 0, 0), f("support_vectors", 1, 2, 0, 0), f("coefficients", 2, -1), f("rho", 0.25), onnx.AttrInt("n_supports", 2))
	runCases(t, ml, []opCase{
		{op: "LinearRegressor", opset: 1, attrs: attrs(f("coefficients", 1, 2, 3, -1), f("intercepts", 0.5, 0), onnx.AttrInt("targets", 2)), in: tensors{x}, want: tensors{mat(2, float32(5.5), 1, 0.5, -3.5)}},
		{op: "LinearRegressor", opset: 1, name: "columns", attrs: attrs(f("coefficients", 1, 2, 3)), in: tensors{x}, err: `input 0: has 2 columns, expected 3`},
		{op: "LinearClassifier", opset: 1, attrs: attrs(f("coefficients", 1, 0, 0, 1), f("intercepts", 0, 0), onnx.AttrInts("classlabels_ints", 3, 4), post("SOFTMAX")),
			in: tensors{x}, want: tensors{vec[int64](4, 4), mat(2, soft(1, 2), soft(2, 1), soft(-1, 0.5), soft(0.5, -1))}},
		{op: "LinearClassifier", opset: 1, name: "one score", attrs: attrs(f("coefficients", 1, 0), f("intercepts", 0), onnx.AttrStrings("classlabels_strings", "n", "y"), post("LOGISTIC")),
			in: tensors{x}, want: tensors{vec("y", "n"), mat(2, soft(0, 1), soft(1, 0), soft(0, -1), soft(-1, 0))}},
		{op: "LinearClassifier", opset: 1, name: "labels", attrs: attrs(f("coefficients", 1, 0, 0, 1), f("intercepts", 0, 0), onnx.AttrInts("classlabels_ints", 3, 4, 5)),
			in: tensors{x}, want: tensors{nil, nil}, err: `attribute "coefficients": are for 2 classes, with labels for 3`},
		{op: "SVMRegressor", opset: 1, attrs: rbf, in: tensors{x}, want: tensors{mat(2, float32(2-math.Exp(-2.5)+0.25), 2*e(-0.5*6.25)-e(-0.5*1.25)+0.25)}},
		{op: "SVMRegressor", opset: 1, name: "one class", attrs: append(rbf, onnx.AttrInt("one_class", 1)), in: tensors{x}, want: tensors{mat(2, float32(1), -1)}},
		{op: "SVMRegressor", opset: 1, name: "linear", attrs: attrs(f("coefficients", 2, 1), f("rho", -1)), in: tensors{x}, want: tensors{mat(2, float32(3), -2.5)}},
		{op: "SVMClassifier", opset: 1, name: "votes", attrs: attrs(kind("LINEAR"), f("support_vectors", 1, 0, 0, 1, -1, 0), f("coefficients", 1, -1, -1, 1, 1, -1), f("rho", 0, 0, 0),
			onnx.AttrInts("vectors_per_class", 1, 1, 1), onnx.AttrInts("classlabels_ints", 5, 6, 7)), in: tensors{x},
			want: tensors{vec[int64](6, 7), mat(2, float32(-1), 2, 3, -1.5, -2, -0.5)}},
		{op: "SVMClassifier", opset: 1, name: "lists", attrs: attrs(f("support_vectors", 1, 0), f("coefficients", 1), f("rho", 0), onnx.AttrInts("vectors_per_class", 1), onnx.AttrInts("classlabels_ints", 5, 6)),
			in: tensors{x}, want: tensors{nil, nil}, err: `attribute "vectors_per_class": has 1 elements, expected 2`},
	})
}

func TestFeatures(t *testing.T) {
	x := mat(2, float32(1), -2, 3, 4)
	f := onnx.AttrFloats
	norm := func(n string) []*onnx.Attribute { return attrs(onnx.AttrString("norm", n)) }
	runCases(t, ml, []opCase{
		{op: "Scaler", opset: 1, attrs: attrs(f("offset", 1, 0), f("scale", 2)), in: tensors{x}, want: tensors{mat(2, float32(0), -4, 4, 8)}},
		{op: "Scaler", opset: 1, name: "columns", attrs: attrs(f("offset", 1, 2, 3)), in: tensors{x}, err: `input 0: has 2 columns, expected 3`},
		{op: "Normalizer", opset: 1, attrs: norm("MAX"), in: tensors{x}, want: tensors{mat(2, float32(0.5), -1, 0.75, 1)}},
		{op: "Normalizer", opset: 1, attrs: norm("L1"), in: tensors{mat(2, int64(1), -3, 0, 0)}, want: tensors{mat(2, float32(0.25), -0.75, 0, 0)}},
		{op: "Normalizer", opset: 1, attrs: norm("L2"), in: tensors{mat(1, 3.0, 4)}, want: tensors{mat(1, float32(0.6), 0.8)}},
		{op: "Binarizer", opset: 1, attrs: attrs(onnx.AttrFloat("threshold", 1)), in: tensors{x}, want: tensors{mat(2, float32(0), 0, 1, 1)}},
		{op: "Imputer", opset: 1, attrs: attrs(f("imputed_value_floats", 7, 8), onnx.AttrFloat("replaced_value_float", nan32)), in: tensors{mat(2, nan32, 1, 2, nan32)}, want: tensors{mat(2, float32(7), 1, 2, 8)}},
		{op: "Imputer", opset: 1, name: "int64", attrs: attrs(onnx.AttrInts("imputed_value_int64s", 9), onnx.AttrInt("replaced_value_int64", -1)), in: tensors{mat(1, int64(-1), 3)}, want: tensors{mat(1, int64(9), 3)}},
		{op: "Imputer", opset: 1, name: "no values", in: tensors{x}, err: `attribute "imputed_value_floats": is missing`},
		{op: "ArrayFeatureExtractor", opset: 1, in: tensors{x, vec[int64](1, 1, 0)}, want: tensors{mat(2, float32(-2), -2, 1, 4, 4, 3)}},
		{op: "ArrayFeatureExtractor", opset: 1, name: "vector of text", in: tensors{vec("a", "b"), vec[int64](1)}, want: tensors{mat(1, "b")}},
		{op: "ArrayFeatureExtractor", opset: 1, name: "index", in: tensors{x, vec[int64](2)}, err: `input 1: has index 2, expected 0 to 1`},
		{op: "FeatureVectorizer", opset: 1, attrs: attrs(onnx.AttrInts("inputdimensions", 1, 3)), in: tensors{x, mat(2, int64(5), 6, 7, 8)}, want: tensors{mat(2, float32(1), 5, 6, 0, 3, 7, 8, 0)}},
		{op: "OneHotEncoder", opset: 1, attrs: attrs(onnx.AttrInts("cats_int64s", 4, 5)), in: tensors{vec[int64](5, 9, 4)}, want: tensors{mat(3, float32(0), 1, 0, 0, 1, 0)}},
		{op: "OneHotEncoder", opset: 1, name: "unknown", attrs: attrs(onnx.AttrStrings("cats_strings", "a"), onnx.AttrInt("zeros", 0)), in: tensors{vec("a", "b")}, err: `input 0: element 1 is no known category`},
		{op: "LabelEncoder", opset: 1, attrs: attrs(onnx.AttrStrings("classes_strings", "a", "b")), in: tensors{vec("b", "c")}, want: tensors{vec[int64](1, -1)}},
		{op: "LabelEncoder", opset: 1, name: "back", attrs: attrs(onnx.AttrStrings("classes_strings", "a", "b")), in: tensors{vec[int64](0, 5)}, want: tensors{vec("a", "_Unused")}},
		{op: "LabelEncoder", opset: 2, attrs: attrs(f("keys_floats", 1, nan32), onnx.AttrStrings("values_strings", "one", "none")), in: tensors{vec(nan32, 1, 2)}, want: tensors{vec("none", "one", "_Unused")}},
		{op: "LabelEncoder", opset: 4, name: "tensors", attrs: attrs(onnx.AttrTensor("keys_tensor", tensor.ToONNX("", vec("x", "y"))), onnx.AttrTensor("values_tensor", tensor.ToONNX("", vec[int16](3, 4))),
			onnx.AttrTensor("default_tensor", tensor.ToONNX("", vec[int16](9)))), in: tensors{vec("y", "z")}, want: tensors{vec[int16](4, 9)}},
		{op: "LabelEncoder", opset: 2, name: "lengths", attrs: attrs(onnx.AttrInts("keys_int64s", 1, 2), onnx.AttrInts("values_int64s", 1)), in: tensors{vec[int64](1)}, err: `attribute "values": has 1 elements for 2 keys`},
		{op: "CategoryMapper", opset: 1, attrs: attrs(onnx.AttrStrings("cats_strings", "a", "b"), onnx.AttrInts("cats_int64s", 10, 20)), in: tensors{vec("b", "q")}, want: tensors{vec[int64](20, -1)}},
	})
}

func TestMaps(t *testing.T) {
	zip := node("ZipMap", 1, 1, onnx.AttrStrings("classlabels_strings", "a", "b"))
	zip.Domain = ml
	out, err := runValues(t, zip, 1, mat(2, float32(1), 2, 3, 4))
	require.NoError(t, err)
	items := out[0].(*tensor.Sequence).Items
	require.Len(t, items, 2)
	m := items[1].(*tensor.Map)
	require.Equal(t, []string{"a", "b"}, tensor.Of[string](m.Keys))
	require.Equal(t, []float32{3, 4}, tensor.Of[float32](m.Values))

	dict := node("DictVectorizer", 1, 1, onnx.AttrStrings("string_vocabulary", "z", "b", "a"))
	dict.Domain = ml
	out, err = runValues(t, dict, 1, m)
	require.NoError(t, err)
	require.Equal(t, []float32{0, 4, 3}, tensor.Of[float32](out[0].(*tensor.Tensor)))
	require.Equal(t, tensor.Shape{1, 3}, out[0].(*tensor.Tensor).Shape())

	ages := &tensor.Map{Keys: vec[int64](3, 1), Values: vec[float32](30, 10)}
	for _, c := range []struct {
		attrs []*onnx.Attribute
		want  *tensor.Tensor
	}{
		{nil, mat(1, float32(10), 30)},
		{attrs(onnx.AttrString("map_form", "SPARSE"), onnx.AttrInt("max_map", 5), onnx.AttrString("cast_to", "TO_INT64")), mat(1, int64(0), 10, 0, 30, 0)},
		{attrs(onnx.AttrString("cast_to", "TO_STRING")), mat(1, "10", "30")},
	} {
		cast := node("CastMap", 1, 1, c.attrs...)
		cast.Domain = ml
		out, err = runValues(t, cast, 1, ages)
		require.NoError(t, err)
		sameTensor(t, c.want, out[0].(*tensor.Tensor), 0)
	}
	_, err = runValues(t, dict, 1, ages)
	require.EqualError(t, err, `input 0: has keys of type int64, expected string`)
	_, err = runValues(t, dict, 1, vec[float32](1))
	require.EqualError(t, err, `input 0: is *tensor.Tensor, expected a map`)
}
