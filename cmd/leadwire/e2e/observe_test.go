package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// query is one expression for Prometheus, with where it stands.
type query struct{ at, expr string }

// The rules hold before Prometheus's own tool, and so do the scenarios in which they fire.
func TestDeploy_Rules(t *testing.T) {
	t.Parallel()
	promtool := part(t, "promtool", "prometheus")
	check(t, promtool, "check", "rules", deployDir+"/prometheus/rules.yaml")
	for _, scenarios := range []string{"rules_test.yaml", "rules_slow_test.yaml"} {
		check(t, promtool, "test", "rules", deployDir+"/prometheus/"+scenarios)
	}
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var rules []rule
	for i, q := range panels(t) {
		expr := strings.NewReplacer("$__rate_interval", "5m", "$job", "leadwire", "$instance", ".+").Replace(q.expr)
		require.NotContains(t, expr, "$", q.at)
		rules = append(rules, rule{fmt.Sprintf("panel:%d", i), expr})
	}
	file, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	require.NoError(t, err)
	check(t, promtool, "check", "rules", write(t, t.TempDir(), "panels.yaml", file))
}

// panels are the queries of the dashboard, each panel of which has what Grafana needs to show it.
func panels(t *testing.T) (all []query) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deployDir, "grafana/leadwire.json"))
	require.NoError(t, err)
	var dashboard struct {
		UID, Title    string
		SchemaVersion int
		Templating    struct{ List []struct{ Name string } }
		Panels        []struct {
			ID          int
			Type, Title string
			Datasource  struct{ UID string }
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ RefID, Expr, LegendFormat string }
		}
	}
	require.NoError(t, json.Unmarshal(b, &dashboard))
	require.NotEmpty(t, dashboard.UID)
	require.NotZero(t, dashboard.SchemaVersion)
	var variables []string
	for _, v := range dashboard.Templating.List {
		variables = append(variables, v.Name)
	}
	require.ElementsMatch(t, []string{"datasource", "job", "instance"}, variables)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Less(t, x, 24, p.Title)
				require.Empty(t, taken[[2]int{x, y}], p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		require.Equal(t, "timeseries", p.Type, p.Title)
		require.Equal(t, "${datasource}", p.Datasource.UID, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			require.NotEmpty(t, target.LegendFormat, p.Title)
			all = append(all, query{"panel " + p.Title, target.Expr})
		}
	}
	require.Greater(t, len(all), 40)
	return all
}

// Every series, label and value that the alerts and the dashboard ask for is one that a running node has, on one store or on the other,
// before anything has happened: what is born later cannot be missed.
func TestDeploy_AsksForWhatNodesHave(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	crm := newCRM(t)
	known := series{}
	for _, storage := range [][]string{{"--data", t.TempDir()}, {"--store", pgtest.Fresh(t), "--data", t.TempDir()}} {
		apply(t, storage, crm.catalog(buyers, 0))
		known.take(metrics(t, serve(t, storage)))
	}
	var all []query
	b, err := os.ReadFile(filepath.Join(deployDir, "prometheus/rules.yaml"))
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(b, &rules))
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all = append(all, query{r.Alert, r.Expr})
		}
	}
	asked := 0
	for _, q := range append(all, panels(t)...) {
		for _, selector := range regexp.MustCompile(`\b((?:leadwire|process|go)_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(q.expr, -1) {
			known.check(t, q, selector[1], selector[2])
			asked++
		}
		for _, by := range regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`).FindAllStringSubmatch(q.expr, -1) {
			for _, label := range strings.Split(by[1], ", ") {
				require.True(t, known.anyHas(q.expr, label), "%s: nothing in it has the label %q", q.at, label)
			}
		}
	}
	require.Greater(t, asked, 100)
}

// series is what nodes expose: name, label, values.
type series map[string]map[string]map[string]bool

func (s series) take(page string) {
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for _, m := range regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(page, -1) {
		if s[m[1]] == nil {
			s[m[1]] = map[string]map[string]bool{"job": {}, "instance": {}} // Prometheus's own
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if s[m[1]][l[1]] == nil {
				s[m[1]][l[1]] = map[string]bool{}
			}
			s[m[1]][l[1]][l[2]] = true
		}
	}
}

// check requires that a name is exposed, with each label that is asked for and a value that it may have.
func (s series) check(t *testing.T, q query, name, labels string) {
	t.Helper()
	require.NotNil(t, s[name], "%s: no node has %s", q.at, name)
	for _, m := range regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`).FindAllStringSubmatch(labels, -1) {
		require.NotNil(t, s[name][m[1]], "%s: %s has no label %s", q.at, name, m[1])
		if m[1] == "job" || m[1] == "instance" {
			continue
		}
		for _, value := range strings.Split(m[3], "|") {
			require.True(t, s[name][m[1]][value], "%s: %s never has %s=%q", q.at, name, m[1], value)
		}
	}
}

// anyHas says whether a series that an expression asks for has a label.
func (s series) anyHas(expr, label string) bool {
	for _, name := range regexp.MustCompile(`\b[a-z]\w+_\w+|\bup\b|\bALERTS\b`).FindAllString(expr, -1) {
		_, has := s[name][label]
		if has || (name == "ALERTS" && label == "alertname") || label == "job" || label == "instance" {
			return true
		}
	}
	return false
}
