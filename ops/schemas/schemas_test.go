package schemas

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// lacking are operators that the table doesn't have, and why.
var lacking = map[string]string{
	"ImageDecoder": "image codecs don't belong into a runtime that stays light",
	"Gradient":     "of the training preview: derivatives of a graph",
}

// unprobed are operators whose types the probe can't tell: they have a subgraph,
// or attributes that tell the types. Their own tests do.
var unprobed = map[string]string{
	"If": "subgraph", "Loop": "subgraph", "Scan": "subgraph", "SequenceMap": "subgraph",
	"Imputer": "typed by attributes", "LabelEncoder": "typed by attributes", "OneHotEncoder": "typed by attributes",
	"SVMClassifier": "attributes that belong together", "SVMRegressor": "attributes that belong together", "TreeEnsemble": "attributes that belong together",
	"BitCast": "the types' sizes must agree with the attribute's",
	"Adagrad": "groups of inputs", "Adam": "groups of inputs", "Momentum": "groups of inputs",
	"MatMulNBits": "attributes that belong together", "Tokenizer": "attributes that belong together", "MatMulBnb4": "attributes that belong together", "QLinearConcat": "groups of inputs",
}

// refusedTypes are types of com.microsoft's operators that the table doesn't take:
// those that ONNX Runtime runs on other devices only, and small floats in blocks.
var refusedTypes = map[string][]tensor.DType{
	"com.microsoft.BiasGelu.T":                  {tensor.Float64},
	"com.microsoft.FastGelu.T":                  {tensor.Float64},
	"com.microsoft.FusedConv.T":                 {tensor.Float64, tensor.Float16},
	"com.microsoft.FusedGemm.T":                 {tensor.Float64, tensor.Float16, tensor.Uint32, tensor.Uint64, tensor.Int32, tensor.Int64},
	"com.microsoft.MatMulIntegerToFloat.T3":     {tensor.Float16},
	"com.microsoft.GatherBlockQuantized.T1":     {tensor.Float4E2M1, tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ},
	"com.microsoft.GroupQueryAttention.T_CACHE": {tensor.Float8E4M3FN},
}

// The table has every operator and version of ONNX, with as many inputs and
// outputs, every element type and every attribute; and of com.microsoft's that it
// has at all the same.
func TestTableAgainstTheSchemas(t *testing.T) {
	all, _, err := All()
	require.NoError(t, err)
	require.Greater(t, len(all), 700)
	set := ops.Standard()
	table := map[string]ops.Op{}
	for _, op := range set.Ops() {
		table[op.Domain+"."+op.Name] = op
	}
	found := map[string]bool{}
	for i := range all {
		s := &all[i]
		op, ok := table[s.Domain+"."+s.Name]
		if s.Deprecated || !ok && (s.Domain == "com.microsoft" || lacking[s.Name] != "") {
			found[s.Name] = found[s.Name] || !ok
			continue
		}
		t.Run(fmt.Sprintf("%s.%s-%d", s.Domain, s.Name, s.Since), func(t *testing.T) {
			require.True(t, ok, "missing")
			at := slices.IndexFunc(op.Versions, func(v ops.Version) bool { return v.Since == s.Since })
			require.GreaterOrEqual(t, at, 0, "the version is missing")
			v := op.Versions[at]
			if s.Name+fmt.Sprint(s.Since) != "Split1" { // whose second input makes it another operator
				require.GreaterOrEqual(t, v.MaxIn, min(s.MaxIn, ops.Unlimited), "inputs at most")
			}
			if s.Name != "QLinearConcat" { // the schema counts groups of three
				require.LessOrEqual(t, v.MinIn, s.MinIn, "inputs at least")
			}
			require.LessOrEqual(t, v.MinOut, s.MinOut, "outputs at least")
			require.GreaterOrEqual(t, v.MaxOut, min(s.MaxOut, ops.Unlimited), "outputs at most")
			for _, p := range s.Inputs {
				want := s.Tensors(p.Type)
				if len(want) == 0 || unprobed[s.Name] != "" {
					continue
				}
				got, ok := s.Takes(set, p.Type)
				require.True(t, ok, "type %s of input %s can't be found out", p.Type, p.Name)
				for _, dt := range want {
					if !slices.Contains(refusedTypes[s.Domain+"."+s.Name+"."+p.Type], dt) {
						require.Contains(t, got, dt, "type %s of input %s: %v", p.Type, p.Name, dt)
					}
				}
			}
			for name := range s.Attributes {
				if reads, ok := s.Reads(set, name); ok {
					require.True(t, reads, "attribute %s", name)
				}
			}
		})
	}
	for name := range lacking {
		require.True(t, found[name], "%s isn't lacking", name)
	}
}
