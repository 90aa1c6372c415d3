// Etcd is the etcd server built as a module of ours, because upstream publishes no `go install`-able main
// package for a pinned version together with its checksums.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
