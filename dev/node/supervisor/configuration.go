package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"os"
	"text/template"
)

//go:embed config
var configurationFiles embed.FS

// configurationTemplates maps each template to the path of its result in the node's config folder.
var configurationTemplates = map[string]string{
	"containerd.toml":    "containerd.toml",
	"kubelet.yaml":       "kubelet.yaml",
	"proxy.yaml":         "proxy.yaml",
	"Corefile":           "Corefile",
	"resolv.conf":        "resolv.conf",
	"10-bridge.conflist": "cni/10-bridge.conflist",
}

// configurationValues are the values that the templates use.
type configurationValues struct {
	Address    string
	Cgroup     string
	Config     string
	PKI        string
	State      string
	Run        string
	PodSubnet  string
	Runc       string
	PauseImage string
	NodeName   string
}

func writeConfiguration(node nodeConfiguration) error {
	runc, err := lookUp("runc")
	if err != nil {
		return err
	}
	values := configurationValues{
		Address: node.Address, Cgroup: node.Cgroup, Config: inState("config"), PKI: inState("pki"), State: stateMount,
		Run: runFolder, PodSubnet: podSubnet, Runc: runc, PauseImage: pauseImage, NodeName: nodeName,
	}
	templates, err := template.New("").Option("missingkey=error").ParseFS(configurationFiles, "config/*")
	if err != nil {
		return err
	}
	for name, target := range configurationTemplates {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, name, values); err != nil {
			return err
		}
		if err := os.WriteFile(configPath(target), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return writeKubeconfigs(node.Address)
}

// writeKubeconfigs writes one for each component that needs it, and the administrator's at the top of the state
// folder, where people look for it. It writes JSON, which is valid YAML.
func writeKubeconfigs(address string) error {
	for _, user := range kubeconfigUsers {
		path := kubeconfigPath(user)
		if user == "admin" {
			path = inState("kubeconfig")
		}
		config, err := kubeconfig(user, address)
		if err != nil {
			return err
		}
		if err := writeJSON(path, config); err != nil {
			return err
		}
	}
	return nil
}

// kubeconfig contains the certificates, so that the file can be copied. Byte slices become base64, as the format asks.
func kubeconfig(user, address string) (json.RawMessage, error) {
	var files [3][]byte
	for n, path := range []string{certificatePath("ca"), certificatePath(user), keyPath(user)} {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[n] = content
	}
	named := func(kind string, value any) []any { return []any{map[string]any{"name": "ticket-node", kind: value}} }
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "ticket-node",
		"clusters": named("cluster", map[string]any{"server": "https://" + address + ":6443", "certificate-authority-data": files[0]}),
		"users":    named("user", map[string]any{"client-certificate-data": files[1], "client-key-data": files[2]}),
		"contexts": named("context", map[string]any{"cluster": "ticket-node", "user": "ticket-node"}),
	})
	return text, err
}
