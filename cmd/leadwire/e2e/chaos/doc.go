// Package chaos runs clusters of real processes while things go wrong, and then asks whether every promise was kept.
//
//	plan (a seed) ─▶ kill, pause, cut, lose, delay, skew, restart the store ─▶ 3 to 5 nodes, each on a host (arena)
//	load ─▶ CRM webhooks, pixel hits: open loop, told again elsewhere until acked          │
//	dashboards, receivers ◀── feeds by SSE, signed webhooks ◀──────────────────────────────┘
//	then: heal · wait until nothing moves · ask the store, and whoever was outside
//
// What is checked stands in check_store_linux_test.go and check_outside_linux_test.go; that nobody who was fenced has
// committed is watched while it happens, by triggers in the store (fence_linux_test.go).
//
//	go test ./cmd/leadwire/e2e/chaos                  one short round, as in make test
//	make chaos                                        30 rounds of 60 s, seeds 1 to 30
//	make chaos SEED=17 CHAOS_ROUNDS=1 CHAOS_KEEP=1    one of them again, and its history stays
//
// The plan is the same for a seed; who wins a race on a machine is not. So a round leaves its history when it failed:
// the plan and when each fault really was, what was acked by whom, what every dashboard and receiver saw, every log.
package chaos
