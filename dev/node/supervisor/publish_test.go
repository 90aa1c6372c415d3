package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// givenForwarder returns the address of a forwarder to a server that answers only when the request has ended.
func givenForwarder(t *testing.T) string {
	t.Helper()
	server := givenListener(t)
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				request, _ := io.ReadAll(connection)
				io.WriteString(connection, "got "+string(request))
			}()
		}
	}()
	entrance := givenListener(t)
	go forwardOne(entrance, server.Addr().String())
	return entrance.Addr().String()
}

func givenListener(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func askThrough(t *testing.T, address, request string) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer connection.Close()
	io.WriteString(connection, request)
	connection.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Error(err)
	}
	return string(answer)
}

func TestForwarderPassesTheEndOfARequestAndStillBringsTheAnswer(t *testing.T) {
	address := givenForwarder(t)
	if answer := askThrough(t, address, "a request"); answer != "got a request" {
		t.Errorf("answer is %q", answer)
	}
}

func TestForwarderServesManyConnectionsAtOnce(t *testing.T) {
	address := givenForwarder(t)
	request := strings.Repeat("x", 100_000)
	var asking sync.WaitGroup
	for range 200 {
		asking.Go(func() {
			if answer := askThrough(t, address, request); answer != "got "+request {
				t.Errorf("answer has %d bytes", len(answer))
			}
		})
	}
	asking.Wait()
}

func TestForwarderRefusesWhenNothingListensBehindIt(t *testing.T) {
	entrance, gone := givenListener(t), givenListener(t)
	gone.Close()
	go forwardOne(entrance, gone.Addr().String())
	connection, err := net.Dial("tcp", entrance.Addr().String())
	if err != nil {
		return // the reset may come this early
	}
	defer connection.Close()
	if _, err := connection.Read(make([]byte, 1)); err == nil {
		t.Error("the connection stays open")
	}
}

func TestATakenPortIsNamedWithItsOwner(t *testing.T) {
	taken := givenListener(t)
	err := checkFree(taken.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "taken by process") || !strings.Contains(err.Error(), "supervisor.test") {
		t.Errorf("error is %v", err)
	}
}
