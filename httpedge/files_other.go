//go:build !unix

package httpedge

import "math"

// fileLimit is how many descriptors this process may open: here there is no limit to ask for.
func fileLimit() int { return math.MaxInt32 }
