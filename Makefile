# The commands of the project, one line each; dev/ has what they do. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up down reset teardown stores stores-down migrate-status connector-status test history bench generate fmt lint

help: ## list the commands (this text)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

up: ## from a bare machine to a sold ticket: tools, images, cluster, stores, operator, platform
	@dev/up
down: ## end the cluster; its data stays for the next `make up`
	@dev/down
reset: ## drop the data and bring the platform up again
	@dev/reset
teardown: ## remove the cluster with its data
	@dev/down --destroy
stores: ## run the five stores alone, with the schema, for one service by hand
	@dev/run-stores
stores-down: ## end the stores of `make stores`
	@dev/stores/stores down
migrate-status: ## show which migrations the platform's database has
	@dev/migrate-status
connector-status: ## show the connector's tasks and how far the replication slot is behind
	@dev/connector-status
test: ## run everything that CI runs
	@dev/test
history: ## buy 100,000 times under faults and check the history (13 minutes)
	@dev/history
bench: ## measure and write docs/performance.md; on an idle machine
	@dev/bench
generate: ## write the generated files again: CRD, OpenAPI documents, docs/reasons.md
	@dev/generate
fmt: ## format the code
	@cargo fmt --all
lint: ## check format and lints, change nothing
	@dev/lint
