package bench

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// span is a stretch of a run.
type span struct{ from, until time.Duration }

// spell is how long things took in a stretch of a run.
type spell struct {
	all     *Recorder
	seconds map[int]time.Duration // 95th percentile of what was due in each of its seconds, counted from its begin
	second  time.Duration         // likewise of the median second: one bad moment of the machine does not move it
}

func gather(from time.Duration, requests iter.Seq[request]) spell {
	s, bySecond := spell{all: NewRecorder(), seconds: map[int]time.Duration{}}, map[int][]time.Duration{}
	for r := range requests {
		s.all.Record(r.took)
		at := int((r.due - from) / time.Second)
		bySecond[at] = append(bySecond[at], r.took)
	}
	for at, took := range bySecond {
		slices.Sort(took)
		s.seconds[at] = took[(len(took)*95+99)/100-1]
	}
	if len(s.seconds) > 0 {
		s.second = middle(slices.Collect(maps.Values(s.seconds)))
	}
	return s
}

// tellSpell reports a stretch under a name.
func tellSpell(r *Report, name string, s spell) {
	r.setLatency(name, s.all)
	if s.all.Count() > 0 {
		r.setDuration(name+".second", s.second)
	}
}

func spellFigures(name, help string) []Spec {
	return append(latency(name, help), Spec{Name: name + ".second", Unit: Seconds, Help: "likewise, the 95th percentile of the median second"})
}

// tellRatio sets one stretch against another.
func tellRatio(r *Report, name string, of, to spell) {
	if to.all.Count() == 0 || of.all.Count() == 0 {
		return
	}
	r.set(name, of.all.Quantile(0.95).Seconds()/to.all.Quantile(0.95).Seconds())
	r.set(name+".second", of.second.Seconds()/to.second.Seconds())
}

func ratioFigures(name, help string) []Spec {
	return []Spec{
		{Name: name, Unit: Number, Help: help},
		{Name: name + ".second", Unit: Number, Help: "likewise, of the 95th percentiles of the median second of each"},
	}
}
