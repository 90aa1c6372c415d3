package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"time"
)

// kube-proxy answers NodePorts on the node's address only. These forwarders make them reachable on the host's loopback
// addresses, as kind's port mappings do.

// A port without a service refuses at once. A connection that is not accepted within this time is ended.
const dialTimeout = 5 * time.Second

// forward serves every published address for as long as the process lives.
func forward(publications map[publication]net.Listener, address string) {
	for one, listener := range publications {
		go forwardOne(listener, fmt.Sprintf("%s:%d", address, one.NodePort))
	}
}

func forwardOne(listener net.Listener, target string) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Most likely the process has no free descriptors: connections that end free some.
			log.Printf("accepting for %s: %v", target, err)
			time.Sleep(lookInterval)
			continue
		}
		go relay(client.(*net.TCPConn), target)
	}
}

// relay joins a client to the target. Each direction ends on its own, so a client that has sent its whole request and
// closed its side still gets the whole answer.
func relay(client *net.TCPConn, target string) {
	defer client.Close()
	server, err := net.DialTimeout("tcp", target, dialTimeout)
	if err != nil {
		client.SetLinger(0) // resets the connection, as a port without a listener does
		return
	}
	defer server.Close()
	answered := make(chan struct{})
	go func() {
		pass(client, server.(*net.TCPConn))
		close(answered)
	}()
	pass(server.(*net.TCPConn), client)
	<-answered
}

// pass copies one direction to its end. A failure ends both directions: half of a broken connection is of no use.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}
