package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much may pile up before the collector runs, as a percentage of what lives; Go's own is 100. A node's heap is
// mostly actors that live for half a minute, and marking them was 19% of its processor time at 3,000 events a second. Twice
// the garbage halves that, for some 30% more memory: 850 MB where it were 650 (leadwire bench pixel --endpoints 1 --known 1
// --rate 3000).
const garbage = 200

// spareCollector lets the collector run less often, unless GOGC says how often.
func spareCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
