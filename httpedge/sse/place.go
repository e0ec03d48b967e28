package sse

import (
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors/domain"
)

// place is where a client says it stands.
type place struct {
	seq   domain.Seq
	known bool // it named a place of this store's history
	lost  bool // it named a place we do not know: another epoch, or no place at all
	home  bool // it was sent to this node as the one that its buyer lives on: it came with a ticket
}

// placeOf reads Last-Event-ID, which a browser sends when it reconnects by itself, or else the query's
// last, which a page gives to a new EventSource. The header wins: it is the newer of the two.
func placeOf(ctx *fasthttp.RequestCtx, epoch string) place {
	id := ctx.Request.Header.Peek("Last-Event-ID")
	if len(id) == 0 {
		id = ctx.QueryArgs().Peek("last")
	}
	p := parsePlace(string(id), epoch)
	p.home = ctx.QueryArgs().Has("ticket")
	return p
}

// parsePlace reads "<epoch>-<seq>". Empty is no place; anything else that is not of this epoch is lost.
func parsePlace(id, epoch string) place {
	if id == "" {
		return place{}
	}
	digits, ours := strings.CutPrefix(id, epoch+"-")
	if !ours || digits == "" || digits[0] < '0' || digits[0] > '9' { // ParseInt would take a sign
		return place{lost: true}
	}
	seq, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return place{lost: true}
	}
	return place{seq: domain.Seq(seq), known: true}
}
