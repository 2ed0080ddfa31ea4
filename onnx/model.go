package onnx

// Model is a whole ONNX file (ModelProto).
type Model struct {
	IRVersion       int64
	ProducerName    string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	DocString       string
	Graph           *Graph
	OpsetImports    []OpsetImport
	Metadata        []StringEntry
	TrainingInfo    []*TrainingInfo
	Functions       []*Function
	Configuration   []*DeviceConfiguration

	wire   wireState
	owners []*mapping // of everything that was loaded
	memory int64      // see Memory
}

// Owner is what keeps the RawData of every tensor the model was loaded with valid: whoever keeps such slices but not
// their Tensors keeps it.
func (m *Model) Owner() any { return m.owners }

// IRVersion is the newest version of the format this package knows.
const IRVersion = 13

// OpsetImport says which version of a domain's operator set the model uses. The empty domain is ONNX's own.
type OpsetImport struct {
	Domain  string
	Version int64

	wire wireState
}

// StringEntry is a key and its value (StringStringEntryProto).
type StringEntry struct {
	Key, Value string

	wire wireState
}

// Function is a model-local function: an operator given by its body (FunctionProto). Attributes lists the parameters
// without a default, AttributeProtos those with one.
type Function struct {
	Name            string
	Domain          string
	Overload        string
	Inputs          []string
	Outputs         []string
	Attributes      []string
	AttributeProtos []*Attribute
	Nodes           []*Node
	OpsetImports    []OpsetImport
	ValueInfos      []*ValueInfo
	DocString       string
	Metadata        []StringEntry

	wire wireState
}

// TrainingInfo is a training step beside the inference graph (TrainingInfoProto).
type TrainingInfo struct {
	Initialization        *Graph
	Algorithm             *Graph
	InitializationBinding []StringEntry
	UpdateBinding         []StringEntry

	wire wireState
}

// DeviceConfiguration names a set of devices that a multi-device model is laid out for (IR version 11 and newer).
type DeviceConfiguration struct {
	Name       string
	NumDevices int32
	Devices    []string

	wire wireState
}

// OpsetVersion returns the imported version of a domain, and false if the model does not import it. The domains ""
// and "ai.onnx" are the same.
func (m *Model) OpsetVersion(domain string) (int64, bool) {
	return opsetVersion(m.OpsetImports, domain)
}

// OpsetVersion is Model.OpsetVersion for the function's own imports.
func (f *Function) OpsetVersion(domain string) (int64, bool) {
	return opsetVersion(f.OpsetImports, domain)
}

func opsetVersion(imports []OpsetImport, domain string) (int64, bool) {
	domain = normalDomain(domain)
	for i := range imports {
		if normalDomain(imports[i].Domain) == domain {
			return imports[i].Version, true
		}
	}
	return 0, false
}

func normalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// MetadataValue returns the value under key in the model's metadata, and false if there is none.
func (m *Model) MetadataValue(key string) (string, bool) {
	return entryValue(m.Metadata, key)
}

func entryValue(entries []StringEntry, key string) (string, bool) {
	for i := range entries {
		if entries[i].Key == key {
			return entries[i].Value, true
		}
	}
	return "", false
}
