package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// superviseRequest is what `up` sends to the supervisor on its standard input.
type superviseRequest struct {
	Name        string       `json:"name"`
	State       string       `json:"state"`
	Bin         string       `json:"bin"`
	Published   publications `json:"published"`
	SubnetIndex int          `json:"subnetIndex"`
}

func encodeRequest(i instance, chosen options) (string, error) {
	text, err := json.Marshal(superviseRequest{i.name, i.state, chosen.bin, chosen.published, chosen.subnetIndex})
	return string(text), err
}

// supervise is the one process of the node that runs on the host. It holds the instance's lock and forwards the published
// ports. When it ends, everything in the node ends with it.
func supervise() error {
	syscall.CloseOnExec(reportDescriptor)
	syscall.CloseOnExec(lockDescriptor)
	reports := os.NewFile(reportDescriptor, "reports")
	request := superviseRequest{}
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return fmt.Errorf("reading the request of `ticket-node up`: %w", err)
	}
	i := instance{name: request.Name, state: request.State}
	err := hold(i, request, reports)
	if err != nil {
		fmt.Fprintf(reports, "%s%s\n", reportFailed, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return errors.Join(err, release(i))
}

// hold starts the node. It returns when the node has ended, or on a signal.
func hold(i instance, request superviseRequest, reports *os.File) error {
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP)

	// It listens first, so that a taken port stops the start before anything on the host has changed.
	listeners, err := listen(request.Published)
	if err != nil {
		return err
	}
	record := runRecord{Supervisor: os.Getpid(), Published: request.Published, Started: time.Now()}
	if err := i.saveRun(record); err != nil {
		return err
	}
	if err := makeCgroups(i.cgroup()); err != nil {
		return err
	}
	first, configuration, err := startFirstProcess(reports)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	record.Init, record.InitStart = first.Process.Pid, startTime(first.Process.Pid)
	if err := i.saveRun(record); err != nil {
		return err
	}
	if err := joinCgroups(i.cgroup(), record.Init); err != nil {
		return err
	}
	link, err := connect(request.SubnetIndex, record.Init)
	if err != nil {
		return err
	}
	record.SubnetIndex, record.Link = link.index, link.name()
	if err := i.saveRun(record); err != nil {
		return err
	}
	fmt.Fprintf(reports, "%ssubnet %s, control group %s\n", reportStep, link.subnet(), i.cgroup())
	node := nodeConfiguration{
		State: i.state, Bin: request.Bin, Cgroup: i.cgroup(), Started: record.Started,
		Address: link.nodeAddress(), HostAddress: link.hostAddress(),
	}
	if err := json.NewEncoder(configuration).Encode(node); err != nil {
		return fmt.Errorf("the node's first process did not read its configuration: %w", err)
	}
	forward(listeners, link.nodeAddress())
	// `up` reads reports until every writer has closed; from here on only the first process writes.
	reports.Close()
	select {
	case <-ending:
		return nil
	case err := <-ended:
		return fmt.Errorf("the node's first process ended: %v; see %s", err, i.path("log"))
	}
}

// startFirstProcess makes the namespaces and starts a process in them, which waits for its configuration.
func startFirstProcess(reports *os.File) (*exec.Cmd, *os.File, error) {
	configuration, configurationEnd, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer configuration.Close()
	// The kernel sends Pdeathsig when the *thread* that started the process ends, so this thread must not end.
	runtime.LockOSThread()
	command := ownCommand("inside")
	command.Stdin = configuration
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{reports}
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		// The node also ends when the supervisor is killed.
		Pdeathsig: syscall.SIGKILL,
	}
	if err := command.Start(); err != nil {
		return nil, nil, fmt.Errorf("making the node's namespaces: %w", err)
	}
	return command, configurationEnd, nil
}

// listen opens every published address. It fails when one of them is taken.
func listen(published publications) (map[publication]net.Listener, error) {
	listeners := map[publication]net.Listener{}
	for _, one := range published {
		listener, err := net.Listen("tcp", one.Host)
		if err != nil {
			return nil, takenError(one.Host, err)
		}
		listeners[one] = listener
	}
	return listeners, nil
}
