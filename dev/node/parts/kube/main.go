// Kube is every part of a Kubernetes node in one program. It acts as the part it is called as, through a
// symbolic link or its first argument. Linked together the six parts share their libraries: a third of the
// build time and of the disk space that six programs would take.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubeapiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kubecontrollermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubescheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// Registered by side effect, as in the upstream main packages: the JSON log format and the metrics of
	// clients and of the version.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

// Constructors rather than commands: making one registers flags and metrics that the others register too.
var parts = map[string]func() *cobra.Command{
	"kube-apiserver":          func() *cobra.Command { return kubeapiserver.NewAPIServerCommand() },
	"kube-controller-manager": func() *cobra.Command { return kubecontrollermanager.NewControllerManagerCommand() },
	"kube-proxy":              func() *cobra.Command { return kubeproxy.NewProxyCommand() },
	"kube-scheduler":          func() *cobra.Command { return kubescheduler.NewSchedulerCommand() },
	"kubectl":                 func() *cobra.Command { return kubectl.NewDefaultKubectlCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if _, known := parts[name]; !known && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	newCommand, known := parts[name]
	if !known {
		names := slices.Sorted(maps.Keys(parts))
		fmt.Fprintf(os.Stderr, "kube: which part? One of %s\n", strings.Join(names, ", "))
		os.Exit(2)
	}
	os.Args = append([]string{name}, args...)
	os.Exit(cli.Run(newCommand()))
}
