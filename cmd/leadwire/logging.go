package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// newLogger writes logs for whoever reads them: text for a person at a terminal, JSON for a collector.
// Lifecycle has a line each, requests have metrics instead.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, &misuse{fmt.Errorf("log-level: %q must be debug, info, warn or error", level)}
	}
	options := &slog.HandlerOptions{Level: least}
	switch {
	case format == "text", format == "auto" && isTerminal(w):
		return slog.New(slog.NewTextHandler(w, options)), nil
	case format == "json", format == "auto":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, &misuse{fmt.Errorf("log-format: %q must be auto, text or json", format)}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
