// Package settings is what an operator can choose, and where a choice may be written down. Every
// setting has one name in three spellings:
//
//	--max-body 1MiB   >   LEADWIRE_MAX_BODY=1MiB   >   max-body: 1MiB   >   default
//	   flag                   environment               YAML file
//
// It promises that the first of these that is given counts, that a key nobody knows is an error which
// names it, and that Print shows what is in force, from where, with every secret masked. It knows
// values and their limits only: what they are for is told to the packages that are given them.
package settings

import (
	"time"

	"github.com/spf13/pflag"
)

// Settings are the values in force. Fields stand in the order of Print and of docs/configuration.md.
type Settings struct {
	// Where things are kept.
	Data  string
	Store string

	// The edge.
	Listen        string
	AddressFile   string
	MaxBody       Bytes
	MaxInFlight   int
	HeaderTimeout time.Duration
	AckTimeout    time.Duration
	CookieSecure  bool

	// The feeds.
	FeedWatchersPerBuyer int
	FeedWatchers         int
	FeedPending          Bytes
	FeedHeartbeat        time.Duration
	FeedPage             int

	// The writer.
	WriteQueue int
	WriteBatch int

	// The cluster.
	NodeName      string
	ClusterHost   string
	ClusterPort   int
	GossipPort    int
	Seeds         []string
	ClusterSecret string

	// The actors.
	LeadMailbox   int
	LeadIdle      time.Duration
	BuyerMailbox  int
	BuyerIdle     time.Duration
	BuyerRing     int
	MaintainEvery time.Duration
	KeepEvents    time.Duration
	KeepFeed      time.Duration
	KeepKeys      time.Duration
	KeepLeads     time.Duration

	// The process.
	StopTimeout time.Duration
	LogFormat   string
	LogLevel    string
}

// Group is a set of settings that a command understands.
type Group int

const (
	Storage Group = 1 << iota // where the truth is kept
	Logging
	Serving // everything a node needs
)

const day = 24 * time.Hour

// Bind declares the flags of the groups, with their defaults and the reason of each number.
func (s *Settings) Bind(fs *pflag.FlagSet, groups Group) {
	fs.SortFlags = false
	fs.String(ConfigFlag, "", "YAML file with any of these settings by their flag's name")
	if groups&Storage != 0 {
		s.bindStorage(fs)
	}
	if groups&Serving != 0 {
		s.bindEdge(fs)
		s.bindFeeds(fs)
		s.bindWriter(fs)
		s.bindCluster(fs)
		s.bindActors(fs)
		s.bindUpkeep(fs)
	}
	if groups&Logging != 0 {
		s.bindLogging(fs)
	}
}

func (s *Settings) bindStorage(fs *pflag.FlagSet) {
	fs.StringVar(&s.Data, "data", "./leadwire-data", "folder of the embedded store and of the control socket")
	fs.StringVar(&s.Store, "store", Embedded, "\"embedded\" (one file under --data), or a postgres:// URL")
}

func (s *Settings) bindLogging(fs *pflag.FlagSet) {
	fs.StringVar(&s.LogFormat, "log-format", "auto", "auto (text on a terminal, JSON elsewhere), text or json")
	fs.StringVar(&s.LogLevel, "log-level", "info", "debug, info, warn or error")
}
