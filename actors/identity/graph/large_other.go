//go:build unix && !linux

package graph

// preferLarge has nothing to ask for: these kernels choose large pages by themselves, or not at all.
func preferLarge([]byte) {}
