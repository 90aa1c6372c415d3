package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// Ending takes a fraction of a second, and longer on a machine that swaps. When it takes longer than this, there is a
// process that the kernel cannot end.
const endTimeout = 20 * time.Second

// down ends the instance's supervisor, and the node with it, and releases what a crash left behind.
func down(i instance) error {
	if _, err := os.Stat(i.state); errors.Is(err, fs.ErrNotExist) {
		fmt.Println("node: not up")
		return nil
	}
	record, found, err := i.loadRun()
	if err != nil {
		return err
	}
	lock, free, err := i.lock()
	if err != nil {
		return err
	}
	if !free {
		if found {
			// The lock proves that this process lives and is ours.
			if err := syscall.Kill(record.Supervisor, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("ending the supervisor, process %d: %w", record.Supervisor, err)
			}
		}
		err = waitFor(endTimeout, func() (bool, error) {
			lock, free, err = i.lock()
			return free, err
		})
		if err != nil {
			return fmt.Errorf("the supervisor, process %d, does not end: %w\n%s", record.Supervisor, err, lastLines(i.path("log", "supervisor.log")))
		}
	}
	defer lock.Close()
	if err := release(i); err != nil {
		return err
	}
	if found {
		fmt.Println("node: down")
	} else {
		fmt.Println("node: not up")
	}
	return nil
}

// destroy ends the node and removes its state.
func destroy(i instance) error {
	if err := down(i); err != nil {
		return err
	}
	// The lock file shows that the folder is one of ours.
	if _, err := os.Stat(i.path("lock")); err != nil {
		return nil
	}
	if err := os.RemoveAll(i.state); err != nil {
		return fmt.Errorf("removing the state: %w", err)
	}
	fmt.Println("node: removed", i.state)
	return nil
}

// release undoes every change that a run made to the host. The caller holds the instance's lock. It skips what is already
// gone, so it can be repeated after a failure.
func release(i instance) error {
	record, found, err := i.loadRun()
	if err != nil || !found {
		return err
	}
	if err := endFirstProcess(record); err != nil {
		return err
	}
	if err := removeLink(record.Link); err != nil {
		return err
	}
	if err := removeCgroups(i.cgroup()); err != nil {
		return err
	}
	return os.Remove(i.path("run.json"))
}

// endFirstProcess ends the node's first process. The kernel ends all other processes of its pid namespace before the
// first one is gone.
func endFirstProcess(record runRecord) error {
	lives := func() bool { return record.Init != 0 && startTime(record.Init) == record.InitStart }
	if !lives() {
		return nil
	}
	if err := syscall.Kill(record.Init, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("ending the node's first process %d: %w", record.Init, err)
	}
	err := waitFor(endTimeout, func() (bool, error) { return !lives(), nil })
	if err != nil {
		return fmt.Errorf("the node's first process %d does not end: %w", record.Init, err)
	}
	return nil
}

func removeLink(name string) error {
	if name == "" {
		return nil
	}
	// The kernel also removes the link, some time after the node's network namespace is gone. So the link may be gone
	// already.
	output, err := runIP("link", "delete", name)
	if err != nil && !strings.Contains(output, "Cannot find device") {
		return err
	}
	return nil
}
