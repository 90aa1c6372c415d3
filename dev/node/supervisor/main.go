// Ticket-node runs a real one-node Kubernetes without a container engine: etcd, containerd and the parts of
// Kubernetes as plain processes inside namespaces of their own, watched by one supervisor on the host. Ending
// the supervisor ends everything, and the host is as it was.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

const usage = `usage: ticket-node COMMAND [OPTIONS] [ARGUMENTS]

  up          start the node, or do nothing if it runs; returns when it is Ready
  down        end the node and keep its state
  destroy     end the node and remove its state
  status      say what runs
  enter       run a command inside the node: ticket-node enter [OPTIONS] COMMAND...
  import      load OCI archives: ticket-node import [OPTIONS] ARCHIVE...
  kubeconfig  print the path of the administrator's kubeconfig

options:
`

// usageError is a mistake of the caller. It ends the program with status 2.
type usageError struct{ error }

func main() {
	command, arguments := "", os.Args[1:]
	if len(arguments) > 0 {
		command, arguments = arguments[0], arguments[1:]
	}
	err := run(command, arguments)
	var exit *exec.ExitError
	var misuse usageError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode()) // the command has already printed the reason
	case errors.As(err, &misuse):
		fmt.Fprintln(os.Stderr, "ticket-node:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "ticket-node:", err)
		os.Exit(1)
	}
}

func run(command string, arguments []string) error {
	switch command {
	// The program starts itself with these commands; they are not for people.
	case "supervise":
		return supervise()
	case "inside":
		return inside()
	case "provision-volumes":
		return provisionVolumes()
	}
	options, rest, err := parseOptions(command, arguments)
	if err != nil {
		return err
	}
	instance := instance{name: options.name, state: options.state}
	switch command {
	case "up":
		return up(instance, options)
	case "down":
		return down(instance)
	case "destroy":
		return destroy(instance)
	case "status":
		return status(instance)
	case "enter":
		return enter(instance, rest)
	case "import":
		return importArchives(instance, rest)
	case "kubeconfig":
		fmt.Println(instance.path("kubeconfig"))
		return nil
	}
	return usageError{fmt.Errorf("no command %q; see ticket-node --help", command)}
}
