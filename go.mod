module github.com/onda-ml/onda

go 1.25.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/sbinet/npyio v0.6.0
	github.com/stretchr/testify v1.11.1
	golang.org/x/sys v0.38.0
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gonum.org/v1/gonum v0.9.3 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
