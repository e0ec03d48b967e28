package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Report is what a run measured: every figure of its scenario, in the scenario's order.
type Report struct {
	Scenario string
	Settings []Setting // what the run was told to do
	Figures  []Figure
	Notes    []string // what a reader has to know to believe the figures
	Cut      bool     // the run was interrupted: the figures cover what had happened by then
}

// Setting is one thing the run was told.
type Setting struct{ Name, Value string }

func newReport(scenario string, specs []Spec) *Report {
	r := &Report{Scenario: scenario, Figures: make([]Figure, len(specs))}
	for i, s := range specs {
		r.Figures[i] = Figure{Spec: s}
	}
	return r
}

// set fills in a figure. Specs and values are written side by side in this package; a name that is not
// in the specs is a fault that the scenario's own test finds, as an unmeasured figure.
func (r *Report) set(name string, v float64) {
	for i := range r.Figures {
		if r.Figures[i].Name == name {
			r.Figures[i].Value, r.Figures[i].Known = v, true
		}
	}
}

func (r *Report) setDuration(name string, d time.Duration) { r.set(name, d.Seconds()) }

// setLatency fills in the p50, p95, p99 and max of a recorder that recorded something.
func (r *Report) setLatency(name string, rec *Recorder) {
	if rec.Count() == 0 {
		return
	}
	r.setDuration(name+".p50", rec.Quantile(0.50))
	r.setDuration(name+".p95", rec.Quantile(0.95))
	r.setDuration(name+".p99", rec.Quantile(0.99))
	r.setDuration(name+".max", rec.Max())
}

func (r *Report) tell(name, format string, args ...any) {
	r.Settings = append(r.Settings, Setting{name, fmt.Sprintf(format, args...)})
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Get finds a figure by its name.
func (r *Report) Get(name string) (Figure, bool) {
	for _, f := range r.Figures {
		if f.Name == name {
			return f, true
		}
	}
	return Figure{}, false
}

// Check lists the requirements that do not hold. An unmeasured figure meets none, and an interrupted
// run neither: what did not happen proves nothing.
func (r *Report) Check(reqs []Requirement) []Miss {
	var misses []Miss
	for _, q := range reqs {
		f, _ := r.Get(q.Figure)
		switch {
		case r.Cut:
			misses = append(misses, Miss{q, "the run was interrupted"})
		case !f.Known || !q.holds(f.Value):
			misses = append(misses, Miss{q, f.String()})
		}
	}
	return misses
}

// WriteText writes one figure per line, after comment lines with the settings and notes.
func (r *Report) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.line("# %s", r.Scenario)
	for _, s := range r.Settings {
		p.line("# %s: %s", s.Name, s.Value)
	}
	for _, n := range r.Notes {
		p.line("# note: %s", n)
	}
	if r.Cut {
		p.line("# interrupted: the figures cover what had happened by then")
	}
	for _, f := range r.Figures {
		p.line("%s %s", f.Name, f)
	}
	return p.err
}

// WriteJSON writes the same as one JSON object. Values are in base units; an unmeasured one is null.
func (r *Report) WriteJSON(w io.Writer) error {
	type figure struct {
		Name  string   `json:"name"`
		Value *float64 `json:"value"`
		Unit  Unit     `json:"unit"`
	}
	out := struct {
		Scenario    string            `json:"scenario"`
		Interrupted bool              `json:"interrupted"`
		Settings    map[string]string `json:"settings"`
		Notes       []string          `json:"notes"`
		Figures     []figure          `json:"figures"`
	}{Scenario: r.Scenario, Interrupted: r.Cut, Settings: map[string]string{}, Notes: append([]string{}, r.Notes...)}
	for _, s := range r.Settings {
		out.Settings[s.Name] = s.Value
	}
	for _, f := range r.Figures {
		j := figure{Name: f.Name, Unit: f.Unit}
		if f.Known {
			j.Value = &f.Value
		}
		out.Figures = append(out.Figures, j)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// printer remembers the first write error, so that lines can be written one after the other.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
