# The two commands everybody needs: make demo, make test. The rest is in make help.
GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
PACKAGES    = ./...

.PHONY: help demo test race check fmt vet lint tidy generate generated emulate conformance random interop fuzz mutate bench benchcmp noasm live arm64 compare compare-train accuracy

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the main job on bundled models and data, in under two minutes
	$(GO) run ./tools/onda demo

test: ## every test that needs only Go
	$(GO) test $(PACKAGES)

race: ## the concurrent packages under the race detector
	$(GO) test -race -timeout 20m ./ops/kernel ./runtime/... ./lstmattn/...

check: fmt vet lint generated emulate tidy ## formatting, vet on four platforms, staticcheck, generated files, go.mod

fmt:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

vet:
	GOARCH=amd64 $(GO) vet $(PACKAGES)
	GOARCH=arm64 $(GO) vet $(PACKAGES)
	GOARCH=386 $(GO) vet $(PACKAGES)
	GOOS=js GOARCH=wasm $(GO) vet $(PACKAGES)
	GOARCH=riscv64 $(GO) build ./runtime/onnxgo
	$(GO) vet -tags noasm ./ops/kernel

lint:
	$(GO) run $(STATICCHECK) $(PACKAGES)

tidy:
	$(GO) mod tidy -diff

generate: ## write the generated files: operator table, amd64 assembly
	$(GO) generate ./...

generated: ## fail if a generated file is not current
	@$(GO) run -C tools/asm . -check -dir ../../ops/kernel
	@$(GO) generate ./... && git diff --exit-code -- README.md ops/OPERATORS.md || { echo "run make generate and commit"; exit 1; }

emulate: ## the amd64 assembly in an emulator, also what this machine cannot run (AVX-512, VNNI)
	$(GO) vet -C tools/asm ./... && $(GO) test -C tools/asm ./...

conformance: ## ONNX's own test suites, with the report in testmodels/CONFORMANCE.md
	bash testmodels/scripts/conformance.sh

random: ## random models beside ONNX Runtime (COUNT of them, default 2000; SEED for others; installs Python packages)
	bash testmodels/scripts/random.sh $(or $(COUNT),2000) $(or $(SEED),1)

interop: ## checks against PyTorch and ONNX Runtime (installs Python packages)
	bash testmodels/scripts/interop.sh

fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@for pkg in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
		echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-30s} -parallel 2 $$pkg || exit 1; done; done

mutate: ## load and run N mutated models with a memory limit (default 50000; SEED for others, MODELS a folder of more; Linux)
	ONDA_MUTATE=$(or $(N),50000) ONDA_MUTATE_SEED=$(or $(SEED),1) ONDA_MUTATE_MODELS="$(MODELS)" $(GO) test ./runtime -run TestManyMutatedModels -v -count 1 -timeout 6h

bench: ## the kernels' benchmarks
	$(GO) test -run '^$$' -bench . ./ops/kernel

benchcmp: ## generic kernels against the best of this machine: make benchcmp pkg=./ops/kernel bench=Gemm
	@dir=$$(mktemp -d); \
	ONDA_KERNELS=generic $(GO) test -run '^$$' -bench '$(or $(bench),.)' -count 5 $(or $(pkg),./ops/kernel) > $$dir/generic && \
	$(GO) test -run '^$$' -bench '$(or $(bench),.)' -count 5 $(or $(pkg),./ops/kernel) > $$dir/best && \
	(cd $$dir && $(GO) run golang.org/x/perf/cmd/benchstat@latest generic best)

compare: ## the README's tables beside ONNX Runtime and other runtimes (Linux; installs Python packages; half an hour)
	bash tools/compare/run.sh

compare-train: ## the README's table of training steps beside PyTorch 1.13 (installs Python packages; some minutes)
	bash tools/comparetrain/run.sh

accuracy: ## ETTh1 by the published protocol: make accuracy DATA=path/ETTh1.csv; results are kept in RESULTS (accuracy.json)
	$(GO) run ./tools/accuracy -data "$(DATA)" -results "$(or $(RESULTS),accuracy.json)" -readme README.md

noasm: ## the portable kernels alone
	$(GO) test -tags noasm ./ops/... ./lstmattn/...

live: ## fail unless the assembly this machine can run really runs, each variant under the whole of ops
	@want=$$(grep -qw avx512vl /proc/cpuinfo && echo avx2,avx512 || echo avx2); \
	ONDA_REQUIRE_KERNELS=$$want $(GO) test -run TestRequiredVariantsAreLive -count 1 ./ops/kernel && \
	for v in $$(echo $$want | tr , ' '); do echo "ONDA_KERNELS=$$v"; ONDA_KERNELS=$$v $(GO) test -count 1 ./ops/... || exit 1; done

arm64: ## the arm64 kernels under emulation (needs qemu-user)
	GOARCH=arm64 $(GO) test -exec qemu-aarch64-static ./ops/kernel
