package main

import (
	"net"
	"net/http"
	"time"
)

// component is one long-running program of the node.
type component struct {
	name    string
	command []string
	ready   func() bool // nil for a component whose readiness is seen elsewhere
}

const (
	podSubnet         = "10.244.0.0/24"
	serviceSubnet     = "10.96.0.0/16"
	kubernetesService = "10.96.0.1" // the first address of serviceSubnet, by Kubernetes' rule
	containerdSocket  = runFolder + "/containerd.sock"
	etcdURL           = "http://127.0.0.1:2379"
	etcdPeerURL       = "http://127.0.0.1:2380"
)

func etcd() component {
	return component{
		name: "etcd",
		command: []string{"etcd", "--name=node", "--data-dir=" + inState("etcd"), "--log-level=warn",
			"--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
			"--listen-peer-urls=" + etcdPeerURL, "--initial-advertise-peer-urls=" + etcdPeerURL,
			"--initial-cluster=node=" + etcdPeerURL,
			// This is safe when the process ends. The data need not survive the end of the machine.
			"--unsafe-no-fsync"},
		ready: answers(local, etcdURL+"/readyz"),
	}
}

func containerd() component {
	return component{
		name:    "containerd",
		command: []string{"containerd", "--config=" + configPath("containerd.toml")},
		ready:   accepts("unix", containerdSocket),
	}
}

func apiserver(node nodeConfiguration, api *apiClient) component {
	return component{
		name: "kube-apiserver",
		command: []string{"kube-apiserver", "--etcd-servers=" + etcdURL,
			"--bind-address=" + node.Address, "--advertise-address=" + node.Address, "--secure-port=6443",
			"--service-cluster-ip-range=" + serviceSubnet, "--allow-privileged", "--profiling=false",
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
			"--client-ca-file=" + certificatePath("ca"),
			"--tls-cert-file=" + certificatePath("apiserver"), "--tls-private-key-file=" + keyPath("apiserver"),
			"--kubelet-client-certificate=" + certificatePath("apiserver-kubelet"),
			"--kubelet-client-key=" + keyPath("apiserver-kubelet"), "--kubelet-preferred-address-types=InternalIP",
			"--requestheader-client-ca-file=" + certificatePath("ca"), "--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + certificatePath("front-proxy"), "--proxy-client-key-file=" + keyPath("front-proxy"),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + keyPath("service-account"),
			"--service-account-signing-key-file=" + keyPath("service-account")},
		ready: func() bool { return api.get("/readyz", nil) == nil },
	}
}

func controllerManager() component {
	config := kubeconfigPath("controller-manager")
	return component{
		name: "kube-controller-manager",
		command: []string{"kube-controller-manager", "--kubeconfig=" + config,
			"--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
			"--leader-elect=false", "--bind-address=127.0.0.1", "--use-service-account-credentials", "--profiling=false",
			"--service-account-private-key-file=" + keyPath("service-account"), "--root-ca-file=" + certificatePath("ca"),
			"--cluster-signing-cert-file=" + certificatePath("ca"), "--cluster-signing-key-file=" + keyPath("ca"),
			"--flex-volume-plugin-dir=" + inState("flexvolume")},
	}
}

func scheduler() component {
	config := kubeconfigPath("scheduler")
	return component{
		name: "kube-scheduler",
		command: []string{"kube-scheduler", "--kubeconfig=" + config,
			"--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
			"--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false"},
	}
}

func kubelet(node nodeConfiguration) component {
	return component{
		name: "kubelet",
		command: []string{"kubelet", "--config=" + configPath("kubelet.yaml"), "--kubeconfig=" + kubeconfigPath("kubelet"),
			"--root-dir=" + inState("kubelet"), "--hostname-override=" + nodeName, "--node-ip=" + node.Address},
	}
}

func proxy() component {
	return component{name: "kube-proxy", command: []string{"kube-proxy", "--config=" + configPath("proxy.yaml")}}
}

func coredns() component {
	return component{
		name:    "coredns",
		command: []string{"coredns", "-conf=" + configPath("Corefile")},
		ready:   answers(local, "http://127.0.0.1:8181/ready"),
	}
}

func volumeProvisioner() component {
	return component{name: "volume-provisioner", command: []string{"/proc/self/exe", "provision-volumes"}}
}

func configPath(name string) string      { return inState("config", name) }
func certificatePath(name string) string { return inState("pki", name+".crt") }
func keyPath(name string) string         { return inState("pki", name+".key") }
func kubeconfigPath(user string) string  { return inState("config", user+".kubeconfig") }

// A local program that is ready answers at once; one that hangs is asked again.
var local = &http.Client{Timeout: time.Second}

// answers holds once a GET of the address succeeds.
func answers(client *http.Client, address string) func() bool {
	return func() bool {
		answer, err := client.Get(address)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
}

// accepts holds once something listens at the address.
func accepts(network, address string) func() bool {
	return func() bool {
		connection, err := net.DialTimeout(network, address, time.Second)
		if err != nil {
			return false
		}
		connection.Close()
		return true
	}
}
