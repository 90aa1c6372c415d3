package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestProcessesReportEveryEnd(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := newProcesses()
	if err := p.run([]string{"true"}, log); err != nil {
		t.Errorf("a success is %v", err)
	}
	if err := p.run([]string{"sh", "-c", "exit 3"}, log); err == nil || err.Error() != "sh: ended with status 3" {
		t.Errorf("a failure is %v", err)
	}
	if err := p.run([]string{"sh", "-c", "kill -9 $$"}, log); err == nil || err.Error() != "sh: was ended by signal 9 (killed)" {
		t.Errorf("a kill is %v", err)
	}
	if err := p.run([]string{"no-such-program"}, log); err == nil {
		t.Error("a program that does not exist is a success")
	}
}
