package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Where the node sees its own folders. The places are fixed, wherever the folders are on the host. They are short enough
// for the names of sockets, and the mounts below do not hide them.
const (
	runFolder  = "/run/ticket-node"
	stateMount = runFolder + "/state"
	binMount   = runFolder + "/bin"
)

// kubelet sets these sysctls. They belong to the whole machine, not to the network namespace, so kubelet sees files that
// already have the values that it wants.
var machineSysctls = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// makeMounts turns the copy of the host's mounts into the node's own view. The host sees none of these changes.
func makeMounts(node nodeConfiguration) error {
	// First stop propagation to the host's mounts. Then share among the node's own, because volumes in pods need it.
	if err := mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return err
	}
	if err := mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	state, bin, err := openFolders(node)
	if err != nil {
		return err
	}
	defer state.Close()
	defer bin.Close()
	if err := mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	if err := bindOpened(state, stateMount); err != nil {
		return err
	}
	if err := bindOpened(bin, binMount); err != nil {
		return err
	}
	if err := bind(inState("var-log"), "/var/log"); err != nil {
		return err
	}
	if err := coverVarLib(); err != nil {
		return err
	}
	return coverSysctls()
}

// openFolders opens the host's folders, because later mounts may hide their paths.
func openFolders(node nodeConfiguration) (state, bin *os.File, err error) {
	if state, err = os.Open(node.State); err != nil {
		return nil, nil, err
	}
	if bin, err = os.Open(node.Bin); err != nil {
		state.Close()
		return nil, nil, err
	}
	return state, bin, nil
}

// coverVarLib lets the node write to /var/lib, where kubelet and the CNI library need folders of their own. The host does
// not see these folders, and they end with the node.
func coverVarLib() error {
	upper, work := runFolder+"/var-lib/upper", runFolder+"/var-lib/work"
	for _, folder := range []string{upper, work} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	return mount("overlay", "/var/lib", "overlay", 0, "lowerdir=/var/lib,upperdir="+upper+",workdir="+work)
}

func coverSysctls() error {
	for name, value := range machineSysctls {
		path := filepath.Join(runFolder, "sysctl", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := mount(path, filepath.Join("/proc/sys", name), "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// bind shows a folder in a second place. It makes both folders if they are missing.
func bind(from, to string) error {
	for _, folder := range []string{from, to} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	return mount(from, to, "", syscall.MS_BIND, "")
}

func bindOpened(folder *os.File, to string) error {
	return bind(fmt.Sprintf("/proc/self/fd/%d", folder.Fd()), to)
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", source, target, err)
	}
	return nil
}

// inState is a place in the state folder, as the node sees it.
func inState(parts ...string) string {
	return filepath.Join(append([]string{stateMount}, parts...)...)
}
