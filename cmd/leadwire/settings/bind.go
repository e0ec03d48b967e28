package settings

import (
	"time"

	"github.com/spf13/pflag"
)

func (s *Settings) bindEdge(fs *pflag.FlagSet) {
	e := &s.Node.Edge
	fs.StringVar(&s.Node.Listen, "listen", ":8080", "address of the public port; port 0 takes a free one")
	fs.StringVar(&s.AddressFile, "address-file", "", "write the chosen address here once requests are answered; removed at stop")
	fs.StringVar(&e.PublicURL, "public-url", "", "where browsers reach us, as https://leads.example.com; with https the cookie is Secure")
	fs.DurationVar(&e.ReadTimeout, "read-timeout", 10*time.Second, "for a request to arrive whole: a megabyte at 1 Mbit/s, and the end of slow senders")
	fs.DurationVar(&e.WriteTimeout, "write-timeout", 10*time.Second, "for a client to read an answer; streams are exempt")
	fs.DurationVar(&e.IdleTimeout, "idle-timeout", 75*time.Second, "for a kept-alive connection without requests: longer than balancers keep theirs (60s), so that none sends into one we close")
	bytesVar(fs, &e.HeaderSize, "header-size", 8<<10, "largest request line with headers: a signature, a cookie and a resume place take 2KiB")
	fs.IntVar(&e.Connections, "connections", 0, "open connections, streams aside; 0: 20,000, or two thirds of the files that the default of streams leaves if that is lower; more wait to be accepted")
	fs.IntVar(&e.InFlight, "webhooks-in-flight", 8192, "webhooks waiting for their commit: 1.6s of work at 5,000 a second; more are answered 429")
	fs.IntVar(&e.Verifying, "webhooks-verifying", 0, "signatures checked at once; 0: one for each processor, because more finish no sooner and keep the writer waiting")
	bytesVar(fs, &e.BodyBytes, "webhook-bytes", 256<<20, "bytes of webhook bodies held at once: what unsigned senders can make us keep")
	fs.IntVar(&e.HitsInFlight, "hits-in-flight", 8192, "requests of pixels waiting for their commits: as many as webhooks, at some 10KB each; more are answered 429")
	fs.IntVar(&e.HitAddresses, "hit-addresses", 65_536, "clients whose rate is remembered: those of a busy minute, in some 6MB; those quiet longest are forgotten")
	fs.StringSliceVar(&e.TrustedProxies, "trusted-proxies", nil, "addresses, as 10.0.0.0/8, whose X-Forwarded-For, X-Forwarded-Proto and headers with a place are believed; none: the connection's address is the client's")
	fs.StringVar(&e.CountryHeader, "geo-country-header", "", "header in which a trusted proxy says the client's country, as CF-IPCountry; empty: not known")
	fs.StringVar(&e.RegionHeader, "geo-region-header", "", "header in which it says the state or province, as CF-Region-Code")
	fs.DurationVar(&e.IngestTimeout, "ingest-timeout", 5*time.Second, "for a webhook or a pixel's hits to become durable: under the 10s after which senders give up; later is answered 429")
	fs.DurationVar(&e.RetryAfter, "retry-after", 10*time.Second, "least wait that a refused sender is asked for; up to as much again is added at random, so that they do not return together")
	fs.DurationVar(&e.ReadLimit, "read-limit", 5*time.Second, "for a read of the API")
	fs.DurationVar(&e.DrainGrace, "drain-grace", time.Second, "how long webhooks are still taken after readiness turned false, for a balancer to notice; negative: not at all")
}

