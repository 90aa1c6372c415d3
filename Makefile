# The commands of the project, one line each; what they do stands in dev/.
.PHONY: up down reset teardown stores stores-down migrate-status connector-status test history bench generate fmt lint

up: ; @dev/up
down: ; @dev/down
reset: ; @dev/reset
teardown: ; @dev/down --destroy
stores: ; @dev/run-stores
stores-down: ; @dev/stores/stores down
migrate-status: ; @dev/migrate-status
connector-status: ; @dev/connector-status
test: ; @dev/test
history: ; @dev/history
bench: ; @dev/bench
generate: ; @dev/generate
fmt: ; @cargo fmt --all
lint: ; @dev/lint
