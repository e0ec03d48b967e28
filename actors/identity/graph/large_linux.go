package graph

import "golang.org/x/sys/unix"

// preferLarge asks for pages of 2 MiB. Where they are switched off it stays at small ones, and lookups at what
// the mapping takes.
func preferLarge(memory []byte) { _ = unix.Madvise(memory, unix.MADV_HUGEPAGE) }
