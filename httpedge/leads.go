package httpedge

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// A page of leads: 50 fill a screen; 200 are about 100 KB.
const defaultLimit, maxLimit = 50, 200

// nowHeader tells a dashboard the server's time, so that its marks can be put on our clock.
const nowHeader = "Leadwire-Now"

// leadRow is a lead as a buyer reads it.
type leadRow struct {
	ID         domain.LeadID     `json:"id"`
	State      domain.LeadState  `json:"state"`
	Campaign   domain.CampaignID `json:"campaign"`
	Source     domain.SourceID   `json:"source"`
	Contact    json.RawMessage   `json:"contact"`
	ReceivedAt stamp             `json:"received_at"`
	AssignedAt stamp             `json:"assigned_at"`
	UpdatedAt  stamp             `json:"updated_at"`
	AssignSeq  domain.Seq        `json:"assign_seq"`
	LastSeq    domain.Seq        `json:"last_seq"`
}

type leadPage struct {
	Leads      []leadRow `json:"leads"`
	NextCursor string    `json:"next_cursor,omitempty"` // absent on the last page
	Head       string    `json:"head"`                  // "<epoch>-<seq>": where to open the stream
}

// stamp is a time as the API writes it: RFC 3339, UTC, milliseconds.
type stamp time.Time

const stampLayout = "2006-01-02T15:04:05.000Z07:00"

func (t stamp) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, `"`+stampLayout+`"`), nil
}

func rowOf(l domain.Lead) leadRow {
	return leadRow{
		ID: l.ID, State: l.State, Campaign: l.Campaign, Source: l.Source, Contact: l.Contact,
		ReceivedAt: stamp(l.ReceivedAt), AssignedAt: stamp(l.AssignedAt), UpdatedAt: stamp(l.UpdatedAt),
		AssignSeq: l.AssignSeq, LastSeq: l.LastSeq,
	}
}

// pageQuery is which page a request asks for.
type pageQuery struct {
	limit  int
	before domain.Seq // 0: from the newest
}

// listLeads answers GET /api/buyer/leads: a buyer's leads, newest assignment first. Every change of a row
// moves the feed's head, so the head is the page's version, and a client that has it costs one short read.
func (s *Server) listLeads(ctx *fasthttp.RequestCtx, buyer domain.BuyerKey) {
	q, err := parsePage(ctx.QueryArgs())
	if err != nil {
		problem.FromError(err).Write(ctx)
		return
	}
	c, cancel := s.readContext()
	defer cancel()
	// The head is read before the rows: rows may then be newer than their ETag, which costs one more
	// read, and never older, which would hide a change.
	heads, err := s.deps.Reader.Heads(c, []domain.BuyerKey{buyer})
	if err != nil || len(heads) != 1 {
		s.storeTrouble(ctx, "read feed head", err)
		return
	}
	head := s.deps.Reader.Epoch() + "-" + heads[0].Seq.String()
	tag := fmt.Sprintf(`"%s.%d.%d"`, head, q.limit, q.before)
	s.fresh(ctx, tag)
	if matches(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), tag) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	leads, err := s.deps.Reader.BuyerLeads(c, buyer, q.before, q.limit+1) // one more tells whether there are more
	if err != nil {
		s.storeTrouble(ctx, "read buyer's leads", err)
		return
	}
	page := leadPage{Leads: []leadRow{}, Head: head}
	if len(leads) > q.limit {
		leads = leads[:q.limit]
		page.NextCursor = cursor(leads[len(leads)-1].AssignSeq)
	}
	for _, l := range leads {
		page.Leads = append(page.Leads, rowOf(l))
	}
	writeJSON(ctx, page)
}

// oneLead answers GET /api/buyer/leads/{id}. Another buyer's lead is not there.
func (s *Server) oneLead(ctx *fasthttp.RequestCtx, id string) {
	claims, ok := s.buyer(ctx)
	if !ok {
		return
	}
	if !domain.CheckForeignID(id) {
		noLead(ctx)
		return
	}
	c, cancel := s.readContext()
	defer cancel()
	lead, err := s.deps.Reader.Lead(c, domain.LeadKey{Account: claims.Buyer.Account, Lead: domain.LeadID(id)})
	switch {
	case domain.CodeOf(err) == domain.NotFound, err == nil && lead.Buyer != claims.Buyer.Buyer:
		noLead(ctx)
	case err != nil:
		s.storeTrouble(ctx, "read lead", err)
	default:
		s.fresh(ctx, fmt.Sprintf(`"%s-r%d"`, s.deps.Reader.Epoch(), lead.Revision))
		writeJSON(ctx, rowOf(lead))
	}
}

func noLead(ctx *fasthttp.RequestCtx) {
	problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "no such lead"}.Write(ctx)
}

// fresh sets the headers of an answer that a browser may keep and has to ask about.
func (s *Server) fresh(ctx *fasthttp.RequestCtx, tag string) {
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderETag, tag)
	h.Set(fasthttp.HeaderCacheControl, "private, no-cache")
	h.Add(fasthttp.HeaderVary, "Authorization, Cookie")
	h.Set(nowHeader, s.deps.Clock.Now().UTC().Format(stampLayout))
}

// matches says whether an If-None-Match names tag. A weak form of it counts: RFC 9110 compares so.
func matches(header []byte, tag string) bool {
	for one := range strings.SplitSeq(string(header), ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// storeTrouble answers a read that failed. A nil err is a store that broke its promise.
func (s *Server) storeTrouble(ctx *fasthttp.RequestCtx, op string, err error) {
	if err == nil {
		err = domain.Fail(op, domain.Internal, nil)
	}
	if domain.CodeOf(err) == domain.Internal {
		s.deps.Log.Error("a read failed", "op", op, "error", err)
	}
	ctx.Response.Header.Del(fasthttp.HeaderETag)
	problem.FromError(err).Write(ctx)
}

func writeJSON(ctx *fasthttp.RequestCtx, value any) {
	b, err := json.Marshal(value)
	if err != nil { // a contact that is no JSON: the store holds what only a parser of ours could have put there
		problem.Problem{Status: fasthttp.StatusInternalServerError, Code: domain.Internal}.Write(ctx)
		return
	}
	ctx.SetContentType("application/json")
	ctx.Response.SetBodyRaw(b)
}

func parsePage(args *fasthttp.Args) (pageQuery, error) {
	const op = "read page query"
	q := pageQuery{limit: defaultLimit}
	if text := string(args.Peek("limit")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			return q, domain.FailField(op, "limit", fmt.Sprintf("must be a number from 1 to %d", maxLimit))
		}
		q.limit = n
	}
	if text := string(args.Peek("cursor")); text != "" {
		seq, ok := parseCursor(text)
		if !ok {
			return q, domain.FailField(op, "cursor", "must be a next_cursor of an earlier page")
		}
		q.before = seq
	}
	return q, nil
}

// A cursor is the last row's place in the feed. It is opaque so that it can become something else: the
// letter says which form it is.
const cursorForm = "a"

func cursor(last domain.Seq) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorForm + last.String()))
}

func parseCursor(text string) (domain.Seq, bool) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, false
	}
	digits, ok := strings.CutPrefix(string(plain), cursorForm)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return domain.Seq(n), err == nil && n > 0
}
