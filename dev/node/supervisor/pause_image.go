package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// pauseImage is the image of every pod's sandbox: one static program. Its archive is made here, because there may be no
// registry to fetch it from, and no tool is needed to write one.
const pauseImage = "localhost/pause:1"

const (
	layerType    = "application/vnd.oci.image.layer.v1.tar"
	imageType    = "application/vnd.oci.image.config.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

// importPauseImage loads the image into containerd. A repeat changes nothing.
func importPauseImage(p *processes) error {
	archive, err := pauseArchive(binMount + "/pause")
	if err != nil {
		return err
	}
	path := runFolder + "/pause.tar"
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		return err
	}
	defer os.Remove(path)
	output, err := os.Create(logPath("pause-import"))
	if err != nil {
		return err
	}
	defer output.Close()
	if err := p.run(importCommand(path), output); err != nil {
		return fmt.Errorf("importing the sandbox image: %w\n%s", err, lastLines(output.Name()))
	}
	return nil
}

// importCommand loads an OCI archive (standard input for "-") into the namespace where kubelet finds it.
func importCommand(archive string) []string {
	return []string{"ctr", "--address=" + containerdSocket, "--namespace=k8s.io", "images", "import", archive}
}

// descriptor names content by its hash.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ociArchive collects the files of an image in the OCI layout.
type ociArchive struct {
	buffer bytes.Buffer
	files  *tar.Writer
}

func (a *ociArchive) add(name string, content []byte, mode int64) error {
	if err := a.files.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := a.files.Write(content)
	return err
}

// blob adds content under its hash; anything but bytes is added as JSON.
func (a *ociArchive) blob(mediaType string, value any) (descriptor, error) {
	content, isBytes := value.([]byte)
	if !isBytes {
		var err error
		if content, err = json.Marshal(value); err != nil {
			return descriptor{}, err
		}
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	return descriptor{MediaType: mediaType, Digest: "sha256:" + sum, Size: len(content)}, a.add("blobs/sha256/"+sum, content, 0o644)
}

func pauseArchive(program string) ([]byte, error) {
	layerContent, err := pauseLayer(program)
	if err != nil {
		return nil, err
	}
	archive := &ociArchive{}
	archive.files = tar.NewWriter(&archive.buffer)
	layer, err := archive.blob(layerType, layerContent)
	if err != nil {
		return nil, err
	}
	config, err := archive.blob(imageType, map[string]any{
		"os": "linux", "architecture": runtime.GOARCH,
		"config": map[string]any{"Entrypoint": []string{"/pause"}, "User": "65535:65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layer.Digest}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := archive.blob(manifestType, map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{layer},
	})
	if err != nil {
		return nil, err
	}
	manifest.Annotations = map[string]string{"org.opencontainers.image.ref.name": pauseImage}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": []descriptor{manifest}})
	if err != nil {
		return nil, err
	}
	if err := archive.add("index.json", index, 0o644); err != nil {
		return nil, err
	}
	if err := archive.add("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644); err != nil {
		return nil, err
	}
	if err := archive.files.Close(); err != nil {
		return nil, err
	}
	return archive.buffer.Bytes(), nil
}

func pauseLayer(program string) ([]byte, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	layer := &ociArchive{}
	layer.files = tar.NewWriter(&layer.buffer)
	if err := layer.add("pause", content, 0o755); err != nil {
		return nil, err
	}
	if err := layer.files.Close(); err != nil {
		return nil, err
	}
	return layer.buffer.Bytes(), nil
}
