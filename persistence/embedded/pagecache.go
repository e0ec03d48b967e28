package embedded

import (
	"sync"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// The memory that SQLite runs on here comes from the kernel 64 KiB at a time, in slots of a power of two, and goes back when
// the last slot of such a piece is free. Two of its habits make that happen thousands of times a second: a reader lets go of
// its pages after each commit of the writer, and an insert that splits a page borrows a scratch of some 10 KB. Each time
// was four calls of the kernel, a fault for every page, and an interruption of the other cores, a tenth of the processor
// time of a busy node together. So one slot of each piece is kept for good, and the others of it are at hand.
const (
	pieceSize = 64 << 10
	slotPages = 8 << 10  // a page of the file with its headers: 4.4 KB
	slotSplit = 16 << 10 // a split's scratch
	// spare are the slots at hand: a hundred pages for each of the readers, the writer and the checkpointer are 5 MiB, two
	// splits at a time 0.3.
	sparePages = 600
	spareSplit = 6
)

// keepMemory does so, once in a process.
var keepMemory = sync.OnceFunc(func() { //nolint:gochecknoglobals // it is the process's memory
	tls := libc.NewTLS()
	defer tls.Close()
	keepSlots(tls, slotPages, sparePages)
	keepSlots(tls, slotSplit, spareSplit)
})

// keepSlots takes so many slots and more, piece by piece, and gives all but the first of each piece back. It answers with those
// that it keeps.
func keepSlots(tls *libc.TLS, slot, spare int) (kept []uintptr) {
	const header = 64 // of a piece, and of an allocation, at most
	perPiece := (pieceSize - header) / slot
	var back []uintptr
	for i := 0; len(back) < spare; i++ {
		p := lib.Xsqlite3_malloc(tls, int32(slot-header))
		if p == 0 {
			break
		}
		if i%perPiece == 0 {
			kept = append(kept, p)
		} else {
			back = append(back, p)
		}
	}
	for _, p := range back {
		lib.Xsqlite3_free(tls, p)
	}
	return kept
}
