package control

import (
	"net/http"
	"strings"

	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/problem"
)

// API serves /api/v1 to whoever is trusted already: over the control socket, and to a command that has the
// store open itself. The routes and what they answer are the edge's.
func API(api *admin.API) http.Handler {
	mux := http.NewServeMux()
	for _, r := range admin.Routes() {
		mux.HandleFunc(r.Method+" "+r.Path, func(w http.ResponseWriter, request *http.Request) {
			reply := api.Serve(request.Context(), r, &admin.Call{
				Caller: admin.Local(), Param: param(r, request), Query: request.URL.Query().Get,
				Header: request.Header.Get, Body: request.Body,
			})
			body, err := reply.JSON()
			if err != nil {
				reply.Err = err
			}
			if reply.Err != nil {
				p := reply.Problem()
				w.Header().Set("Content-Type", problem.ContentType)
				w.WriteHeader(p.Status)
				_, _ = w.Write(p.JSON()) // a caller that has gone away is no concern of the node
				return
			}
			if reply.ETag != "" {
				w.Header().Set("ETag", reply.ETag)
			}
			if body != nil {
				w.Header().Set("Content-Type", "application/json")
			}
			w.WriteHeader(reply.Status)
			_, _ = w.Write(body)
		})
	}
	return mux
}

// param is what stands in a path where a route has its parameter.
func param(r admin.Route, request *http.Request) string {
	_, rest, _ := strings.Cut(r.Path, "{")
	name, _, _ := strings.Cut(rest, "}")
	return request.PathValue(strings.TrimSuffix(name, "..."))
}
