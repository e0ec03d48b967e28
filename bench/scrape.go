package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// samples are the values of a /metrics page: of each name the sum over its labels, and of a summary's quantiles
// also each by itself, as name{quantile="0.5"}, because their sum means nothing.
type samples map[string]float64

// maxPage bounds a /metrics page: the product's is under 100 KiB.
const maxPage = 8 << 20

// scrape reads a server's /metrics.
func scrape(ctx context.Context, client *http.Client, url string) (samples, error) {
	body, err := fetch(ctx, client, url+"/metrics", maxPage)
	if err != nil {
		return nil, err
	}
	return parseSamples(body), nil
}

func fetch(ctx context.Context, client *http.Client, url string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return send(client, req, limit)
}

// send returns the body of a 200.
func send(client *http.Client, req *http.Request, limit int64) ([]byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: status %d", req.URL, resp.StatusCode)
	}
	return body, err
}

// parseSamples reads the text format: "name{labels} value [time]". What it cannot read it passes over:
// the harness wants a handful of names it knows.
func parseSamples(page []byte) samples {
	all := samples{}
	for line := range bytes.Lines(page) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		end := bytes.IndexAny(line, "{ ")
		if end < 0 {
			continue
		}
		name, rest := string(line[:end]), line[end:]
		labels := ""
		if rest[0] == '{' {
			end := bytes.LastIndexByte(rest, '}') + 1
			labels, rest = string(rest[:end]), rest[end:]
		}
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		if v, err := strconv.ParseFloat(string(fields[0]), 64); err == nil {
			all[name] += v
			if strings.HasPrefix(labels, "{quantile=") {
				all[name+labels] = v
			}
		}
	}
	return all
}
