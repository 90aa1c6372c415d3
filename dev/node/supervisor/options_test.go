package main

import (
	"os"
	"testing"
)

func TestPublicationsAreReadAsWritten(t *testing.T) {
	cases := map[string]bool{
		"127.0.0.1:8080=30080": true,
		"[::1]:8080=30080":     true,
		"127.0.0.1=30080":      false,
		"127.0.0.1:8080":       false,
		"127.0.0.1:8080=0":     false,
		"127.0.0.1:8080=web":   false,
	}
	for text, valid := range cases {
		var read publications
		if err := read.Set(text); (err == nil) != valid {
			t.Errorf("%q: error is %v", text, err)
		}
		if valid && read.String() != text {
			t.Errorf("%q reads as %q", text, read.String())
		}
	}
}

func TestAnInstanceNameMustMakeAValidControlGroup(t *testing.T) {
	for name, valid := range map[string]bool{"ticket": true, "a-1": true, "": false, "../up": false, "A": false, "-a": false} {
		if _, _, err := parseOptions("status", []string{"--name", name}); (err == nil) != valid {
			t.Errorf("%q: error is %v", name, err)
		}
	}
}

func TestKernelRoutesAreReadLeastByteFirst(t *testing.T) {
	prefix, ok := routePrefix("0000F50A", "0000FFFF")
	if !ok || prefix.String() != "10.245.0.0/16" {
		t.Errorf("read %s, %v", prefix, ok)
	}
	if _, ok := routePrefix("Destination", "Mask"); ok {
		t.Error("the heading of the table reads as a route")
	}
}

func TestStartTimeKnowsTheLivingOnly(t *testing.T) {
	if startTime(os.Getpid()) == "" {
		t.Error("this process has no start time")
	}
	if found := startTime(1 << 30); found != "" {
		t.Errorf("a process that cannot be started at %s", found)
	}
}
