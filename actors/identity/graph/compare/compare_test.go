package compare

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// population is as many people as make the keys asked for: 2 million, or LEADWIRE_COMPARE_KEYS.
func population(b testing.TB) synthetic.Population {
	b.Helper()
	keys := 2_000_000
	if text := os.Getenv("LEADWIRE_COMPARE_KEYS"); text != "" {
		var err error
		if keys, err = strconv.Atoi(text); err != nil {
			b.Fatal("LEADWIRE_COMPARE_KEYS must be a number: ", err)
		}
	}
	return synthetic.Population{Seed: 20, Persons: max(1, keys*10/52)} // five keys each, and one in five a click id
}

// keysIn counts a population's keys.
func keysIn(p synthetic.Population) (n int64) {
	for i := range p.Persons {
		n += int64(len(keysOf(p.Person(i))))
	}
	return n
}

const asked = 1 << 18

// questions are keys and whose they are; for misses, of people who are not there. Their values lie side by side.
func questions(p synthetic.Population, miss bool) (keys []domain.Key, persons []uint32) {
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	var ends []int
	for range asked {
		i, of := r.IntN(p.Persons), p
		if miss {
			of.Seed, i = of.Seed+1, i+p.Persons
		}
		all := keysOf(of.Person(i))[:5]
		k := all[r.IntN(len(all))]
		text.WriteString(k.Value)
		keys, persons, ends = append(keys, domain.Key{Kind: k.Kind}), append(persons, uint32(i)), append(ends, text.Len())
	}
	from := 0
	for i := range keys {
		keys[i].Value, from = text.String()[from:ends[i]], ends[i]
	}
	return keys, persons
}

// Size, processor time and memory of building, time of opening, and time of questions that were all asked once
// before. What a library answered of unknown keys stands there as well, as a part of them. Where others use the
// machine, cpu-ns/op is the figure to compare.
func BenchmarkFind(b *testing.B) {
	p := population(b)
	keys := keysIn(p)
	known, persons := questions(p, false)
	unknown, _ := questions(p, true)
	for _, c := range candidates {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "store")
			took, memory := buildApart(b, c, path)
			size, err := sizeOf(path)
			if err != nil {
				b.Fatal(err)
			}
			began := time.Now()
			s, err := c.open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			opened := time.Since(began)
			for i, k := range known {
				if person, ok := s.Find(k); !ok || person != persons[i] {
					b.Fatalf("%v is %d, %t, and not %d", k, person, ok, persons[i])
				}
			}
			answered := 0
			for _, k := range unknown {
				if _, ok := s.Find(k); ok {
					answered++
				}
			}
			b.Run("hit", func(b *testing.B) {
				ask(b, s, known)
				b.ReportMetric(float64(size)/float64(keys), "bytes/key")
				b.ReportMetric(took.Seconds(), "build-cpu-s")
				b.ReportMetric(memory, "build-MiB")
				b.ReportMetric(float64(opened.Microseconds())/1000, "open-ms")
			})
			b.Run("miss", func(b *testing.B) {
				ask(b, s, unknown)
				b.ReportMetric(float64(answered)/asked, "answered")
			})
		})
	}
}

func ask(b *testing.B, s store, keys []domain.Key) {
	i, cpu := 0, processorTime()
	for b.Loop() {
		s.Find(keys[i%asked])
		i++
	}
	b.ReportMetric(float64(processorTime()-cpu)/float64(i), "cpu-ns/op")
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// buildApart builds in a process of its own, so that its memory can be told.
func buildApart(b *testing.B, c candidate, path string) (took time.Duration, memory float64) {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestBuild$", "-test.v")
	cmd.Env = append(os.Environ(), "LEADWIRE_COMPARE_BUILD="+c.name, "LEADWIRE_COMPARE_PATH="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v: %s", c.name, err, out)
	}
	took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if found := peak.FindSubmatch(out); found != nil {
		kib, _ := strconv.Atoi(string(found[1]))
		memory = float64(kib) / 1024
	}
	return took, memory
}

var peak = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// TestBuild is what buildApart runs. The most memory it had is the kernel's figure, mapped files included.
func TestBuild(t *testing.T) {
	name := os.Getenv("LEADWIRE_COMPARE_BUILD")
	if name == "" {
		t.Skip("is run by BenchmarkFind")
	}
	for _, c := range candidates {
		if c.name != name {
			continue
		}
		if err := c.build(os.Getenv("LEADWIRE_COMPARE_PATH"), population(t)); err != nil {
			t.Fatal(err)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err == nil {
			fmt.Println(string(peak.Find(status)))
		}
		return
	}
	t.Fatalf("no candidate is called %q", name)
}

// Everybody finds everybody, also at a size at which it takes no time.
func TestFind(t *testing.T) {
	p := synthetic.Population{Seed: 20, Persons: 2000}
	known, persons := questions(p, false)
	for _, c := range candidates {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			if err := c.build(path, p); err != nil {
				t.Fatal(err)
			}
			s, err := c.open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i, k := range known[:1000] {
				if person, ok := s.Find(k); !ok || person != persons[i] {
					t.Fatalf("%v is %d, %t, and not %d", k, person, ok, persons[i])
				}
			}
		})
	}
}
