package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// enter runs a command inside the node's namespaces, with its programs first in the PATH.
func enter(i instance, command []string) error {
	if len(command) == 0 {
		return usageError{errors.New("enter: a command is needed")}
	}
	entered, err := enterCommand(i, command)
	if err != nil {
		return err
	}
	entered.Stdin, entered.Stdout, entered.Stderr = os.Stdin, os.Stdout, os.Stderr
	return entered.Run()
}

func enterCommand(i instance, command []string) (*exec.Cmd, error) {
	record, found, err := i.loadRun()
	if err != nil {
		return nil, err
	}
	if !found || startTime(record.Init) != record.InitStart {
		return nil, fmt.Errorf("instance %s is not up: `ticket-node up` starts it", i.name)
	}
	nsenter, err := lookUp("nsenter")
	if err != nil {
		return nil, err
	}
	arguments := append([]string{"--target", fmt.Sprint(record.Init), "--mount", "--uts", "--ipc", "--net", "--pid", "--wd=/", "--",
		"env", "PATH=" + binMount + ":/usr/sbin:/usr/bin:/sbin:/bin", "KUBECONFIG=" + inState("kubeconfig"),
		"CONTAINERD_ADDRESS=" + containerdSocket, "CONTAINERD_NAMESPACE=k8s.io"}, command...)
	return exec.Command(nsenter, arguments...), nil
}

// importArchives loads OCI archives into the node's containerd. They go over standard input, because the node does not
// see every folder of the host.
func importArchives(i instance, archives []string) error {
	if len(archives) == 0 {
		return usageError{errors.New("import: an archive is needed")}
	}
	for _, path := range archives {
		if err := importArchive(i, path); err != nil {
			return fmt.Errorf("importing %s: %w", path, err)
		}
	}
	return nil
}

func importArchive(i instance, path string) error {
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	command, err := enterCommand(i, importCommand("-"))
	if err != nil {
		return err
	}
	command.Stdin, command.Stdout, command.Stderr = archive, os.Stdout, os.Stderr
	return command.Run()
}
