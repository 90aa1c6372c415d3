package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// nodeName is the name of the Kubernetes Node, and the host name inside the node.
const nodeName = "node"

// nodeConfiguration is what the supervisor sends to the node's first process once the node has its network.
type nodeConfiguration struct {
	State       string    `json:"state"`
	Bin         string    `json:"bin"`
	Cgroup      string    `json:"cgroup"`
	Address     string    `json:"address"`
	HostAddress string    `json:"hostAddress"`
	Started     time.Time `json:"started"`
}

// inside is the first process of the node's pid namespace. It makes the node's view of the machine, starts the
// components, keeps them running, and reaps ended processes. When it ends, the kernel ends everything in the namespace.
func inside() error {
	syscall.CloseOnExec(reportDescriptor)
	reports := os.NewFile(reportDescriptor, "reports")
	node := nodeConfiguration{}
	if err := json.NewDecoder(os.Stdin).Decode(&node); err != nil {
		return fmt.Errorf("the supervisor sent no configuration: %w", err)
	}
	if err := boot(node, reports); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n") // the log has the whole error
		fmt.Fprintf(reports, "%s%s\n", reportFailed, first)
		return err
	}
	fmt.Fprintln(reports, reportReady)
	reports.Close()
	select {}
}

func boot(node nodeConfiguration, reports *os.File) error {
	if err := prepare(node); err != nil {
		return err
	}
	api, err := newAPIClient(node.Address, inState("pki"))
	if err != nil {
		return err
	}
	k := newKeeper()
	if err := startControlPlane(k, node, api); err != nil {
		return err
	}
	report(reports, node, "API server ready")
	if err := forgetReadiness(api); err != nil {
		return err
	}
	return startNode(k, node, api)
}

// prepare makes the mounts and files that the components need when they start.
func prepare(node nodeConfiguration) error {
	if err := syscall.Sethostname([]byte(nodeName)); err != nil {
		return err
	}
	if err := makeMounts(node); err != nil {
		return err
	}
	os.Setenv("PATH", binMount+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	if err := raiseDescriptorLimit(); err != nil {
		return err
	}
	if err := raiseNetwork(node); err != nil {
		return err
	}
	for _, folder := range []string{"pki", "config/cni", "log", "volumes"} {
		if err := os.MkdirAll(inState(folder), 0o755); err != nil {
			return err
		}
	}
	if err := issueCertificates(node.Address); err != nil {
		return err
	}
	return writeConfiguration(node)
}

// raiseDescriptorLimit allows as many open files as the host does. Containers inherit the limit, and a login's usual
// 1,024 are too few for a database.
func raiseDescriptorLimit() error {
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// raiseNetwork brings up the node's end of the link, and lets it route between its pods.
func raiseNetwork(node nodeConfiguration) error {
	commands := [][]string{
		{"link", "set", "lo", "up"},
		{"address", "add", node.Address + "/24", "dev", nodeInterface},
		{"link", "set", nodeInterface, "up"},
		{"route", "add", "default", "via", node.HostAddress},
	}
	for _, command := range commands {
		if _, err := runIP(command...); err != nil {
			return err
		}
	}
	// Both belong to the network namespace. Without the second, the answer of a pod to its neighbour on the same
	// bridge would bypass the translation back to the Service's address.
	const bridgeCalls = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	if _, err := os.Stat(bridgeCalls); err != nil {
		if output, err := exec.Command("modprobe", "br_netfilter").CombinedOutput(); err != nil {
			return fmt.Errorf("the node needs the kernel module br_netfilter, which does not load: %s", output)
		}
	}
	for _, path := range []string{"/proc/sys/net/ipv4/ip_forward", bridgeCalls} {
		if err := os.WriteFile(path, []byte("1"), 0); err != nil {
			return err
		}
	}
	return nil
}

func startControlPlane(k *keeper, node nodeConfiguration, api *apiClient) error {
	for _, c := range []component{etcd(), containerd()} {
		if err := k.keep(c); err != nil {
			return err
		}
	}
	if err := k.await("etcd", etcd().ready); err != nil {
		return err
	}
	apiserver := apiserver(node, api)
	if err := k.keep(apiserver); err != nil {
		return err
	}
	// While the components start: pods cannot start without their sandbox image.
	if err := k.await("containerd", containerd().ready); err != nil {
		return err
	}
	if err := importPauseImage(k.processes); err != nil {
		return err
	}
	return k.await("kube-apiserver", apiserver.ready)
}

func startNode(k *keeper, node nodeConfiguration, api *apiClient) error {
	components := []component{controllerManager(), scheduler(), kubelet(node), proxy(), coredns(), volumeProvisioner()}
	for _, c := range components {
		if err := k.keep(c); err != nil {
			return err
		}
	}
	conditions := map[string]func() bool{
		"coredns":                     coredns().ready,
		"the node to be Ready":        func() bool { return nodeReady(api, node.Started) },
		"the default service account": func() bool { return api.get("/api/v1/namespaces/default/serviceaccounts/default", nil) == nil },
		"the default storage class":   func() bool { return api.get(storageClassPath, nil) == nil },
		"kube-proxy":                  answers(local, "http://127.0.0.1:10256/healthz"),
	}
	failures := make(chan error, len(conditions))
	var waiting sync.WaitGroup
	for what, condition := range conditions {
		waiting.Go(func() {
			if err := k.await(what, condition); err != nil {
				failures <- err
			}
		})
	}
	waiting.Wait()
	close(failures)
	return <-failures
}

func report(reports *os.File, node nodeConfiguration, step string) {
	message := fmt.Sprintf("%s after %.1f s", step, time.Since(node.Started).Seconds())
	log.Print(message)
	fmt.Fprintf(reports, "%s%s\n", reportStep, message)
}
