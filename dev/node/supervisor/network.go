package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// lastSubnet is the highest N of 10.245.N.0/24.
const lastSubnet = 255

// link is the pair of interfaces between host and node, and the subnet on it.
type link struct{ index int }

func (l link) name() string        { return fmt.Sprintf("tkt%d", l.index) }
func (l link) subnet() string      { return fmt.Sprintf("10.245.%d.0/24", l.index) }
func (l link) nodeAddress() string { return fmt.Sprintf("10.245.%d.1", l.index) }
func (l link) hostAddress() string { return fmt.Sprintf("10.245.%d.254", l.index) }

// nodeInterface is the node's end of the link.
const nodeInterface = "eth0"

// connect links the host to the network namespace of a process, on the requested subnet or on the first free one.
func connect(index int, pid int) (link, error) {
	if index != chooseSubnet {
		chosen := link{index}
		if user := subnetUser(chosen); user != "" {
			return chosen, fmt.Errorf("the subnet %s is in use by %s: choose another --subnet-index", chosen.subnet(), user)
		}
		return chosen, chosen.make(pid)
	}
	for candidate := range lastSubnet + 1 {
		chosen := link{candidate}
		if subnetUser(chosen) != "" {
			continue
		}
		err := chosen.make(pid)
		// Another instance that starts at the same moment may have been faster.
		if errors.Is(err, errLinkExists) {
			continue
		}
		return chosen, err
	}
	return link{}, errors.New("every subnet of 10.245.0.0/16 is in use on this machine")
}

var errLinkExists = errors.New("the interface exists")

func (l link) make(pid int) error {
	output, err := runIP("link", "add", l.name(), "type", "veth", "peer", "name", nodeInterface, "netns", fmt.Sprint(pid))
	if strings.Contains(output, "File exists") {
		return errLinkExists
	}
	if err != nil {
		return err
	}
	if _, err := runIP("address", "add", l.hostAddress()+"/24", "dev", l.name()); err != nil {
		return err
	}
	_, err = runIP("link", "set", l.name(), "up")
	return err
}

// subnetUser names what on the host overlaps the link's subnet; it is empty when nothing does.
func subnetUser(l link) string {
	wanted := netip.MustParsePrefix(l.subnet())
	interfaces, _ := net.Interfaces()
	for _, one := range interfaces {
		addresses, _ := one.Addrs()
		for _, address := range addresses {
			if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Overlaps(wanted) {
				return fmt.Sprintf("%s (%s)", one.Name, prefix)
			}
		}
	}
	routes, _ := os.ReadFile("/proc/net/route")
	for line := range strings.Lines(string(routes)) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		if prefix, ok := routePrefix(fields[1], fields[7]); ok && prefix.Bits() > 0 && prefix.Overlaps(wanted) {
			return fmt.Sprintf("a route over %s (%s)", fields[0], prefix)
		}
	}
	return ""
}

// routePrefix reads the kernel's form: eight hexadecimal digits, least significant byte first.
func routePrefix(destination, mask string) (netip.Prefix, bool) {
	address, errAddress := hex.DecodeString(destination)
	bits, errMask := hex.DecodeString(mask)
	if errAddress != nil || errMask != nil || len(address) != 4 || len(bits) != 4 {
		return netip.Prefix{}, false
	}
	ones, _ := net.IPv4Mask(bits[3], bits[2], bits[1], bits[0]).Size()
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{address[3], address[2], address[1], address[0]}), ones), true
}

func runIP(arguments ...string) (string, error) {
	program, err := lookUp("ip")
	if err != nil {
		return "", err
	}
	output, err := exec.Command(program, arguments...).CombinedOutput()
	text := strings.TrimSpace(string(output))
	if err != nil {
		return text, fmt.Errorf("ip %s: %s", strings.Join(arguments, " "), text)
	}
	return text, nil
}

// lookUp finds a program, also in folders that are only in root's PATH.
func lookUp(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/sbin"} {
		path := filepath.Join(folder, program)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: run dev/node/build", program)
}
