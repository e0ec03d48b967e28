package httpedge

import (
	"errors"
	"io"
	"net"

	"github.com/valyala/fasthttp"
)

// bodyFault is why a body could not be read; also the reason in metrics.
type bodyFault string

const (
	bodyWhole   bodyFault = ""
	bodyLarge   bodyFault = "too_large" // longer than its cap
	bodySlow    bodyFault = "slow"      // not here when ReadTimeout ended
	bodyAborted bodyFault = "aborted"   // the connection ended inside it, or its chunks are malformed
	bodyNoRoom  bodyFault = "no_room"   // too many bytes of other bodies are held
)

// firstRoom is what a body's buffer starts with, in bytes: most webhooks fit, and a stranger who declares
// a megabyte and sends nothing costs no more.
const firstRoom = 4 << 10

// readBody reads a request's whole body into memory of its own, which the caller may keep. hold is told of
// every growth of the buffer and answers whether there is room for it. After a fault the rest of the body
// may still be on its way; serve sees to that.
func readBody(ctx *fasthttp.RequestCtx, limit int, hold func(bytes int) bool) ([]byte, bodyFault) {
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return nil, bodyWhole
	}
	declared := ctx.Request.Header.ContentLength() // negative: in chunks
	body, fault := gather(stream, declared, limit, hold)
	if c, ours := ctx.Conn().(*conn); ours && fault == bodyWhole {
		c.unread = false
	}
	return body, fault
}

func gather(stream io.Reader, declared, limit int, hold func(int) bool) ([]byte, bodyFault) {
	if declared > limit {
		return nil, bodyLarge
	}
	room := firstRoom
	if declared >= 0 {
		room = min(room, declared+1) // one more, so that the end is met without growing
	}
	if !hold(room) {
		return nil, bodyNoRoom
	}
	body := make([]byte, 0, room)
	for {
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, bodyLarge
		case err != nil:
			return finish(body, declared, err)
		case len(body) < cap(body):
			continue
		}
		room = min(2*cap(body), limit+1)
		if !hold(room - cap(body)) {
			return nil, bodyNoRoom
		}
		grown := make([]byte, len(body), room)
		copy(grown, body)
		body = grown
	}
}

// finish judges how a body ended. The stream reports a connection that closed early like a body's end, so
// the length decides.
func finish(body []byte, declared int, err error) ([]byte, bodyFault) {
	var timeout net.Error
	switch {
	case errors.Is(err, io.EOF) && (declared < 0 || len(body) == declared):
		return body, bodyWhole
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, bodySlow
	default:
		return nil, bodyAborted
	}
}
