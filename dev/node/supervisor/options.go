package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// options are what a caller may choose. Every command accepts all of them, so that a script can give the same ones to
// each command.
type options struct {
	name        string
	state       string
	bin         string
	published   publications
	subnetIndex int
}

// chooseSubnet, as subnetIndex, asks for the first subnet that nothing on this machine uses.
const chooseSubnet = -1

// instanceName allows only names that are also valid in the names of control groups and folders.
var instanceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

func parseOptions(command string, arguments []string) (options, []string, error) {
	chosen := options{}
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&chosen.name, "name", "ticket", "`instance`; several run side by side")
	flags.StringVar(&chosen.state, "state", "", "state `folder` (default $TICKET_STATE/<instance>/node)")
	flags.StringVar(&chosen.bin, "bin", os.Getenv("TICKET_NODE_BIN"), "`folder` of the node's programs, as dev/node/build prints it")
	flags.Var(&chosen.published, "publish", "`ADDRESS:PORT=NODEPORT`: forward a port of the host; may be repeated")
	flags.IntVar(&chosen.subnetIndex, "subnet-index", chooseSubnet, "`N` of the node's subnet 10.245.N.0/24 (default: the first free one)")
	if strings.HasPrefix(command, "-") || command == "help" || command == "" {
		flags.Usage()
		if command == "" {
			return chosen, nil, usageError{errors.New("a command is needed")}
		}
		os.Exit(0)
	}
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(0)
		}
		return chosen, nil, usageError{err}
	}
	if !instanceName.MatchString(chosen.name) {
		return chosen, nil, usageError{fmt.Errorf("--name %q: use lower-case letters, digits and dashes, 32 at most", chosen.name)}
	}
	if chosen.subnetIndex < chooseSubnet || chosen.subnetIndex > lastSubnet {
		return chosen, nil, usageError{fmt.Errorf("--subnet-index %d: use 0 to %d", chosen.subnetIndex, lastSubnet)}
	}
	state, err := stateFolder(chosen)
	chosen.state = state
	return chosen, flags.Args(), err
}

func stateFolder(chosen options) (string, error) {
	if chosen.state != "" {
		return filepath.Abs(chosen.state)
	}
	base := os.Getenv("TICKET_STATE")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no folder for the state: %w; set TICKET_STATE or pass --state", err)
		}
		base = filepath.Join(home, ".local/state/ticket-platform")
		if xdg := os.Getenv("XDG_STATE_HOME"); xdg != "" {
			base = filepath.Join(xdg, "ticket-platform")
		}
	}
	return filepath.Abs(filepath.Join(base, chosen.name, "node"))
}

// publication forwards a TCP address of the host to a NodePort of the node.
type publication struct {
	Host     string `json:"host"`
	NodePort int    `json:"nodePort"`
}

type publications []publication

func (p *publications) String() string {
	var texts []string
	for _, one := range *p {
		texts = append(texts, fmt.Sprintf("%s=%d", one.Host, one.NodePort))
	}
	return strings.Join(texts, ",")
}

// Set adds one publication as written on the command line.
func (p *publications) Set(text string) error {
	host, nodePort, found := strings.Cut(text, "=")
	if _, _, err := net.SplitHostPort(host); err != nil || !found {
		return fmt.Errorf("%q is not of the form ADDRESS:PORT=NODEPORT", text)
	}
	number, err := strconv.Atoi(nodePort)
	if err != nil || number < 1 || number > 65535 {
		return fmt.Errorf("%q is not a port of the node", nodePort)
	}
	*p = append(*p, publication{Host: host, NodePort: number})
	return nil
}
