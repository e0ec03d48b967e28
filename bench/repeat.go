package bench

import "slices"

// Repeat runs a scenario several times, each on a server of its own, and reports each figure's median;
// of what should not happen (Spec.Fault), the worst. One run is reported as it is. An interrupted run
// is the last, and makes the report an interrupted one.
func Repeat(times int, run func() (*Report, error)) (*Report, error) {
	var all []*Report
	for range max(1, times) {
		r, err := run()
		if err != nil {
			return r, err
		}
		all = append(all, r)
		if r.Cut {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return median(all), nil
}

func median(all []*Report) *Report {
	last := all[len(all)-1]
	sum := &Report{Scenario: last.Scenario, Settings: slices.Clone(last.Settings), Cut: last.Cut}
	sum.tell("runs", "%d", len(all))
	for _, r := range all {
		for _, n := range r.Notes {
			if !slices.Contains(sum.Notes, n) {
				sum.Notes = append(sum.Notes, n)
			}
		}
	}
	sum.note("each figure is the median of the runs; of what should not happen, the worst")
	for i, f := range last.Figures {
		sum.Figures = append(sum.Figures, medianOf(f.Spec, all, i))
	}
	return sum
}

// medianOf takes figure i of every run that measured it; with an even number, the upper of the middle
// two, which is the less flattering.
func medianOf(spec Spec, all []*Report, i int) Figure {
	var values []float64
	for _, r := range all {
		if r.Figures[i].Known {
			values = append(values, r.Figures[i].Value)
		}
	}
	if len(values) == 0 {
		return Figure{Spec: spec}
	}
	slices.Sort(values)
	v := values[len(values)/2]
	if spec.Fault {
		v = values[len(values)-1]
	}
	return Figure{Spec: spec, Value: v, Known: true}
}
