package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The node's control groups. This was run and tested with version 1 (one hierarchy per controller), with and without
// the empty version 2 hierarchy beside it. The code for version 2 alone follows the kernel's documentation and
// kubelet's needs, but was never run.

const cgroupRoot = "/sys/fs/cgroup"

// Version 2 lets no group have both processes and limited children: the node's own processes go into a leaf
// beside the pods' groups, which kubelet makes.
const cgroupLeaf = "node"

// The controllers that kubelet refuses to start without on version 2.
var unifiedControllers = []string{"cpu", "cpuset", "memory", "pids"}

func unified() bool {
	_, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers"))
	return err == nil
}

// hierarchies lists where control groups are mounted.
func hierarchies() ([]string, error) {
	if unified() {
		return []string{cgroupRoot}, nil
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		isCgroup := fields[2] == "cgroup" || fields[2] == "cgroup2"
		if isCgroup && filepath.Dir(fields[1]) == cgroupRoot {
			found = append(found, fields[1])
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no control groups are mounted under %s", cgroupRoot)
	}
	return found, nil
}

// makeCgroups makes the group in every hierarchy.
func makeCgroups(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range all {
		group := filepath.Join(hierarchy, name)
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if unified() {
			if err := makeUnifiedLeaf(group); err != nil {
				return err
			}
			continue
		}
		// A new version 1 cpuset is empty and takes no process until it has processors and memory.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(hierarchy, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(group, file), value, 0)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func makeUnifiedLeaf(group string) error {
	available, err := os.ReadFile(filepath.Join(group, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range unifiedControllers {
		if !strings.Contains(" "+strings.TrimSpace(string(available))+" ", " "+controller+" ") {
			return fmt.Errorf("the controller %s is not enabled for %s: echo +%s > %s/cgroup.subtree_control",
				controller, group, controller, cgroupRoot)
		}
		if err := os.WriteFile(filepath.Join(group, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
			return err
		}
	}
	err = os.Mkdir(filepath.Join(group, cgroupLeaf), 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// joinCgroups moves a process into the group; its later children start in the group.
func joinCgroups(name string, pid int) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range all {
		group := filepath.Join(hierarchy, name)
		if unified() {
			group = filepath.Join(group, cgroupLeaf)
		}
		if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), fmt.Append(nil, pid), 0); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups removes the group with everything below it, in every hierarchy. A group stays busy for a moment after
// its last process has ended.
func removeCgroups(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range all {
		group := filepath.Join(hierarchy, name)
		err := waitFor(endTimeout, func() (bool, error) {
			err := removeTree(group)
			if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.ENOTEMPTY) {
				return false, nil
			}
			return err == nil, err
		})
		if err != nil {
			return fmt.Errorf("removing the control group %s (its cgroup.procs names what holds it): %w", group, err)
		}
	}
	return nil
}

// removeTree removes control groups from the leaves up; their files cannot and need not be removed.
func removeTree(group string) error {
	entries, err := os.ReadDir(group)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if err := removeTree(filepath.Join(group, entry.Name())); err != nil {
			return err
		}
	}
	if err := syscall.Rmdir(group); err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return nil
}
