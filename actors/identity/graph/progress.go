package graph

import "time"

// Stage is what a build is at.
type Stage string

// The stages of a build, in order.
const (
	ReadingCompanies Stage = "reading companies"
	ReadingNetworks  Stage = "reading networks"
	ReadingPersons   Stage = "reading people"
	WritingPersons   Stage = "writing people"
	WritingKeys      Stage = "writing keys"
)

// Progress is how far a build is in a stage. Of reading Done and Total are bytes, of writing entries.
type Progress struct {
	Stage Stage
	Done  int64
	Total int64         // 0: not known
	Rows  int64         // rows or entries so far
	Rate  float64       // of them, a second
	Took  time.Duration // since the stage began
	Left  time.Duration // until it ends, at the pace so far; 0 when Total is not known
	Ended bool          // the last of its stage
}

// progressEvery is how often progress is told: twice in what people take for at once.
const progressEvery = 250 * time.Millisecond

// looks is how many rows pass between two looks at the clock.
const looks = 1024

// meter tells of progress. Without a callback it does nothing.
type meter struct {
	tell  func(Progress)
	now   func() time.Time
	p     Progress
	began time.Time
	told  time.Time
}

func (m *meter) start(stage Stage, total int64) {
	m.p, m.began = Progress{Stage: stage, Total: total}, m.now()
	m.told = m.began
}

// step counts a row, and how far that is.
func (m *meter) step(done int64) {
	m.p.Rows++
	m.p.Done = done
	if m.tell == nil || m.p.Rows%looks != 0 {
		return
	}
	if now := m.now(); now.Sub(m.told) >= progressEvery {
		m.told = now
		m.show(now)
	}
}

func (m *meter) end() {
	if m.tell == nil {
		return
	}
	m.p.Ended = true
	if m.p.Total > 0 {
		m.p.Done = m.p.Total
	}
	m.show(m.now())
}

func (m *meter) show(now time.Time) {
	m.p.Took = now.Sub(m.began)
	if seconds := m.p.Took.Seconds(); seconds > 0 {
		m.p.Rate = float64(m.p.Rows) / seconds
	}
	m.p.Left = 0
	if m.p.Total > m.p.Done && m.p.Done > 0 {
		m.p.Left = time.Duration(float64(m.p.Took) * float64(m.p.Total-m.p.Done) / float64(m.p.Done))
	}
	m.tell(m.p)
}
