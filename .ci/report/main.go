// Command report reads `go test -json` and says what matters: a line for each package, everything a failed
// test printed, and, last, each test that was skipped with its reason. Without -v, go test keeps skips to
// itself, and a run that skipped what it should prove looks like one that proved it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

type test struct{ pkg, name string }

func main() {
	said := map[test]*strings.Builder{}
	var skipped []string
	failed := false
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20) // a test may print a whole log in one line
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // not from a test: the toolchain's own words
			continue
		}
		key := test{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "output":
			if e.Test == "" {
				if e.Output != "PASS\n" { // its ok line says the same
					fmt.Print(e.Output)
				}
				continue
			}
			if said[key] == nil {
				said[key] = &strings.Builder{}
			}
			said[key].WriteString(e.Output)
		case "fail":
			failed = true
			if e.Test != "" && said[key] != nil {
				fmt.Print(said[key])
			}
			delete(said, key)
		case "skip":
			if e.Test != "" && said[key] != nil {
				skipped = append(skipped, fmt.Sprintf("%s %s:\n%s", e.Package, e.Test, reason(said[key].String())))
			}
			delete(said, key)
		case "pass":
			delete(said, key)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "read go test -json:", err)
		os.Exit(1)
	}
	for key, text := range said { // a binary that died in mid-test
		if failed && key.name != "" {
			fmt.Print(text)
		}
	}
	if len(skipped) > 0 {
		fmt.Printf("\nSKIPPED, %d:\n%s", len(skipped), strings.Join(skipped, ""))
	}
}

// reason is what a skipped test printed, without go test's own lines.
func reason(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
