package sse

import (
	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors/domain"
)

// passedOn is the headers of the answer that the router may have set and that a stream is sent with, as lines.
func passedOn(ctx *fasthttp.RequestCtx) (lines []byte) {
	for _, name := range []string{
		fasthttp.HeaderAccessControlAllowOrigin, fasthttp.HeaderAccessControlExposeHeaders, fasthttp.HeaderVary, "Leadwire-Owner",
	} {
		if value := ctx.Response.Header.Peek(name); len(value) > 0 { // fasthttp keeps line breaks out of them
			lines = append(append(append(append(lines, name...), ": "...), value...), "\r\n"...)
		}
	}
	return lines
}

func (s *Server) owner(key domain.BuyerKey) domain.Owner {
	if s.deps.Owner == nil {
		return domain.Owner{Local: true}
	}
	return s.deps.Owner(key)
}

// Moved is told that buyers may live on other nodes now. Streams go on where they are; a client whose buyer has moved to a
// node that browsers can reach is told so, and may open a stream there before it leaves this one.
func (s *Server) Moved() {
	for _, k := range s.wheel.all() {
		s.hint(k)
	}
}

func (s *Server) hint(k *sink) {
	owner := s.owner(k.key)
	if k.rehome(owner.Node) && !owner.Local && owner.URL != "" && k.send(s.encode.owner(owner.Node)) {
		s.metrics.hints.Inc()
	}
}

// rehome notes where the stream's buyer lives, and says whether that is news.
func (s *sink) rehome(to string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to == "" || to == s.owner { // without members there is no owner: the next change tells
		return false
	}
	s.owner = to
	return true
}
