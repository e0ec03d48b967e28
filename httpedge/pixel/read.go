package pixel

import (
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// read reads the nth hit of a request.
func read(v strictjson.Value, n int, p *Request) Item {
	return Item{}
}
