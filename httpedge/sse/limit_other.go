//go:build !unix

package sse

import "math"

// fileLimit is how many descriptors this process may open: here there is no limit to ask for.
func fileLimit() int { return math.MaxInt32 }
