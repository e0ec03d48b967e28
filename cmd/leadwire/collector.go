package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much may pile up before the collector runs, as a percentage of what lives; Go's own is 100. A node's heap is
// mostly actors that live for half a minute, and marking them was 19% of its processor time at 3,000 events a second. Three
// times the garbage makes that 7%, for twice the memory of a busy node: 1.2 GiB where it were 650 MiB (leadwire bench pixel
// --endpoints 1 --known 1 --rate 3000). An idle one has no garbage.
const garbage = 300

// spareCollector lets the collector run less often, unless GOGC says how often.
func spareCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
