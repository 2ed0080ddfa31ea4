package lstmattn

// ModelType is the name of this model family in configuration files.
const ModelType = "lstm_attention"

// Normalization says how each input window is shifted and scaled by itself,
// after the scaling by column. The package comment has the formulas.
type Normalization string

// The window normalisations.
const (
	NormalizationNone    Normalization = "none"     // as it is
	NormalizationLast    Normalization = "last"     // minus the last value
	NormalizationMeanStd Normalization = "mean_std" // minus the mean, by the standard deviation
	NormalizationRobust  Normalization = "robust"   // minus the median, by the interquartile range / 1.349
)

// Scaling says what the columns are scaled by before anything else.
type Scaling string

// The kinds of scaling.
const (
	ScalingColumns Scaling = "columns" // the model's scaler: a mean and a deviation of each column, over all series
	ScalingSeries  Scaling = "series"  // those of each series by itself, outside the model, which sees scaled values (series.WindowOptions.PerSeries)
)

// Channels says what the network reads as one sequence.
type Channels string

// The kinds of sequences.
const (
	ChannelsMixed  Channels = "mixed"  // a window, all columns together
	ChannelsFolded Channels = "folded" // each column of a window by itself, with the same weights
)

// Decoding says how the decoder comes to the values after the first.
type Decoding string

// The kinds of decoding.
const (
	DecodingAutoregressive Decoding = "autoregressive" // step by step, each reading what the one before gave
	DecodingDirect         Decoding = "direct"         // all steps at once, each from its position's embedding
)

// Config is what a model is built from. The comments give each field's name in
// JSON and its unit.
type Config struct {
	InputSize         int // input_size: steps the model looks back on
	Horizon           int // horizon: steps it forecasts unless asked otherwise
	NumFeatures       int // num_features: columns of the series, in and out
	HiddenSize        int // hidden_size: units per LSTM layer and direction, and width of the attention
	NumEncoderLayers  int // num_encoder_layers
	NumDecoderLayers  int // num_decoder_layers
	NumAttentionHeads int // num_attention_heads: must divide HiddenSize if there is attention

	Bidirectional bool          // bidirectional: the encoder reads both ways
	LayerNorm     bool          // layer_norm: normalise the sum of decoder output and context
	Scaling       Scaling       // scaling: what columns are scaled by
	Normalization Normalization // normalization: of each window

	Segment          int      // segment: steps that the network reads and gives as one; must divide InputSize
	Channels         Channels // channels: what is one sequence
	ChannelEmbedding int      // channel_embedding: width of the vector that tells the decoder a folded column; 0 for none
	Decoding         Decoding // decoding: step by step or at once
	Attention        bool     // attention: the decoder looks back at the encoder's outputs
	LinearSkip       bool     // linear_skip: a linear map of each column's window is added to its forecast

	Head      Head      // head: what the model gives for each value, a point forecast or a distribution
	Quantiles []float64 // quantiles: levels of a quantile head, rising, each above 0 and below 1; none for other heads

	NumPast   int      // num_past: covariates known for the history only
	NumFuture int      // num_future: covariates known for the horizon too, the calendar's last
	NumStatic int      // num_static: covariates of the series as a whole
	Calendar  []string // calendar: features of the timestamps among the future covariates, see CalendarFeatures

	Dropout             float64 // dropout: probability in [0, 1), in training only
	TeacherForcingRatio float64 // teacher_forcing_ratio: probability in [0, 1] that a training step sees the target
	GradClip            float64 // grad_clip: largest global norm of a gradient in training; 0 for no limit

	FeatureNames []string // feature_names: one per column, or none
	FeatureUnits []string // feature_units: one per column ("" where there is none), or none
	PastNames    []string // past_names: one per past covariate, or none
	FutureNames  []string // future_names: one per future covariate but the calendar's, or none
	StaticNames  []string // static_names: one per static covariate, or none
}

// DefaultConfig is the configuration of a model of numFeatures columns that
// looks a week of hours back and a day ahead.
func DefaultConfig(numFeatures int) Config {
	return Config{
		InputSize: 168, Horizon: 24, NumFeatures: numFeatures,
		HiddenSize: 512, NumEncoderLayers: 2, NumDecoderLayers: 2, NumAttentionHeads: 8,
		Bidirectional: true, LayerNorm: true, Scaling: ScalingColumns, Normalization: NormalizationNone,
		Head:    HeadPoint,
		Segment: 1, Channels: ChannelsMixed, Decoding: DecodingAutoregressive, Attention: true,
		Dropout: 0.1, TeacherForcingRatio: 0.5, GradClip: 1,
	}
}

// Classic says whether the model has the classic form: single steps of all
// columns, autoregressive, with attention and without a linear skip.
func (c *Config) Classic() bool {
	return c.Segment == 1 && c.Channels == ChannelsMixed && c.Decoding == DecodingAutoregressive && c.Attention && !c.LinearSkip
}

func (c *Config) folded() bool { return c.Channels == ChannelsFolded }
func (c *Config) direct() bool { return c.Decoding == DecodingDirect }

// sequences is how many sequences the network reads for a batch of windows.
func (c *Config) sequences(batch int) int {
	if c.folded() {
		return batch * c.NumFeatures
	}
	return batch
}

// columns is how many columns a sequence has.
func (c *Config) columns() int {
	if c.folded() {
		return 1
	}
	return c.NumFeatures
}

// segmentWidth is how many values a segment of a sequence has.
func (c *Config) segmentWidth() int { return c.Segment * c.columns() }

// numbers is K, how many numbers the output layer gives for a value.
func (c *Config) numbers() int { return widthOf(c.Head, c.Quantiles) }

// outputWidth is how many numbers the output layer gives for a segment.
func (c *Config) outputWidth() int { return c.segmentWidth() * c.numbers() }

// encoderSteps is how many segments a window has.
func (c *Config) encoderSteps() int { return c.InputSize / c.Segment }

// embedded is the width of a segment as the network reads it.
func (c *Config) embedded() int {
	if c.Segment > 1 {
		return c.HiddenSize
	}
	return c.columns()
}

// encoderInput is the width of what the encoder reads of a segment.
func (c *Config) encoderInput() int {
	return c.embedded() + c.Segment*c.NumPast + c.known()
}

// positions is how many segments cover a number of steps.
func (c *Config) positions(steps int) int { return (steps + c.Segment - 1) / c.Segment }

// decoderInput is the width of what a step of the decoder reads.
func (c *Config) decoderInput() int {
	if c.direct() {
		return c.HiddenSize + c.known()
	}
	width := c.embedded() + c.ChannelEmbedding + c.known()
	if c.Attention {
		width += c.HiddenSize
	}
	return width
}

// positionEmbedding is the width of a position's embedding in direct decoding.
func (c *Config) positionEmbedding() int { return c.HiddenSize - c.ChannelEmbedding }

// dropsOutput says where dropout acts after the decoder: before the output
// layer, as in SegRNN, or on the context alone.
func (c *Config) dropsOutput() bool { return c.direct() || !c.Attention }

// Directions is 2 for a bidirectional encoder, else 1.
func (c *Config) Directions() int {
	if c.Bidirectional {
		return 2
	}
	return 1
}

// MemorySize is the width of the encoder's outputs: hidden_size times directions.
func (c *Config) MemorySize() int { return c.HiddenSize * c.Directions() }

// encoderLayer is the encoder layer whose final state decoder layer k starts from.
func (c *Config) encoderLayer(k int) int { return max(0, k+c.NumEncoderLayers-c.NumDecoderLayers) }