func (s *Settings) bindStreams(fs *pflag.FlagSet) {
	c := &s.Node.Streams
	fs.IntVar(&c.PerBuyer, "streams-per-buyer", 16, "open pages of one buyer: a team's screens and phones, with those that died unnoticed")
	fs.IntVar(&c.PerNode, "streams", 0, "open pages of this node; 0: 20,000, or nine tenths of the file limit less 200 if that is lower")
	fs.DurationVar(&c.Heartbeat, "heartbeat", 17*time.Second, "pause between a stream's heartbeats: under the 30s of common proxies, out of step with round-minute timers")
	fs.DurationVar(&c.Stall, "stall", 10*time.Second, "for pending bytes of a stream to move: a phone that changes cells is back by then; a later one resumes")
	fs.DurationVar(&c.MaxAge, "stream-age", 30*time.Minute, "longest life of a stream: it ends after 80 to 100% of it and comes back through authentication, so a withdrawn token ends its streams")
	fs.DurationVar(&c.DeadPeer, "dead-peer", 25*time.Second, "for sent bytes to be acknowledged (TCP_USER_TIMEOUT): without it a vanished client is kept for hours")
	bytesVar(fs, &c.SendBuffer, "send-buffer", 16<<10, "a stream's socket buffer: a stalled reader then pins under 100KiB of kernel memory instead of 4MiB")
	bytesVar(fs, &c.MaxPending, "stream-pending", 64<<10, "bytes that may wait for one stream whatever the others do: some hundred rows; beyond its limits it is dropped and resumes")
	bytesVar(fs, &c.MaxBurst, "stream-burst", 1<<20, "bytes that may wait for one stream while --streams-pending leaves room: a replay of 500 rows of 2KiB")
	bytesVar(fs, &c.PendingTotal, "streams-pending", 64<<20, "bytes that may wait for all streams together, beyond each one's --stream-pending")
	bytesVar(fs, &c.MaxContact, "stream-row", 32<<10, "largest row sent along; a page fetches a larger one")
	fs.DurationVar(&c.RetryMin, "reconnect-min", time.Second, "soonest return of a page whose connection broke")
	fs.DurationVar(&c.RetryMax, "reconnect-max", 5*time.Second, "latest return: spread, so that 10,000 pages do not come back in one instant")
}

func (s *Settings) bindWriter(fs *pflag.FlagSet) {
	c := &s.Node.Storage.Commit
	fs.IntVar(&c.QueueOps, "write-queue", 8192, "operations waiting for a commit: about a second of the heaviest load; more are answered 429")
	bytesVar(fs, &c.QueueBytes, "write-queue-bytes", 64<<20, "their bytes")
	fs.IntVar(&c.MaxOps, "write-batch", 512, "operations in one commit: beyond it a store gains nothing per row, and the first waits for the last")
	fs.DurationVar(&c.Spacing, "write-spacing", 0, "least time between the beginnings of two commits, so that more share one; 0: 2ms for the embedded store and none for Postgres, whose round trip does the gathering; negative: none")
	bytesVar(fs, &c.MaxBytes, "write-batch-bytes", 4<<20, "their bytes; a larger single operation is refused")
	fs.IntVar(&s.Node.Storage.Readers, "store-readers", 4, "connections that only read: reads are short, and a Postgres server's connections are shared by all nodes")
	fs.IntVar(&s.Node.Storage.CheckpointPages, "checkpoint-pages", 32768, "embedded: length of the write-ahead log, in pages of 4KiB, before it is moved into the file; longer: fewer writes, and a slower start after a crash")
	fs.DurationVar(&s.Node.Storage.Patience, "store-patience", 2*time.Second, "Postgres: how long a batch waits for a lost database before its webhooks are answered 429; a restart often fits in")
	fs.DurationVar(&s.Node.Storage.StatementTimeout, "statement-timeout", 5*time.Second, "Postgres: longest statement; a healthy commit takes milliseconds, so whatever takes longer is not coming")
}

func (s *Settings) bindActors(fs *pflag.FlagSet) {
	c := &s.Node.Actors
	fs.IntVar(&c.LeadMailbox, "lead-mailbox", 256, "messages waiting for one lead: 64 events and their repeats; more are answered 429")
	fs.DurationVar(&c.LeadIdle, "lead-idle", 10*time.Second, "quiet time after which a lead leaves memory: follow-ups come within seconds, and 5,000 leads a second are then 125MB")
	fs.IntVar(&c.VisitorMailbox, "visitor-mailbox", 256, "messages waiting for one visitor: as many hits as a script gone wild may have waiting; more are answered 429")
	fs.DurationVar(&c.VisitorIdle, "visitor-idle", 30*time.Second, "quiet time after which a visitor leaves memory: the next hit comes while a page is read, and 2,000 new visitors a second are then 180MB")
	fs.IntVar(&c.BuyerMailbox, "buyer-mailbox", 8192, "messages waiting for one buyer: a second of everything a node can take; what is lost is read from the store")
	fs.DurationVar(&c.BuyerIdle, "buyer-idle", 2*time.Minute, "quiet time after which an unwatched buyer leaves memory; one small read brings it back")
}

