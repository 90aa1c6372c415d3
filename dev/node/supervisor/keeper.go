package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A component that ends is started again, after pauses that double between these bounds. A component that then runs
// for steadyTime has recovered, and its next end counts as the first.
const (
	firstPause = 250 * time.Millisecond
	longPause  = 10 * time.Second
	steadyTime = 30 * time.Second
)

// While the node starts, a component may end this often (kubelet ends once when it is faster than containerd). Then the
// start fails and shows the component's log.
const endsWhileStarting = 4

// Each component is ready within seconds on an idle machine. A busy machine with cold caches needs longer.
const startTimeout = 3 * time.Minute

// keeper keeps the components running and knows their states.
type keeper struct {
	processes *processes
	mutex     sync.Mutex
	states    map[string]*componentState
}

// componentState is what `ticket-node status` shows of a component.
type componentState struct {
	PID     int    `json:"pid"` // by its number in the node; 0 while it is down
	Ends    int    `json:"ends"`
	LastEnd string `json:"lastEnd,omitempty"`
}

func newKeeper() *keeper {
	return &keeper{processes: newProcesses(), states: map[string]*componentState{}}
}

// keep starts a component and starts it again whenever it ends.
func (k *keeper) keep(c component) error {
	output, err := os.Create(logPath(c.name))
	if err != nil {
		return err
	}
	k.note(c.name, func(*componentState) {})
	go func() {
		pause := firstPause
		for {
			lived := k.runOnce(c, output)
			if lived > steadyTime {
				pause = firstPause
			}
			time.Sleep(pause)
			pause = min(2*pause, longPause)
		}
	}()
	return nil
}

// runOnce runs a component to its end and returns how long it lived.
func (k *keeper) runOnce(c component, output *os.File) time.Duration {
	started := time.Now()
	pid, ended, err := k.processes.start(c.command, output)
	reason := ""
	if err != nil {
		reason = fmt.Sprintf("does not start: %v", err)
	} else {
		k.note(c.name, func(s *componentState) { s.PID = pid })
		reason = describe(<-ended)
	}
	log.Printf("%s %s after %s; see %s.log", c.name, reason, time.Since(started).Round(time.Millisecond), c.name)
	k.note(c.name, func(s *componentState) {
		s.PID, s.LastEnd = 0, time.Now().Format(time.TimeOnly)+" "+reason
		s.Ends++
	})
	return time.Since(started)
}

// note changes the known state of a component, and writes it for `ticket-node status`.
func (k *keeper) note(name string, change func(*componentState)) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.states[name] == nil {
		k.states[name] = &componentState{}
	}
	change(k.states[name])
	if err := writeJSON(inState("components.json"), k.states); err != nil {
		log.Printf("noting the state of %s: %v", name, err)
	}
}

// await returns once the condition holds, and fails early when a component keeps ending.
func (k *keeper) await(what string, condition func() bool) error {
	err := waitFor(startTimeout, func() (bool, error) {
		if err := k.failed(); err != nil {
			return false, err
		}
		return condition(), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}

func (k *keeper) failed() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for name, state := range k.states {
		if state.Ends >= endsWhileStarting {
			return fmt.Errorf("%s %s, %d times; the end of its log:\n%s", name, state.LastEnd, state.Ends, lastLines(logPath(name)))
		}
	}
	return nil
}

func logPath(name string) string { return inState("log", name+".log") }

// lastLines is the end of a log, for an error message.
func lastLines(path string) string {
	const count = 8
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return filepath.Base(path) + ":\n" + string(bytes.Join(lines, []byte("\n")))
}
