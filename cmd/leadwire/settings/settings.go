// Package settings is what an operator can choose, and where a choice may be written down. Every
// setting has one name in three spellings:
//
//	--read-timeout 5s   >   LEADWIRE_READ_TIMEOUT=5s   >   read-timeout: 5s   >   default
//	      flag                    environment                  YAML file
//
// It promises that the first of these that is given counts, that a key nobody knows is an error which
// names it, and that Print shows what is in force, from where, with every secret masked. It knows
// values and their limits only: what they are for is told to the parts of a node that are given them.
package settings

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/node"
)

// Settings are the values in force. Most are fields of the node's own configuration.
type Settings struct {
	Node        node.Config
	AddressFile string        // where the chosen address is written; empty: nowhere
	StopTimeout time.Duration // for a graceful stop
	Pprof       string        // address of Go's profiler; empty: off
	LogFormat   string
	LogLevel    string

	clusterSecret string // as it was given: base64
	clusterTLS    struct{ cert, key, authority string }
	refuse        []string // prefixes, likewise
}

// Group is a set of settings that a command understands.
type Group int

const (
	Storage Group = 1 << iota // where the truth is kept
	Logging
	Serving // everything a node needs
)

// Bind declares the flags of the groups, with their defaults and the reason of each number.
func (s *Settings) Bind(fs *pflag.FlagSet, groups Group) {
	fs.SortFlags = false
	fs.String(ConfigFlag, "", "YAML file with any of these settings by their flag's name")
	if groups&Storage != 0 {
		s.bindStorage(fs)
	}
	if groups&Serving != 0 {
		s.bindEdge(fs)
		s.bindStreams(fs)
		s.bindWriter(fs)
		s.bindActors(fs)
		s.bindOutbound(fs)
		s.bindIdentity(fs)
		s.bindCluster(fs)
		s.bindUpkeep(fs)
	}
	if groups&Logging != 0 {
		s.bindLogging(fs)
	}
}

// finish turns what was given as text into what the node takes.
func (s *Settings) finish() error {
	if s.clusterSecret != "" {
		key, err := base64.StdEncoding.DecodeString(s.clusterSecret)
		if err != nil {
			return errors.New("cluster-secret must be base64") // and is not repeated
		}
		s.Node.Cluster.SecretKey = key
	}
	if err := s.finishTLS(); err != nil {
		return err
	}
	s.Node.Outbound.Refuse = nil
	for _, text := range s.refuse {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("outbound-refuse: %q must be addresses as 203.0.113.0/24", text)
		}
		s.Node.Outbound.Refuse = append(s.Node.Outbound.Refuse, prefix)
	}
	return nil
}

// finishTLS reads the files for actor messages between nodes.
func (s *Settings) finishTLS() (err error) {
	files := s.clusterTLS
	switch set := cmp.Or(files.cert, files.key, files.authority); {
	case set == "":
		return nil
	case files.cert == "" || files.key == "" || files.authority == "":
		return errors.New("cluster-cert, cluster-cert-key and cluster-ca come together")
	}
	s.Node.Cluster.ServerTLS, s.Node.Cluster.ClientTLS, err = cluster.MutualTLS(files.cert, files.key, files.authority)
	return err
}

func (s *Settings) bindStorage(fs *pflag.FlagSet) {
	fs.StringVar(&s.Node.Data, "data", "./leadwire-data", "folder of the embedded store and of the control socket")
	fs.StringVar(&s.Node.Store, "store", node.Embedded, "\"embedded\" (one file under --data), or a postgres:// URL")
	fs.StringVar(&s.Node.MasterKey.Key, "master-key", "", "seals endpoints' secrets: base64 of 32 bytes, the same on all nodes; better in the environment or in a file than on the command line")
	fs.StringVar(&s.Node.MasterKey.File, "master-key-file", "", "a file that holds it, readable by nobody else; with the embedded store one is made under --data when neither is given")
	fs.StringSliceVar(&s.Node.MasterKey.Older, "older-master-key-files", nil, "files of keys that were used before: they open what they have sealed")
	fs.BoolVar(&s.Node.Storage.PgBouncer, "pgbouncer", false, "Postgres is behind a pooler that lends connections per transaction; its role then has to carry the settings in docs/operations.md")
}

func (s *Settings) bindLogging(fs *pflag.FlagSet) {
	fs.StringVar(&s.LogFormat, "log-format", "auto", "auto (text on a terminal, JSON elsewhere), text or json")
	fs.StringVar(&s.LogLevel, "log-level", "info", "debug, info, warn or error")
}
