package domain

// HitOf says which of the hits has the id; -1: none of them.
func (o *Observation) HitOf(id EventID) int {
	for i := range o.Hits {
		if o.Hits[i].ID == id {
			return i
		}
	}
	return -1
}
