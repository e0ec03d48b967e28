// Package storetest holds every promise of domain.Store as a test, and runs them against any backend:
// one contract, proven twice. A new promise starts here.
//
//	Harness{Open, Steps} ──Run──▶ Receiving, Deciding, Caps, Fencing, Feeds, Failures, Catalog, Retention, Life
//
// A backend lends it three things beyond the port: an Open that makes a fresh store, a Crash that
// takes the process away from under it, and a hook that is asked at every step of a commit, so that a
// failure can be injected at each. The tests look through the port only, never at tables.
package storetest
