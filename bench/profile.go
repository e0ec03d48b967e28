package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"
)

// maxProfile bounds a CPU profile; one of a minute is well under 1 MiB.
const maxProfile = 64 << 20

// profile takes a CPU profile of the server over the measured time, if the run asked for one.
func profile(ctx context.Context, cfg CrmConfig) error {
	if cfg.Profile == "" {
		return nil
	}
	seconds := max(1, int(cfg.Duration.Seconds()))
	client := &http.Client{Timeout: cfg.Duration + 30*time.Second}
	defer client.CloseIdleConnections()
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", cfg.Profile, seconds)
	body, err := fetch(ctx, client, url, maxProfile)
	if err != nil {
		return err
	}
	return os.WriteFile(cfg.ProfileTo, body, 0o644)
}
