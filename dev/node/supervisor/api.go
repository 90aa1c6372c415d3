package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// apiClient speaks to the node's API server as its administrator.
type apiClient struct {
	base string
	http *http.Client
}

// requestTimeout bounds every request except a watch.
const requestTimeout = 10 * time.Second

// newAPIClient reads its certificates from the folder.
func newAPIClient(address, pki string) (*apiClient, error) {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(pki, "admin.crt"), filepath.Join(pki, "admin.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}}}
	return &apiClient{base: "https://" + address + ":6443", http: &http.Client{Transport: transport}}, nil
}

// get reads an object into the value, which may be nil.
func (a *apiClient) get(path string, into any) error {
	return a.send(http.MethodGet, path, "", nil, into)
}

// send makes a request with a JSON body and reads the answer into a value; both may be nil.
func (a *apiClient) send(method, path, contentType string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		reason, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return &apiError{status: answer.StatusCode, message: fmt.Sprintf("%s %s: %s: %s", method, path, answer.Status, reason)}
	}
	if into == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// apiError is an answer with a status of 400 or above.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

// The fields of Kubernetes objects that this program reads.
type (
	metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		UID         string            `json:"uid"`
		Annotations map[string]string `json:"annotations"`
	}
	condition struct {
		Type              string    `json:"type"`
		Status            string    `json:"status"`
		LastHeartbeatTime time.Time `json:"lastHeartbeatTime"`
	}
	conditions struct {
		Conditions []condition `json:"conditions"`
	}
)

func (c conditions) find(kind string) (condition, bool) {
	for _, one := range c.Conditions {
		if one.Type == kind {
			return one, true
		}
	}
	return condition{}, false
}

// nodeReady reports whether kubelet has reported Ready since the node started. A report from an earlier run of the
// same instance does not count.
func nodeReady(api *apiClient, started time.Time) bool {
	var node struct {
		Status conditions `json:"status"`
	}
	if err := api.get("/api/v1/nodes/"+nodeName, &node); err != nil {
		return false
	}
	ready, found := node.Status.find("Ready")
	return found && ready.Status == "True" && !ready.LastHeartbeatTime.Before(started.Truncate(time.Second))
}

// waitNodeReady waits on the host for a node that another `up` started.
func waitNodeReady(i instance, record runRecord) error {
	api, err := newAPIClient(link{record.SubnetIndex}.nodeAddress(), i.path("pki"))
	if err != nil {
		return err
	}
	err = waitFor(startTimeout, func() (bool, error) { return nodeReady(api, record.Started), nil })
	if err != nil {
		return fmt.Errorf("the node runs but is not Ready: %w; see `ticket-node status` and %s", err, i.path("log"))
	}
	return nil
}

// forgetReadiness marks the pods of an earlier run as not ready; kubelet corrects this for each pod that runs again.
// Without it they would still count as ready, and a client that waits for them would not wait.
func forgetReadiness(api *apiClient) error {
	var pods struct {
		Items []struct {
			Metadata metadata   `json:"metadata"`
			Status   conditions `json:"status"`
		} `json:"items"`
	}
	if err := api.get("/api/v1/pods?fieldSelector=spec.nodeName%3D"+nodeName, &pods); err != nil {
		return err
	}
	now := time.Now().UTC().Format(time.RFC3339)
	for _, pod := range pods.Items {
		if ready, found := pod.Status.find("Ready"); !found || ready.Status != "True" {
			continue
		}
		var changed []map[string]string
		for _, kind := range []string{"Ready", "ContainersReady"} {
			changed = append(changed, map[string]string{"type": kind, "status": "False", "reason": "NodeRestarted", "lastTransitionTime": now})
		}
		path := "/api/v1/namespaces/" + pod.Metadata.Namespace + "/pods/" + pod.Metadata.Name + "/status"
		patch := map[string]any{"status": map[string]any{"conditions": changed}}
		if err := api.send(http.MethodPatch, path, "application/strategic-merge-patch+json", patch, nil); err != nil {
			return err
		}
	}
	return nil
}
