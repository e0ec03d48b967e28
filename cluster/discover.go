package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// A seed says where the gossip of other nodes may be found:
//
//	host:port             one node
//	dns:name:port         every address that the name has, as of a headless service
//	file:path             host:port, a line each; empty lines and those that begin with # are passed over
//
// Names are looked up, and files read, each time that nodes are sought: those that come later are found without a restart.
const (
	seedDNS  = "dns:"
	seedFile = "file:"
)

const (
	lookupTimeout = 2 * time.Second
	// maxSeeds is how many addresses are tried: one that answers is enough, and a name that leads to more is a mistake.
	maxSeeds = 256
	// maxSeedFile is how much of a file is read: so many addresses, and some words about them.
	maxSeedFile = 64 << 10
)

func checkSeed(seed string) error {
	if path, ok := strings.CutPrefix(seed, seedFile); ok {
		if path == "" {
			return errors.New("file: needs a path")
		}
		return nil
	}
	return checkHostPort(strings.TrimPrefix(seed, seedDNS))
}

func checkHostPort(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q: must be host:port, dns:name:port or file:path", text)
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 || host == "" {
		return fmt.Errorf("%q: needs a host and a port from 1 to 65535", text)
	}
	return nil
}

// discovery turns seeds into addresses.
type discovery struct {
	seeds  []string
	lookup func(ctx context.Context, host string) ([]string, error)
	log    *slog.Logger
}

func newDiscovery(seeds []string, log *slog.Logger) discovery {
	return discovery{seeds: seeds, lookup: net.DefaultResolver.LookupHost, log: log}
}

// addresses lists ip:port of every seed, sorted. One that cannot be found is left out, and said: somebody has to be first, and
// names and files come to be after the nodes that need them.
func (d discovery) addresses(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var all []string
	for _, seed := range d.seeds {
		found, err := d.find(ctx, seed)
		if err != nil {
			d.log.Debug("seed cannot be found", "seed", seed, "error", err)
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxSeeds)]
}

func (d discovery) find(ctx context.Context, seed string) ([]string, error) {
	path, ok := strings.CutPrefix(seed, seedFile)
	if !ok {
		return d.resolve(ctx, strings.TrimPrefix(seed, seedDNS))
	}
	listed, err := readSeeds(path)
	var all []string
	for _, one := range listed {
		found, fault := d.resolve(ctx, one)
		all, err = append(all, found...), errors.Join(err, fault)
	}
	return all, err
}

func (d discovery) resolve(ctx context.Context, text string) ([]string, error) {
	if err := checkHostPort(text); err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(text)
	if net.ParseIP(host) != nil {
		return []string{text}, nil
	}
	ips, err := d.lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	all := make([]string, len(ips))
	for i, ip := range ips {
		all[i] = net.JoinHostPort(ip, port)
	}
	return all, nil
}

// readSeeds reads a seed file.
func readSeeds(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read seeds: %w", err)
	}
	if len(text) > maxSeedFile {
		return nil, fmt.Errorf("read seeds: %s is over %d bytes", path, maxSeedFile)
	}
	var all []string
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all, nil
}
