package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// swaps changes the graph of a server under load, as an operator does, and notes when. After each change comes
// its control: the same stretch of time, looked at in the same way, in which nothing is changed.
//
//	├──── a half of duration/n ────┼──── the other half ──────────┤
//	   PUT ──▶ 200 ──▶ in memory       nothing
//	   └──────── window ────────┘      └──────── control ───────┘
//
// The two files have the same content under two names, so that whoever is known stays known. They are as large
// and as new to the server each time: it maps, verifies and copies all of it again.
type swaps struct {
	server *pixelServer
	start  time.Time // of the run
	client *http.Client

	windows  []window
	answered *Recorder // from the request until its answer
	settled  *Recorder // from the request until the new file is in memory and the old one is closed
	late     int       // swaps that were not settled when their window had to end
}

const (
	// swapLook is how often a window looks how far the server is, and swapAftermath how long it stays open when
	// the server is done.
	swapLook      = 100 * time.Millisecond
	swapAftermath = 250 * time.Millisecond
	// swapShare is the part of its half that a window may take. The rest is calm.
	swapShare = 0.75
	// shortestSwap is the least time for a swap and its control.
	shortestSwap = 2 * time.Second
)

func newSwaps(server *pixelServer) *swaps {
	return &swaps{server: server, client: &http.Client{Timeout: 30 * time.Second}, answered: NewRecorder(), settled: NewRecorder()}
}

// run swaps n times within duration, evenly spread from now on. start is the run's.
func (s *swaps) run(ctx context.Context, start time.Time, n int, duration time.Duration) error {
	defer s.client.CloseIdleConnections()
	s.start = start
	begin, half := time.Now(), duration/time.Duration(2*n)
	lead, most := half/8, time.Duration(float64(half)*swapShare)
	for i := range n {
		if err := until(ctx, begin.Add(2*time.Duration(i)*half+lead)); err != nil {
			return err
		}
		length, err := s.swap(ctx, s.server.graphs[(i+1)%len(s.server.graphs)], most)
		if err != nil {
			return fmt.Errorf("swap the graph: %w", err)
		}
		if err := until(ctx, begin.Add((2*time.Duration(i)+1)*half+lead)); err != nil {
			return err
		}
		if err := s.control(ctx, length); err != nil {
			return err
		}
	}
	return nil
}

// swap puts a file in use and says how long its window was.
func (s *swaps) swap(ctx context.Context, path string, most time.Duration) (time.Duration, error) {
	before, err := scrape(ctx, s.client, s.server.URL)
	if err != nil {
		return 0, err
	}
	from := time.Now()
	if err := s.server.useGraph(ctx, s.client, path); err != nil {
		return 0, err
	}
	s.answered.Record(time.Since(from))
	settled, err := s.look(ctx, from.Add(most-swapAftermath), func(now samples) bool { return hasSettled(before, now) })
	switch {
	case err != nil:
		return 0, err
	case settled:
		s.settled.Record(time.Since(from))
	default:
		s.late++
	}
	if err := until(ctx, time.Now().Add(swapAftermath)); err != nil {
		return 0, err
	}
	return s.note(from, false), nil
}

// control is a window of a length, in which the server is looked at just as often.
func (s *swaps) control(ctx context.Context, length time.Duration) error {
	from := time.Now()
	if _, err := s.look(ctx, from.Add(length-swapAftermath), func(samples) bool { return false }); err != nil {
		return err
	}
	if err := until(ctx, from.Add(length)); err != nil {
		return err
	}
	s.note(from, true)
	return nil
}

func (s *swaps) note(from time.Time, control bool) time.Duration {
	now := time.Now()
	s.windows = append(s.windows, window{from: from.Sub(s.start), until: now.Sub(s.start), control: control})
	return now.Sub(from)
}

// look reads the server's metrics now and then, until they say what is wanted or it is time.
func (s *swaps) look(ctx context.Context, deadline time.Time, enough func(samples) bool) (bool, error) {
	for {
		now, err := scrape(ctx, s.client, s.server.URL)
		if err != nil {
			return false, err
		}
		if enough(now) {
			return true, nil
		}
		next := time.Now().Add(swapLook)
		if next.After(deadline) {
			return false, until(ctx, deadline)
		}
		if err := until(ctx, next); err != nil {
			return false, err
		}
	}
}