func (s *Settings) bindOutbound(fs *pflag.FlagSet) {
	c, a := &s.Node.Outbound, &s.Node.Actors
	fs.IntVar(&a.EndpointMailbox, "endpoint-mailbox", 8192, "messages waiting for one endpoint: a second of everything a node can take; what is lost is read from the store")
	fs.DurationVar(&a.EndpointIdle, "endpoint-idle", 2*time.Minute, "quiet time after which an endpoint that is owed nothing leaves memory; two small reads bring it back")
	fs.IntVar(&a.Gate.Rights, "attempts", 1024, "attempts at endpoints under way: some 30KB each, and a thousand endpoints that take a second are 1,000 deliveries a second")
	fs.IntVar(&a.Gate.Repeats, "attempts-repeated", 0, "of those, retries and replays; 0: half, so that endpoints that are down leave room for those that are not")
	fs.IntVar(&a.Gate.Kept, "attempts-kept", 0, "of those, for endpoints with fewer than 16 under way; 0: a quarter, so that a few slow endpoints with hundreds of places do not have all")
	fs.BoolVar(&c.AllowPrivate, "allow-private", false, "send to private addresses, to this machine and by http: for development only, because whoever may configure an endpoint reaches this network")
	fs.DurationVar(&c.DNS, "outbound-dns", 5*time.Second, "for a look-up: one lost packet is asked for again within it")
	fs.DurationVar(&c.Connect, "outbound-connect", 5*time.Second, "for a connection, all addresses together: two lost SYNs")
	fs.DurationVar(&c.TLS, "outbound-tls", 5*time.Second, "for a handshake: three round trips and a slow processor")
	fs.DurationVar(&c.FirstByte, "outbound-first-byte", 15*time.Second, "from the request until the answer's headers; an endpoint's own timeout bounds the whole attempt")
	fs.IntVar(&c.PerHost, "outbound-per-host", 512, "connections to one host and port: twice what one endpoint may ask for")
	fs.IntVar(&c.IdlePerHost, "outbound-idle-per-host", 0, "of those, kept open; 0: all, because with fewer the next burst has to shake hands anew")
	fs.IntVar(&c.Idle, "outbound-idle", 4096, "connections to endpoints kept open in all: a sixteenth of the files that a process commonly may open")
	fs.DurationVar(&c.IdleFor, "outbound-idle-for", 50*time.Second, "how long: less than the 60s after which common balancers close")
	fs.IntVar(&c.Certificates, "outbound-certificates", 256, "client certificates whose connections are kept, those used last: each has its own, and TLS sessions beside them")
	bytesVar(fs, &c.HeaderBytes, "outbound-header-bytes", 32<<10, "largest headers of an endpoint's answer")
	fs.StringSliceVar(&s.refuse, "outbound-refuse", nil, "further addresses, as 203.0.113.0/24, that are not sent to: a balancer's public one before this node, a network's own NAT64 prefix")
}

func (s *Settings) bindIdentity(fs *pflag.FlagSet) {
	c := &s.Node.Identity
	fs.StringVar(&c.DB, "identity-db", "", "postgres:// URL of a slower source of identities, asked for what the graph does not know; empty: none")
	fs.DurationVar(&c.Slow.Deadline, "identity-deadline", 300*time.Millisecond, "for a lookup there, waiting for its turn included: later the visitor is on the next page")
	fs.IntVar(&c.Slow.Concurrency, "identity-lookups", 32, "lookups there at a time: at 5ms each 6,400 a second, and more would make a database slower")
	fs.IntVar(&c.Slow.Queue, "identity-queue", 1024, "lookups that may wait beside them; more are not made, and the visitor's next hit asks again")
	fs.DurationVar(&c.Slow.NegativeTTL, "identity-unknown-for", 10*time.Minute, "how long what nobody knew is not asked for again: a visit is asked for about once")
	fs.IntVar(&c.Slow.NegativeMax, "identity-unknown", 1_000_000, "keys remembered that nobody knew: about 90MB")
	fs.DurationVar(&c.Slow.PersonTTL, "identity-known-for", time.Hour, "how long an answer is good for: a record taken out of the database is gone within it")
	fs.IntVar(&c.Slow.PersonMax, "identity-known", 50_000, "people remembered from there: about 60MB")
	bytesVar(fs, &c.Graph.Resident, "graph-resident", 2<<30, "largest graph file that is copied into memory with large pages once it is in use, beside the mapping that answers until then: lookups take a fraction of the time; 0: none")
	fs.IntVar(&c.Overlay.Max, "learned-links", 1_000_000, "links from identify calls and CRM leads held in memory, the newest: some 200,000 people, about 130MB")
}

