package queue

// SetRoom narrows the window, so that a life of some dozens of deliveries overflows it.
func (q *Queue) SetRoom(n int) { q.window.room = n }

// Size is how many deliveries are in memory, and how many are remembered.
func (q *Queue) Size() (rows, settled int) { return len(q.window.rows), len(q.window.settled) }
