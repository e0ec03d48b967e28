package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// people is what a run knows of who was announced: the proof that nobody was forgotten or met twice.
type people struct {
	visited  map[int64]bool // person → a request of its visitor was acked
	met      map[string]bool
	missing  int
	repeated int
	strange  int
	updates  int
}

func newPeople(l *pixelLoad) *people {
	p := &people{visited: map[int64]bool{}, met: map[string]bool{}}
	known := int64(l.cfg.known())
	for n, a := range l.answers {
		if v := l.hits.of(int64(n)); a == wasAcked && v < known && !p.visited[v] {
			p.visited[v] = true
			p.missing++
		}
	}
	return p
}

// announced notes one announcement.
func (p *people) announced(kind, lead string) {
	if kind == string(domain.VisitorUpdatedEvent) {
		p.updates++
	}
	if kind != string(domain.VisitorIdentifiedEvent) {
		return
	}
	if p.met[lead] {
		p.repeated++
		return
	}
	p.met[lead] = true
	var person int64
	if _, err := fmt.Sscanf(lead, "person-p%d", &person); err != nil || !p.visited[person] {
		p.strange++
		return
	}
	p.missing--
}

// maxReading is a page of announcements: the most there are on one, at 3 KB each.
const (
	pageOf     = 500
	maxReading = 16 << 20
)

// prove reads every announcement, until all who visited have been met or the drain is over.
func (l *pixelLoad) prove(ctx context.Context, r *Report, s *pixelServer) error {
	p := newPeople(l)
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	deadline := time.Now().Add(l.cfg.Drain)
	for after := int64(0); ; {
		page, err := s.announcements(ctx, client, after)
		if err != nil {
			return fmt.Errorf("read announcements: %w", err)
		}
		for _, a := range page {
			p.announced(a.Type, a.Lead)
			after = a.Seq
		}
		if len(page) == pageOf {
			continue
		}
		if p.missing <= 0 || time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	r.set("first_matches", float64(len(p.met)))
	r.set("first_matches.lost", float64(p.missing))
	r.set("first_matches.repeated", float64(p.repeated))
	r.set("first_matches.strangers", float64(p.strange))
	r.set("updates", float64(p.updates))
	if s.receivers == nil {
		return nil
	}
	owed := (len(p.met) + p.repeated + p.updates) * l.cfg.Endpoints
	if err := s.mail.await(ctx, owed, time.Until(deadline)); err != nil {
		return err
	}
	s.mail.tell(r, owed, l)
	r.set("deliveries.forged", float64(s.receivers.forged.Load()))
	return nil
}

type announced struct {
	Seq  int64  `json:"seq"`
	Type string `json:"type"`
	Lead string `json:"lead"`
}

func (s *pixelServer) announcements(ctx context.Context, client *http.Client, after int64) ([]announced, error) {
	query := url.Values{"after": {fmt.Sprint(after)}, "limit": {fmt.Sprint(pageOf)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/announcements?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.key)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReading))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", response.StatusCode, strings.TrimSpace(string(body)))
	}
	var page struct {
		Announcements []announced `json:"announcements"`
	}
	return page.Announcements, json.Unmarshal(body, &page)
}