func (s *Settings) bindCluster(fs *pflag.FlagSet) {
	c := &s.Node.Cluster
	fs.StringVar(&c.Name, "cluster-name", "leadwire", "nodes of another name are not heard")
	fs.StringVar(&c.Host, "cluster-host", "127.0.0.1", "address that actor messages and gossip are bound to")
	fs.StringVar(&c.Advertise, "cluster-advertise", "", "host by which other nodes reach this one; default: --cluster-host; needs --cluster-port")
	fs.IntVar(&c.Port, "cluster-port", 0, "port of actor messages; 0 takes a free one")
	fs.IntVar(&c.GossipPort, "gossip-port", 0, "port of membership; 0 takes a free one")
	fs.StringVar(&c.URL, "node-url", "", "where browsers reach this very node, as https://node-1.example.com or https://leads.example.com/node-1; pages then keep their stream at the node that a buyer lives on; none: it comes by the way all requests come")
	fs.StringSliceVar(&c.Seeds, "join", nil, "where the gossip of nodes to join is found: host:port, dns:name:port (every address of the name) or file:path (a line each), looked up again every 2s; none: this node begins alone")
	fs.StringVar(&s.clusterSecret, "cluster-secret", "", "encrypts gossip, and nothing else: base64 of 16, 24 or 32 bytes, the same on all nodes")
	fs.StringVar(&c.SecretFile, "cluster-secret-file", "", "a file of such keys instead, a line each: the first encrypts, each opens. It is read again every 2s, so that a key is replaced while nodes run: old; old, new; new, old; new")
	fs.StringVar(&s.clusterTLS.cert, "cluster-cert", "", "certificate of this node for gossip and actor messages, in PEM, shown to other nodes both ways; read again when it has changed; none: actor messages are neither encrypted nor authenticated, also with a key of gossip, and whoever reaches their port can send leads")
	fs.StringVar(&s.clusterTLS.key, "cluster-cert-key", "", "its key")
	fs.StringVar(&s.clusterTLS.authority, "cluster-ca", "", "the cluster's own authority, in PEM: whoever has a certificate of it is a node, whatever name stands in it")
	fs.DurationVar(&c.Probe, "cluster-probe", 500*time.Millisecond, "how often each node asks another whether it lives; one that does not answer is taken for dead after some five times this. The same on all nodes")
	fs.DurationVar(&c.Lease, "cluster-lease", 2500*time.Millisecond, "how long the store lets nobody else act for a node that it does not hear from; the node stops a tenth earlier. It is renewed five times in this: longer for a store that stalls for seconds. The same on all nodes")
	fs.DurationVar(&c.HandOver, "cluster-hand-over", 65*time.Second, "for deliveries under way in a partition that moves, which works on meanwhile: above the longest timeout of an endpoint")
	fs.IntVar(&c.AsksInFlight, "asks-in-flight", 8192, "questions between actors waiting for an answer: as many as webhooks in flight")
	fs.IntVar(&c.PeerInFlight, "peer-in-flight", 4096, "of those, to one other node: half, so that a slow node leaves room for the others")
	fs.IntVar(&c.TellWindow, "peer-window", 4096, "one-way messages that another node has not confirmed; more are refused, and found again in the store")
}

func (s *Settings) bindUpkeep(fs *pflag.FlagSet) {
	const day = 24 * time.Hour
	k := &s.Node.Keep
	fs.DurationVar(&s.Node.MaintainEvery, "maintain-every", time.Hour, "pause between rounds of retention")
	fs.DurationVar(&k.Events, "keep-events", 30*day, "bodies of inbound events: evidence for a month of disputes")
	fs.DurationVar(&k.Feed, "keep-feed", 30*day, "feed events, traces and marks; a page that was away for longer refetches")
	fs.DurationVar(&k.Keys, "keep-keys", 90*day, "event keys for deduplication: far beyond any source's last retry")
	fs.DurationVar(&k.Leads, "keep-leads", 400*day, "leads after their last change: a year and a season")
	fs.DurationVar(&k.Visits, "keep-visits", 400*day, "visits and learned links after their last change: a year and a season")
	fs.DurationVar(&k.Announced, "keep-announcements", 30*day, "events that left: as long as the bodies of those that came in")
	fs.DurationVar(&s.Node.Farewell, "farewell", time.Second, "over how long streams are closed at stop, so that they do not return in one instant")
	fs.DurationVar(&s.StopTimeout, "stop-timeout", 25*time.Second, "for a graceful stop: deliveries under way are waited for until 5s before it, so above the longest timeout of an endpoint by 10s; orchestrators commonly kill after 30s")
	fs.StringVar(&s.Pprof, "pprof", "", "address of Go's profiler, as 127.0.0.1:6060; empty: off. It is open to whoever reaches it")
}
