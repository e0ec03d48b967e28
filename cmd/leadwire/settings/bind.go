package settings

import (
	"time"

	"github.com/spf13/pflag"
)

func (s *Settings) bindEdge(fs *pflag.FlagSet) {
	fs.StringVar(&s.Listen, "listen", ":8080", "address of the public port; port 0 takes a free one")
	fs.StringVar(&s.AddressFile, "address-file", "", "write the chosen address here once requests are served; removed at stop")
	s.MaxBody = 1 << 20
	fs.Var(&s.MaxBody, "max-body", "largest webhook body; a CRM's are under 100 KiB, and 1 MiB is what their platforms allow")
	fs.IntVar(&s.MaxInFlight, "max-in-flight", 4096, "webhooks worked on at once, each holding its body; more are answered 429")
	fs.DurationVar(&s.HeaderTimeout, "read-timeout", 10*time.Second, "for a whole request to arrive; slower ones hold a connection for nothing")
	fs.DurationVar(&s.AckTimeout, "ack-timeout", 5*time.Second, "for a webhook to become durable; later is answered 429, and the sender comes again")
	fs.BoolVar(&s.CookieSecure, "cookie-secure", false, "mark the session cookie Secure: set it wherever TLS stands in front")
}

func (s *Settings) bindFeeds(fs *pflag.FlagSet) {
	fs.IntVar(&s.FeedWatchersPerBuyer, "feed-watchers-per-buyer", 32, "open dashboards of one buyer: a team with spare tabs, and no more than a leaked token may cost")
	fs.IntVar(&s.FeedWatchers, "feed-watchers", 50000, "open dashboards of this node: 400 MB at 8 KiB each")
	s.FeedPending = 64 << 10
	fs.Var(&s.FeedPending, "feed-pending", "bytes waiting for one slow dashboard before it is dropped and resumes: about 60 rows")
	fs.DurationVar(&s.FeedHeartbeat, "feed-heartbeat", 15*time.Second, "pause between heartbeats: half of the 30 s after which the strictest common proxies cut")
}

func (s *Settings) bindWriter(fs *pflag.FlagSet) {
	fs.IntVar(&s.WriteQueue, "write-queue", 8192, "operations waiting for a commit: about a second at full rate; more are answered 429")
	fs.IntVar(&s.WriteBatch, "write-batch", 512, "operations in one commit: beyond this a larger batch gains nothing and holds the others up")
}

func (s *Settings) bindCluster(fs *pflag.FlagSet) {
	fs.StringVar(&s.NodeName, "node-name", "", "this node's name in logs and to its peers; default: the host's name")
	fs.StringVar(&s.ClusterHost, "cluster-host", "127.0.0.1", "address on which peers reach this node")
	fs.IntVar(&s.ClusterPort, "cluster-port", 0, "port for actors' messages; 0 takes a free one")
	fs.IntVar(&s.GossipPort, "gossip-port", 0, "port for membership; 0 takes a free one")
	fs.StringSliceVar(&s.Seeds, "seeds", nil, "gossip addresses of other nodes; none: a cluster of one")
	fs.StringVar(&s.ClusterSecret, "cluster-secret", "", "key shared by all nodes, base64 of 16, 24 or 32 bytes; empty: gossip is not encrypted")
}

func (s *Settings) bindActors(fs *pflag.FlagSet) {
	fs.IntVar(&s.LeadMailbox, "lead-mailbox", 64, "messages waiting for one lead: a person does not do more at once; more are answered 429")
	fs.DurationVar(&s.LeadIdle, "lead-idle", 30*time.Second, "quiet time after which a lead leaves memory; it costs nothing to come back")
	fs.IntVar(&s.BuyerMailbox, "buyer-mailbox", 4096, "messages waiting for one buyer; what is not announced in time is read from the store")
	fs.DurationVar(&s.BuyerIdle, "buyer-idle", 5*time.Minute, "quiet time after which a buyer without open dashboards leaves memory")
	fs.IntVar(&s.BuyerRing, "buyer-ring", 256, "recent feed events a buyer keeps, so that a short cut of a connection needs no read of the store")
}

func (s *Settings) bindUpkeep(fs *pflag.FlagSet) {
	fs.DurationVar(&s.MaintainEvery, "maintain-every", time.Hour, "pause between rounds of retention")
	fs.DurationVar(&s.KeepEvents, "keep-events", 30*day, "bodies of inbound events: evidence for a month of disputes")
	fs.DurationVar(&s.KeepFeed, "keep-feed", 30*day, "feed events, traces and marks; older readers refetch")
	fs.DurationVar(&s.KeepKeys, "keep-keys", 90*day, "event keys for deduplication: far beyond any source's last retry")
	fs.DurationVar(&s.KeepLeads, "keep-leads", 400*day, "leads after their last change: a year and a season")
	fs.DurationVar(&s.StopTimeout, "stop-timeout", 20*time.Second, "for a graceful stop; orchestrators commonly kill after 30 s")
}
