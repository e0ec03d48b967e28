package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a run would not measure, or could not do, is said before a server is started for it.
func TestBench_RefusesBeforeItStarts(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"a figure nobody measures":              {[]string{"pixel", "--require", "speed>9"}, "speed"},
		"a figure of swaps, without any":        {[]string{"pixel", "--require", "swap.added<10ms"}, "swap.added"},
		"more swaps than there is time for":     {[]string{"pixel", "--swaps", "16", "--duration", "30s", "--require", "swap.added<10ms"}, "swaps: must be"},
		"a store nobody has":                    {[]string{"idle", "--store", "paper"}, "store: must be"},
		"the profile of somebody else's":        {[]string{"crm", "--profile", "f", "--against", "http://x", "--key", "k", "--tokens", "t", "--location", "l"}, "[against profile]"},
		"half of somebody else's":               {[]string{"crm", "--against", "http://x"}, "missing [key location tokens]"},
		"nobody who stays well":                 {[]string{"isolation", "--sick", "1"}, "sick: must leave"},
		"a figure of a step that is not there":  {[]string{"ramp", "--rates", "1,2", "--require", "step3.acked>0"}, "step3.acked"},
		"steps that do not rise":                {[]string{"ramp", "--rates", "9,3"}, "rates: must be"},
		"a rate that no endpoint may have":      {[]string{"backlog", "--drain-rate", "0.5"}, "drain-rate: must be"},
		"a cluster of one":                      {[]string{"failover", "--nodes", "1"}, "nodes: must be"},
		"nodes that share no database":          {[]string{"failover", "--store", "embedded"}, "store: must be"},
		"a figure of a part that is not run":    {[]string{"failover", "--parts", "kills", "--require", "rolling.failed=0"}, "rolling.failed"},
		"a profile of a run that measures none": {[]string{"idle", "--profile", "f"}, "unknown flag"},
	} {
		code, out, complaint := leadwire(t, append([]string{"bench"}, row.args...)...)
		require.Equal(t, exitMisused, code, name)
		require.Contains(t, complaint, row.want, name)
		require.Empty(t, out, name)
	}
}
