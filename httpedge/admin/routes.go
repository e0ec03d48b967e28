package admin

import (
	"context"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// Route is one method of one path below /api/v1. The path may have a parameter: "{id}" is one segment, "{key...}" the
// rest.
type Route struct {
	Method  string
	Path    string
	Name    string // labels metrics
	Scope   apikey.Scope
	timeout time.Duration
	handle  func(a *API, ctx context.Context, c *Call) Reply
}

// How long a call may take.
const (
	short      = 5 * time.Second
	keeping    = 10 * time.Second          // 50 hits, each a commit; a month of figures
	counting   = time.Minute               // 100,000 deliveries are looked at
	probing    = domain.MaxTimeout + short // a test event has the time of any attempt
	forgetting = 2 * time.Minute           // an erasure reads an account's leads and every link
	importing  = 10 * time.Minute          // 64 MiB at 1 Mbit/s
)

// Routes is the whole API.
func Routes() []Route {
	return []Route{
		{"POST", "/api/v1/events", "v1_events", apikey.EventsWrite, keeping, (*API).events},
		{"GET", "/api/v1/announcements", "v1_announcements", apikey.AnnouncementsRead, short, (*API).announcements},
		{"GET", "/api/v1/suppressions", "v1_suppressions", apikey.SuppressionsRead, keeping, (*API).suppressions},
		{"POST", "/api/v1/suppressions", "v1_suppress", apikey.SuppressionsWrite, keeping, (*API).suppress},
		{"DELETE", "/api/v1/suppressions/{id}", "v1_unsuppress", apikey.SuppressionsWrite, forgetting, (*API).unsuppress},
		{"POST", "/api/v1/suppressions/import", "v1_suppress_import", apikey.SuppressionsWrite, importing, (*API).importSuppressions},
		{"GET", "/api/v1/people/{key...}", "v1_person", apikey.PeopleRead, forgetting, (*API).findPerson},
		{"DELETE", "/api/v1/people/{key...}", "v1_erase", apikey.PeopleErase, forgetting, (*API).erasePerson},
		{"GET", "/api/v1/pixels", "v1_pixels", apikey.PixelsRead, short, (*API).pixels},
		{"GET", "/api/v1/pixels/{id}", "v1_pixel", apikey.PixelsRead, short, (*API).pixel},
		{"PUT", "/api/v1/pixels/{id}", "v1_pixel_put", apikey.PixelsWrite, keeping, (*API).putPixel},
		{"DELETE", "/api/v1/pixels/{id}", "v1_pixel_delete", apikey.PixelsWrite, keeping, (*API).deletePixel},
		{"GET", "/api/v1/graph", "v1_graph", apikey.GraphRead, short, (*API).graph},
		{"PUT", "/api/v1/graph", "v1_graph_use", apikey.GraphWrite, keeping, (*API).useGraph},
		{"GET", "/api/v1/cluster", "v1_cluster", apikey.ClusterRead, short, (*API).cluster},
		{"POST", "/api/v1/cluster/drain", "v1_cluster_drain", apikey.ClusterWrite, short, (*API).drainNode},
		{"DELETE", "/api/v1/cluster/drain", "v1_cluster_return", apikey.ClusterWrite, short, (*API).returnNode},
		{"POST", "/api/v1/cluster/leave", "v1_cluster_leave", apikey.ClusterWrite, short, (*API).leaveCluster},
		{"GET", "/api/v1/keys", "v1_keys", apikey.KeysWrite, short, (*API).keys},
		{"POST", "/api/v1/keys", "v1_key_create", apikey.KeysWrite, short, (*API).createKey},
		{"DELETE", "/api/v1/keys/{id}", "v1_key_revoke", apikey.KeysWrite, short, (*API).revokeKey},
		{"GET", "/api/v1/endpoints", "v1_endpoints", apikey.EndpointsRead, keeping, (*API).endpoints},
		{"GET", "/api/v1/endpoints/{id}", "v1_endpoint", apikey.EndpointsRead, short, (*API).endpoint},
		{"GET", "/api/v1/endpoints/{id}/stats", "v1_endpoint_stats", apikey.EndpointsRead, keeping, (*API).endpointStats},
		{"PUT", "/api/v1/endpoints/{id}", "v1_endpoint_put", apikey.EndpointsWrite, keeping, (*API).putEndpoint},
		{"DELETE", "/api/v1/endpoints/{id}", "v1_endpoint_delete", apikey.EndpointsWrite, keeping, (*API).deleteEndpoint},
		{"POST", "/api/v1/endpoints/{path...}", "v1_endpoint_steer", apikey.EndpointsWrite, probing, (*API).steerEndpoint},
		{"POST", "/api/v1/secrets/reseal", "v1_reseal", apikey.SecretsReseal, keeping, (*API).reseal},
		{"GET", "/api/v1/deliveries", "v1_deliveries", apikey.DeliveriesRead, keeping, (*API).listDeliveries},
		{"GET", "/api/v1/deliveries/{n}", "v1_delivery", apikey.DeliveriesRead, short, (*API).delivery},
		{"GET", "/api/v1/deliveries/{n}/attempts", "v1_attempts", apikey.DeliveriesRead, short, (*API).attempts},
		{"POST", "/api/v1/deliveries/{path...}", "v1_delivery_steer", apikey.DeliveriesWrite, keeping, (*API).steerDelivery},
		{"GET", "/api/v1/replays", "v1_replays", apikey.DeliveriesRead, short, (*API).listReplays},
		{"POST", "/api/v1/replays", "v1_replay_start", apikey.DeliveriesWrite, counting, (*API).startReplay},
		{"GET", "/api/v1/replays/{n}", "v1_replay", apikey.DeliveriesRead, short, (*API).replayJob},
		{"DELETE", "/api/v1/replays/{n}", "v1_replay_cancel", apikey.DeliveriesWrite, short, (*API).cancelReplay},
		{"GET", "/api/v1/stats", "v1_stats", apikey.EndpointsRead, keeping, (*API).accountStats},
		{"GET", "/api/v1/audit", "v1_audit", apikey.AuditRead, short, (*API).audit},
	}
}
