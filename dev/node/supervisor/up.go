package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"time"
)

// The lines that the supervisor and the node's first process send to `up`.
const (
	reportStep   = "step "
	reportFailed = "failed "
	reportReady  = "ready"
)

// The file descriptors that the supervisor inherits.
const (
	reportDescriptor = 3
	lockDescriptor   = 4
)

// requiredPrograms are looked for before anything is started: without this check a missing one shows late and without
// its name.
var requiredPrograms = []string{"etcd", "containerd", "containerd-shim-runc-v2", "ctr", "coredns", "pause", "kube", "kube-apiserver"}

// up starts the instance's supervisor and follows its reports until the node is Ready.
func up(i instance, chosen options) error {
	if err := checkMachine(chosen.bin); err != nil {
		return err
	}
	if err := os.MkdirAll(i.path("log"), 0o755); err != nil {
		return err
	}
	lock, free, err := i.lock()
	if err != nil {
		return err
	}
	if !free {
		return alreadyUp(i, chosen)
	}
	defer lock.Close()
	if err := release(i); err != nil { // what a crashed supervisor left behind
		return err
	}
	for _, one := range chosen.published {
		if err := checkFree(one.Host); err != nil {
			return err
		}
	}
	started := time.Now()
	if err := startSupervisor(i, chosen, lock); err != nil {
		return err
	}
	fmt.Printf("node: ready in %.1f s; KUBECONFIG=%s\n", time.Since(started).Seconds(), i.path("kubeconfig"))
	return nil
}

func checkMachine(bin string) error {
	if os.Geteuid() != 0 {
		return errors.New("the node makes namespaces, interfaces and control groups: run as root")
	}
	if bin == "" {
		return usageError{errors.New("pass --bin FOLDER, the one that dev/node/build prints")}
	}
	for _, program := range requiredPrograms {
		if _, err := os.Stat(filepath.Join(bin, program)); err != nil {
			return fmt.Errorf("%s has no %s: run dev/node/build", bin, program)
		}
	}
	for _, program := range []string{"ip", "nft", "runc", "nsenter"} {
		if _, err := lookUp(program); err != nil {
			return fmt.Errorf("%s is not installed: run dev/node/build", program)
		}
	}
	return nil
}

// alreadyUp accepts a running node only if it publishes the requested ports.
func alreadyUp(i instance, chosen options) error {
	record, found, err := i.loadRun()
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("instance %s is being started or ended by another process; try again in a few seconds", i.name)
	}
	if !reflect.DeepEqual(record.Published, chosen.published) {
		return fmt.Errorf("instance %s runs with --publish %s: `ticket-node down` first to change that", i.name, record.Published.String())
	}
	if err := waitNodeReady(i, record); err != nil {
		return err
	}
	fmt.Printf("node: runs since %s; KUBECONFIG=%s\n", record.Started.Format(time.TimeOnly), i.path("kubeconfig"))
	return nil
}

func startSupervisor(i instance, chosen options, lock *os.File) error {
	reports, reportsEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reports.Close()
	log, err := os.Create(i.path("log", "supervisor.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	request, err := encodeRequest(i, chosen)
	if err != nil {
		return err
	}
	command := ownCommand("supervise")
	command.Stdin = strings.NewReader(request)
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{reportsEnd, lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C for `up` must not end the node
	err = command.Start()
	reportsEnd.Close()
	if err != nil {
		return err
	}
	if err := follow(reports); err != nil {
		command.Wait() // after this, everything is released, so another try finds nothing
		return fmt.Errorf("%w\nThe logs are in %s; the end of %s", err, i.path("log"), lastLines(log.Name()))
	}
	return nil
}

// ownCommand runs this same program, even if its file has been replaced in the meantime.
func ownCommand(role string) *exec.Cmd {
	command := exec.Command("/proc/self/exe", role)
	command.Args[0] = "ticket-node"
	command.Dir = "/"
	return command
}

// follow prints the steps and returns once the node is ready or has failed.
func follow(reports *os.File) error {
	lines := bufio.NewScanner(reports)
	for lines.Scan() {
		line := lines.Text()
		if step, ok := strings.CutPrefix(line, reportStep); ok {
			fmt.Println("node:", step)
		}
		if reason, ok := strings.CutPrefix(line, reportFailed); ok {
			return errors.New(reason)
		}
		if line == reportReady {
			return nil
		}
	}
	return errors.New("the supervisor ended before the node was ready")
}