// hasSettled says whether a swap has come to its end: the new file in memory, the old one closed.
func hasSettled(before, now samples) bool {
	const swapped, size, resident, open = "leadwire_graph_swaps_total", "leadwire_graph_file_bytes", "leadwire_graph_resident_bytes", "leadwire_graph_files_replaced_open"
	return now[swapped] > before[swapped] && now[resident] == now[size] && now[open] == 0
}

func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// useGraph is what an operator's "leadwire graph use" asks for.
func (s *pixelServer) useGraph(ctx context.Context, client *http.Client, path string) error {
	body, err := json.Marshal(map[string]string{"path": path})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL+"/api/v1/graph", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.operator)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", response.StatusCode, strings.TrimSpace(string(answer)))
	}
	return err
}

// copyFile makes a second file of the same content, all of it on the disk.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

// swapFigures are of a run that swaps its graph.
func swapFigures() []Spec {
	specs := []Spec{
		{Name: "swaps", Unit: Number, Help: "times the graph was swapped under load"},
		{Name: "swap.answered.p50", Unit: Seconds, Help: "from the request for a swap until its answer: the catalog names the new file"},
		{Name: "swap.answered.max", Unit: Seconds, Help: "likewise"},
		{Name: "swap.settled.p50", Unit: Seconds, Help: "from that request until the new file was in memory and the old one closed, seen every 100 ms"},
		{Name: "swap.settled.max", Unit: Seconds, Help: "likewise"},
	}
	specs = append(specs, latency("swap.ack", "ack of requests due or under way from the request for a swap until 250 ms after it settled")...)
	specs = append(specs, latency("control.ack", "likewise, around a moment halfway between two swaps, for as long")...)
	specs = append(specs, latency("calm.ack", "likewise, of all others")...)
	return append(specs,
		Spec{Name: "swap.worst", Unit: Seconds, Help: "the slowest ack around a swap, as the median of the swaps"},
		Spec{Name: "control.worst", Unit: Seconds, Help: "the slowest ack around a moment between swaps, as the median of those moments"},
		Spec{Name: "swap.added", Unit: Seconds, Help: "how much slower the slowest ack around a swap was than that of its control, as the median of the swaps; 0 when it was not"},
		Spec{Name: "swap.slow", Unit: Fraction, Help: "of the acks around swaps, those over 10 ms"},
		Spec{Name: "control.slow", Unit: Fraction, Help: "likewise, around the moments between swaps"},
	)
}

// slowAck is what no request may take because of a swap.
const slowAck = 10 * time.Millisecond

// tellSwaps fills them in.
func (l *pixelLoad) tellSwaps(r *Report, s *swaps) {
	r.set("swaps", float64(s.answered.Count()))
	for name, rec := range map[string]*Recorder{"swap.answered": s.answered, "swap.settled": s.settled} {
		if rec.Count() > 0 {
			r.setDuration(name+".p50", rec.Quantile(0.50))
			r.setDuration(name+".max", rec.Max())
		}
	}
	if s.late > 0 {
		r.note("%d swaps were not settled when their window had to end: too little time for each, or a graph that is not copied into memory", s.late)
	}
	by := sortByWindow(s.windows, slowAck, l.timed())
	r.setLatency("swap.ack", by.done)
	r.setLatency("control.ack", by.control)
	r.setLatency("calm.ack", by.calm)
	done, control := pairs(s.windows, by.worst)
	if len(done) == 0 {
		return
	}
	added := make([]time.Duration, len(done))
	for i := range done {
		added[i] = done[i] - control[i]
		l.cfg.Log.Info("slowest ack", "swap", i+1, "around", done[i], "control", control[i])
	}
	r.setDuration("swap.worst", middle(done))
	r.setDuration("control.worst", middle(control))
	r.setDuration("swap.added", max(0, middle(added)))
	if by.done.Count() > 0 && by.control.Count() > 0 {
		r.set("swap.slow", float64(by.doneSlow)/float64(by.done.Count()))
		r.set("control.slow", float64(by.controlSlow)/float64(by.control.Count()))
	}
}
