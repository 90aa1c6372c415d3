package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// status prints what runs. It fails when nothing runs, so that scripts can ask.
func status(i instance) error {
	runs, err := i.runs()
	if err != nil {
		return err
	}
	record, found, err := i.loadRun()
	if err != nil {
		return err
	}
	if !runs {
		if found {
			return fmt.Errorf("instance %s crashed and left things behind: `ticket-node down` or `up` removes them", i.name)
		}
		return fmt.Errorf("instance %s is not up", i.name)
	}
	l := link{record.SubnetIndex}
	fmt.Printf("instance    %s, up since %s (%s), supervisor %d, first process %d\n", i.name,
		record.Started.Format(time.DateTime), time.Since(record.Started).Round(time.Second), record.Supervisor, record.Init)
	fmt.Printf("API server  https://%s:6443\n", l.nodeAddress())
	fmt.Printf("kubeconfig  %s\n", i.path("kubeconfig"))
	fmt.Printf("network     %s on %s\n", l.subnet(), record.Link)
	for _, one := range record.Published {
		fmt.Printf("published   %s -> %s:%d\n", one.Host, l.nodeAddress(), one.NodePort)
	}
	if memory, known := residentMemory(i.cgroup()); known {
		fmt.Printf("memory      %d MiB resident, pods included\n", memory>>20)
	}
	return printComponents(i)
}

func printComponents(i instance) error {
	text, err := os.ReadFile(i.path("components.json"))
	if err != nil {
		return err
	}
	components := map[string]componentState{}
	if err := json.Unmarshal(text, &components); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(components)) {
		state := components[name]
		line := fmt.Sprintf("%-24s process %d", name, state.PID)
		if state.PID == 0 {
			line = fmt.Sprintf("%-24s down", name)
		}
		if state.Ends > 0 {
			line += fmt.Sprintf(", ended %d times, last: %s; see %s", state.Ends, state.LastEnd, i.path("log", name+".log"))
		}
		fmt.Println(line)
	}
	return nil
}

// residentMemory is the memory of the node's processes, without the page cache that the control group also counts.
func residentMemory(cgroup string) (int, bool) {
	for _, file := range []string{"memory/" + cgroup + "/memory.stat", cgroup + "/memory.stat"} {
		text, err := os.ReadFile(filepath.Join(cgroupRoot, file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if name == "total_rss" || name == "anon" { // version 1, version 2
				bytes, err := strconv.Atoi(value)
				return bytes, err == nil
			}
		}
	}
	return 0, false
}
