package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// checkFree fails when nobody can listen on the address, and names the process that has it.
func checkFree(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return takenError(address, err)
	}
	return listener.Close()
}

func takenError(address string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("publishing %s: %w", address, err)
	}
	_, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	if owner := portOwner(number); owner != "" {
		return fmt.Errorf("publishing %s: the port is taken by %s; end that, or publish another address", address, owner)
	}
	return fmt.Errorf("publishing %s: the port is taken; end its user, or publish another address", address)
}

// portOwner names the process that listens on a TCP port, if this process may see it.
func portOwner(port int) string {
	sockets := listeningSockets(port)
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, descriptor := range descriptors {
		target, err := os.Readlink(descriptor)
		if err != nil || !sockets[target] {
			continue
		}
		process := strings.Split(descriptor, "/")[2]
		command, _ := os.ReadFile("/proc/" + process + "/cmdline")
		line := strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
		return fmt.Sprintf("process %s (%.100s)", process, line)
	}
	return ""
}

// listeningSockets returns the sockets of a port in the form that /proc/*/fd shows them.
func listeningSockets(port int) map[string]bool {
	const listening = "0A"
	found := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				found["socket:["+fields[9]+"]"] = true
			}
		}
	}
	return found
}
