package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"time"
)

// kube-proxy answers NodePorts on the node's address only. These forwarders bring them to the host's loopback
// addresses, where kind's port mappings would show them.

// A port without a service behind it refuses at once; one that does not answer in this time is worth an end.
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
			// Out of descriptors, most likely: those that end make room.
			log.Printf("accepting for %s: %v", target, err)
			time.Sleep(lookInterval)
			continue
		}
		go relay(client.(*net.TCPConn), target)
	}
}

// relay joins a client to the target. Each direction ends on its own, so that a client which has sent all of its
// request still gets the whole answer.
func relay(client *net.TCPConn, target string) {
	defer client.Close()
	server, err := net.DialTimeout("tcp", target, dialTimeout)
	if err != nil {
		client.SetLinger(0) // a reset, as a port without a listener gives
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

// pass copies one direction to its end. A failure ends both directions: half of a broken connection helps nobody.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}
