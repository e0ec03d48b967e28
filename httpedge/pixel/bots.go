package pixel

import (
	"bytes"
	"strings"
)

// Why a request is no visitor's, as metrics count it.
const (
	ByBot      = "bot"      // its User-Agent says that it is a program
	ByNobody   = "no_agent" // it has no User-Agent: every browser sends one
	ByPrefetch = "prefetch" // the browser loads ahead; if somebody looks, the script says so itself
)

// Drops lists the reasons.
func Drops() []string { return []string{ByBot, ByNobody, ByPrefetch} }

// marks of programs in a User-Agent, in lower case. They are the words that programs use to say what they
// are; one that hides is not found by any list, and the rates are for it. The list is short on purpose: a
// visitor taken for a program is lost, a program taken for a visitor matches nobody.
var botMarks = [...]string{ //nolint:gochecknoglobals // a constant
	"bot", "crawl", "spider", "slurp", // search engines and those who train models: googlebot, bytespider, Yahoo! Slurp
	"headless", "phantomjs", "lighthouse", // HeadlessChrome: test suites, scrapers, PageSpeed
	"pingdom", "monitor", // they load a page every minute
	"facebookexternalhit", "preview", "embedly", // link previews in chats load the page, script and all
	"scanner", "archiver",
	"python-", "curl/", "wget/", "go-http-client", "java/", "libwww", "httpclient", "axios/", "node-fetch", "okhttp/",
}

// human are names of devices that contain a mark.
var human = [...]string{"cubot"} //nolint:gochecknoglobals // a constant

// Drop says why a request is not to be counted as somebody's visit; "" when it is. purposes are the values
// of Sec-Purpose, Purpose and X-Moz.
func Drop(userAgent string, purposes ...[]byte) string {
	for _, p := range purposes {
		if bytes.Contains(p, []byte("prefetch")) || bytes.Contains(p, []byte("preview")) {
			return ByPrefetch
		}
	}
	if userAgent == "" {
		return ByNobody
	}
	low := strings.ToLower(userAgent)
	for _, name := range human {
		low = strings.ReplaceAll(low, name, "")
	}
	for _, mark := range botMarks {
		if strings.Contains(low, mark) {
			return ByBot
		}
	}
	return ""
}
