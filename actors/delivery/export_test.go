package delivery

import (
	"unsafe"

	"github.com/leadwire/leadwire/actors/domain"
)

// PageLists is how many lists of pages a judge holds in memory.
func PageLists(j *Judge) int {
	lists := map[*domain.PageSeen]bool{}
	for _, w := range j.waiting {
		lists[unsafe.SliceData(w.Visit.Pages)] = true
	}
	return len(lists)
}
