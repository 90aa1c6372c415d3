package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"syscall"
	"time"
)

// The node's storage: each claim of the storage class `standard` (kind's class has the same name) becomes a folder in
// the state folder. The folder outlives pods and restarts of the node, and is removed with the claim. The volumes are
// of Kubernetes' `local` kind, so that kubelet applies a pod's fsGroup. Sizes are not enforced.

const (
	provisioner      = "ticketplatform.dev/local"
	storageClassPath = "/apis/storage.k8s.io/v1/storageclasses/standard"
	claimsPath       = "/api/v1/persistentvolumeclaims"
	volumesPath      = "/api/v1/persistentvolumes"

	// The controller manager writes the first annotation on a claim when a volume must be made for it (with
	// WaitForFirstConsumer: once a pod that uses it has a node). It leaves volumes with the second one to us.
	wantedFromAnnotation    = "volume.kubernetes.io/storage-provisioner"
	provisionedByAnnotation = "pv.kubernetes.io/provisioned-by"
)

// All claims and volumes are reviewed this often, in case a watch missed a change or a step failed.
const reviewInterval = 15 * time.Second

type claim struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		StorageClassName string   `json:"storageClassName"`
		VolumeName       string   `json:"volumeName"`
		AccessModes      []string `json:"accessModes"`
		Resources        struct {
			Requests map[string]string `json:"requests"`
		} `json:"resources"`
	} `json:"spec"`
}

type volume struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		ReclaimPolicy string `json:"persistentVolumeReclaimPolicy"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

// provisionVolumes is a component of the node; it ends with an error when it cannot go on, and is started again.
func provisionVolumes() error {
	address, err := apiAddress()
	if err != nil {
		return err
	}
	api, err := newAPIClient(address, inState("pki"))
	if err != nil {
		return err
	}
	// With the inherited umask, pods of other users could not write to the folders.
	syscall.Umask(0)
	if err := ensureStorageClass(api); err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	go watch(api, claimsPath, changed)
	go watch(api, volumesPath, changed)
	review := time.Tick(reviewInterval)
	for {
		if err := reviewVolumes(api); err != nil {
			log.Print(err)
		}
		select {
		case <-changed:
		case <-review:
		}
	}
}

// apiAddress reads the node's own address from its kubeconfig.
func apiAddress() (string, error) {
	text, err := os.ReadFile(inState("kubeconfig"))
	if err != nil {
		return "", err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string `json:"server"`
			} `json:"cluster"`
		} `json:"clusters"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return "", err
	}
	if len(config.Clusters) != 1 {
		return "", errors.New("the node's kubeconfig names no cluster")
	}
	server, err := url.Parse(config.Clusters[0].Cluster.Server)
	return server.Hostname(), err
}

func ensureStorageClass(api *apiClient) error {
	class := map[string]any{
		"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
		"metadata": map[string]any{
			"name":        "standard",
			"annotations": map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		"provisioner": provisioner, "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
	}
	return api.send(http.MethodPatch, storageClassPath+"?fieldManager=ticket-node&force=true", "application/apply-patch+yaml", class, nil)
}

// reviewVolumes makes the missing volumes and removes those whose claim is gone. A step that fails does not stop the
// others; the next review tries it again.
func reviewVolumes(api *apiClient) error {
	var claims struct{ Items []claim }
	var volumes struct{ Items []volume }
	if err := errors.Join(api.get(claimsPath, &claims), api.get(volumesPath, &volumes)); err != nil {
		return err
	}
	var failures []error
	for _, one := range claims.Items {
		exists := slices.ContainsFunc(volumes.Items, func(v volume) bool { return v.Metadata.Name == volumeName(one) })
		wanted := one.Metadata.Annotations[wantedFromAnnotation] == provisioner && one.Spec.VolumeName == ""
		if wanted && !exists {
			failures = append(failures, makeVolume(api, one))
		}
	}
	for _, one := range volumes.Items {
		ours := one.Metadata.Annotations[provisionedByAnnotation] == provisioner
		if ours && one.Status.Phase == "Released" && one.Spec.ReclaimPolicy == "Delete" {
			failures = append(failures, removeVolume(api, one.Metadata.Name))
		}
	}
	return errors.Join(failures...)
}

// volumeName is the name that Kubernetes uses by custom. A repeat finds the volume of the first try by it.
func volumeName(c claim) string { return "pvc-" + c.Metadata.UID }

func makeVolume(api *apiClient, c claim) error {
	name := volumeName(c)
	folder := inState("volumes", name)
	// Open to every user, since a pod without an fsGroup may run as any.
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	log.Printf("making %s for the claim %s/%s", folder, c.Metadata.Namespace, c.Metadata.Name)
	return api.send(http.MethodPost, volumesPath, "application/json", map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{"name": name, "annotations": map[string]string{provisionedByAnnotation: provisioner}},
		"spec": map[string]any{
			"capacity": c.Spec.Resources.Requests, "accessModes": c.Spec.AccessModes,
			"storageClassName": c.Spec.StorageClassName, "persistentVolumeReclaimPolicy": "Delete",
			"claimRef": map[string]any{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": c.Metadata.Namespace,
				"name": c.Metadata.Name, "uid": c.Metadata.UID,
			},
			"local": map[string]any{"path": folder},
			"nodeAffinity": map[string]any{"required": map[string]any{"nodeSelectorTerms": []any{map[string]any{
				"matchExpressions": []any{map[string]any{"key": "kubernetes.io/hostname", "operator": "In", "values": []string{nodeName}}},
			}}}},
		},
	}, nil)
}

func removeVolume(api *apiClient, name string) error {
	log.Printf("removing %s, whose claim is gone", name)
	if err := os.RemoveAll(inState("volumes", name)); err != nil {
		return err
	}
	err := api.send(http.MethodDelete, volumesPath+"/"+name, "application/json", nil, nil)
	var answer *apiError
	if errors.As(err, &answer) && answer.status == http.StatusNotFound {
		return nil
	}
	return err
}

// watch signals when any object of the list changes. The receiver reads everything again.
func watch(api *apiClient, path string, changed chan<- struct{}) {
	for {
		if err := watchOnce(api, path, changed); err != nil {
			log.Printf("watching %s: %v", path, err)
			time.Sleep(time.Second)
		}
	}
}

func watchOnce(api *apiClient, path string, changed chan<- struct{}) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, api.base+path+"?watch=true", nil)
	if err != nil {
		return err
	}
	answer, err := api.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	events := json.NewDecoder(answer.Body)
	for {
		var event json.RawMessage
		if err := events.Decode(&event); err != nil {
			return nil // the server ends each watch after some minutes
		}
		select {
		case changed <- struct{}{}:
		default: // a review is already due
		}
	}
}
