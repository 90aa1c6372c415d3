package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// instance is one node of this machine: its name and its state folder.
type instance struct {
	name  string
	state string
}

// path is a place in the state folder, as the host sees it.
func (i instance) path(parts ...string) string {
	return filepath.Join(append([]string{i.state}, parts...)...)
}

// cgroup is the name of the instance's control group in each hierarchy.
func (i instance) cgroup() string { return "ticket-node-" + i.name }

// runRecord has everything that is needed to end a running node, even after its supervisor crashed. It is written
// before the host is changed, and removed after every change was undone.
type runRecord struct {
	Supervisor  int          `json:"supervisor"`
	Init        int          `json:"init"`      // the first process of the node's pid namespace, by its number on the host
	InitStart   string       `json:"initStart"` // tells that process from a later one with the same number
	SubnetIndex int          `json:"subnetIndex"`
	Link        string       `json:"link"`
	Published   publications `json:"published"`
	Started     time.Time    `json:"started"`
}

func (i instance) saveRun(record runRecord) error {
	return writeJSON(i.path("run.json"), record)
}

// loadRun reports false when the instance has no run record.
func (i instance) loadRun() (runRecord, bool, error) {
	record := runRecord{}
	text, err := os.ReadFile(i.path("run.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return record, false, nil
	}
	if err != nil {
		return record, false, err
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return record, false, fmt.Errorf("%s: %w", i.path("run.json"), err)
	}
	return record, true, nil
}

// lock takes the instance's lock, which the supervisor holds as long as it lives. A dead process holds no lock, so the
// lock always shows whether the instance runs. It reports false when another process has it.
func (i instance) lock() (*os.File, bool, error) {
	file, err := os.OpenFile(i.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, true, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("locking %s: %w", i.path("lock"), err)
}

// runs reports whether a supervisor lives.
func (i instance) runs() (bool, error) {
	lock, free, err := i.lock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if free {
		lock.Close()
	}
	return !free, nil
}

// writeJSON replaces a file in one step, so that a reader never sees half of it.
func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
