// Package testmodels holds small ONNX models with the outputs they must give,
// as a user's exporter wrote them. Tests of every layer run them.
//
// Each case is a folder FAMILY/NAME in the layout of ONNX's own node tests:
//
//	model.onnx
//	test_data_set_0/input_0.pb, output_0.pb, ...
//	test_data_set_1/...                    another batch or length, where those are dynamic
//
// The scripts folder holds what made them, one script a family or two; make.sh
// runs them all. The expected outputs come from the framework the model came
// from. ONNX Runtime agrees with every one within rtol 1e-3 and atol 1e-5 except
// where scripts/ort_exceptions.txt says why not.
// PRODUCERS.md says which of them stand for what exporters write.
//
//	recurrent      LSTM, GRU, RNN by PyTorch's TorchScript exporter, opsets 9 to 17
//	seq2seq        encoder-decoders with attention by the same: traced, and scripted with Loop, If, sequences
//	attention      multi-head, causal, additive attention by the same
//	transformer    encoders, PatchTST, iTransformer, BERT's and GPT-2's structure by the same
//	temporal       TCN, WaveNet, LSTNet, DLinear, N-BEATS, TFT, DeepAR and their like by the same
//	specification  the corners of LSTM, GRU and RNN, built by hand; outputs by the formula in float64
//	structure      functions, subgraphs, captures, 16 and 8 bits, external data, built by hand
//	dynamo         the same families through the newer exporter (torch.export), opsets 18 to 23
//	keras          recurrent layers of Keras through tf2onnx, many of them as Loop
//	sklearn        classical regressors on lagged values through skl2onnx
//	lightgbm       boosted trees through onnxmltools
//	xgboost        the same, regressors and classifiers
//	optimised      models of other families as ONNX Runtime's graph optimiser and onnxruntime.transformers save them
//	contrib        single operators of com.microsoft over their attributes, masks and caches, by ONNX Runtime
//	quantised      models of the families above in int8 and float16, by ONNX Runtime's tools
//	refused        models and inputs that must not run, each with the sentence that says why
//	forecasters    a forecaster really trained in PyTorch, with its series and metadata
//	twin           model directories that PyTorch saved, with its outputs and gradients; not in FS
//	series         a generated hourly series for demos and tests of training
package testmodels
