package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// processes starts and reaps everything below the node's first process. Orphans of the whole pid namespace become its
// children, so it must wait for *any* child. Then nothing else may wait for a particular child, so os/exec's Wait cannot
// be used.
type processes struct {
	mutex  sync.Mutex // held from a start until its channel is known, so that no end is missed
	ending map[int]chan syscall.WaitStatus
}

func newProcesses() *processes {
	p := &processes{ending: map[int]chan syscall.WaitStatus{}}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() {
		for range children {
			p.reap()
		}
	}()
	return p
}

// reap collects every child that has ended. One signal may stand for several children.
func (p *processes) reap() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for {
		status := syscall.WaitStatus(0)
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended, known := p.ending[pid]; known {
			ended <- status
			delete(p.ending, pid)
		}
	}
}

// start runs a command with its output in a log file. The channel delivers its exit status.
func (p *processes) start(command []string, log *os.File) (pid int, ended <-chan syscall.WaitStatus, err error) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, err
	}
	defer nothing.Close()
	path, err := lookUp(command[0])
	if err != nil {
		return 0, nil, err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	process, err := os.StartProcess(path, command, &os.ProcAttr{
		Dir:   "/",
		Files: []*os.File{nothing, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, nil, err
	}
	defer process.Release()
	end := make(chan syscall.WaitStatus, 1)
	p.ending[process.Pid] = end
	return process.Pid, end, nil
}

// run starts a command and waits for its success.
func (p *processes) run(command []string, log *os.File) error {
	_, ended, err := p.start(command, log)
	if err != nil {
		return err
	}
	if status := <-ended; status != 0 {
		return fmt.Errorf("%s: %s", command[0], describe(status))
	}
	return nil
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%s)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("ended with status %d", status.ExitStatus())
}
