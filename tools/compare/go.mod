module github.com/onda-ml/onda/tools/compare

go 1.25.0

replace github.com/onda-ml/onda => ../..

require github.com/onda-ml/onda v0.0.0

require golang.org/x/sys v0.38.0 // indirect

require (
	github.com/yalue/onnxruntime_go v1.27.0
	google.golang.org/protobuf v1.36.11 // indirect
)
