package embedded

import (
	"testing"

	"github.com/stretchr/testify/require"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// What is kept is one slot of each piece, so that whoever takes a slot finds one beside it, and giving it back leaves the piece
// where it is. This fails when the allocator cuts its memory otherwise; then pagecache.go keeps memory for nothing.
func TestKeepSlots_LeavesRoomBesideWhatItKeeps(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	for _, slot := range []int{slotPages, slotSplit} {
		kept := keepSlots(tls, slot, 20)
		perPiece := pieceSize/slot - 1 // a piece has a header
		require.Len(t, kept, (20+perPiece-2)/(perPiece-1))
		piece := func(p uintptr) uintptr { return p / pieceSize }
		pieces := map[uintptr]bool{}
		for _, p := range kept {
			require.False(t, pieces[piece(p)], "one of each piece")
			pieces[piece(p)] = true
		}
		var taken []uintptr
		for range 10 {
			p := lib.Xsqlite3_malloc(tls, int32(slot/2+slot/10))
			taken = append(taken, p)
			require.True(t, pieces[piece(p)], "there was room")
		}
		for _, p := range append(taken, kept...) {
			lib.Xsqlite3_free(tls, p)
		}
	}
}

// BenchmarkSplitScratch is what a split of a page borrows and gives back; before: without a slot kept beside it.
func BenchmarkSplitScratch(b *testing.B) {
	tls := libc.NewTLS()
	defer tls.Close()
	borrow := func(b *testing.B) {
		for b.Loop() {
			lib.Xsqlite3_free(tls, lib.Xsqlite3_malloc(tls, 10<<10))
		}
	}
	b.Run("before", borrow)
	kept := keepSlots(tls, slotSplit, spareSplit)
	b.Run("kept", borrow)
	for _, p := range kept {
		lib.Xsqlite3_free(tls, p)
	}
}
