package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// How often a condition is checked when no event announces it.
const lookInterval = 25 * time.Millisecond

// waitFor returns once the condition holds, or with an error once it fails or the time is over.
func waitFor(limit time.Duration, condition func() (bool, error)) error {
	deadline := time.Now().Add(limit)
	for {
		holds, err := condition()
		if err != nil || holds {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it did not happen within %s", limit)
		}
		time.Sleep(lookInterval)
	}
}

// startTime tells a process from an earlier one with the same number. It is empty when the process is gone or dead.
func startTime(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The program's name, in parentheses, may contain any character, so the text after it is read. Proc(5) counts
	// from 1: field 3 is the state and field 22 the start.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}
