package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/identity/graph"
)

// progressBar shows how far something long is: a bar that is drawn over itself on a terminal, and a line every
// few seconds where lines are kept.
type progressBar struct {
	to       io.Writer
	terminal bool
	began    time.Time
	lineAt   time.Time
	drawn    bool
}

// A line every 5 seconds says that it goes on, and is 720 an hour.
const (
	barWidth   = 24
	lineEvery  = 5 * time.Second
	redrawLine = "\r\x1b[K"
)

func newProgressBar(to io.Writer) *progressBar {
	now := time.Now()
	return &progressBar{to: to, terminal: isTerminal(to), began: now, lineAt: now}
}

func (b *progressBar) show(p graph.Progress) {
	if p.Ended && p.Rows == 0 {
		return
	}
	text := progressText(p, b.terminal)
	switch {
	case b.terminal:
		fmt.Fprint(b.to, redrawLine, text)
		if b.drawn = !p.Ended; p.Ended {
			fmt.Fprintln(b.to)
		}
	case p.Ended, time.Since(b.lineAt) >= lineEvery:
		fmt.Fprintln(b.to, text)
		b.lineAt = time.Now()
	}
}

// finish ends a bar that was not drawn to its end.
func (b *progressBar) finish() {
	if b.drawn {
		fmt.Fprintln(b.to)
	}
}

// counted shows what only counts: so many of so many.
func (b *progressBar) counted(stage graph.Stage) func(done, total int64) {
	told := b.began
	return func(done, total int64) {
		now := time.Now()
		if now.Sub(told) < 250*time.Millisecond {
			return
		}
		told = now
		p := graph.Progress{Stage: stage, Done: done, Total: total, Rows: done, Took: now.Sub(b.began), Ended: done == total}
		if done > 0 {
			p.Rate = float64(done) / p.Took.Seconds()
			p.Left = time.Duration(float64(p.Took) * float64(total-done) / float64(done))
		}
		b.show(p)
	}
}

func progressText(p graph.Progress, bar bool) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-18s", p.Stage)
	if p.Total > 0 {
		part := min(1, float64(p.Done)/float64(p.Total))
		if bar {
			full := int(part * barWidth)
			fmt.Fprintf(&s, "[%s%s] ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full))
		}
		fmt.Fprintf(&s, "%3.0f%%  ", part*100)
	}
	fmt.Fprintf(&s, "%s at %s/s", thousands(p.Rows), thousands(int64(p.Rate)))
	switch {
	case p.Ended:
		fmt.Fprintf(&s, ", took %v", p.Took.Round(10*time.Millisecond))
	case p.Left > 0:
		fmt.Fprintf(&s, ", %v left", max(p.Left.Round(time.Second), time.Second))
	}
	return s.String()
}
