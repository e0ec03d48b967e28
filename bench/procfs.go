package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A process's clock ticks in /proc are hundredths of a second on every Linux there is (USER_HZ).
const tick = 10 * time.Millisecond

// usage is what a process has used, as the kernel counts it.
type usage struct {
	CPU     time.Duration // user and system
	RSS     int64         // bytes now
	PeakRSS int64         // bytes at most
}

var errProc = errors.New("the kernel's account of the process is not of the known form")

// readUsage reads a process's usage from /proc.
func readUsage(pid int) (u usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, fmt.Errorf("read processor time: %w", err)
	}
	if u.CPU, err = parseStat(stat); err != nil {
		return u, err
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return u, fmt.Errorf("read memory: %w", err)
	}
	if u.RSS, u.PeakRSS, err = parseStatus(status); err != nil {
		return u, err
	}
	return u, nil
}

// machineBusy is the processor time that all cores together have not been idle, what the hypervisor
// took away included.
func machineBusy() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return parseMachine(stat)
}

// parseMachine reads the first line: "cpu user nice system idle iowait irq softirq steal ...".
func parseMachine(b []byte) (time.Duration, error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, errProc
	}
	var busy time.Duration
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, errProc
		}
		if i != 3 && i != 4 { // idle, and idle with something on its way from a disk
			busy += time.Duration(n) * tick
		}
	}
	return busy, nil
}

// countFiles is how many descriptors a process has open.
func countFiles(pid int) (int, error) {
	fds, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
	if err != nil {
		return 0, fmt.Errorf("count descriptors: %w", err)
	}
	return len(fds), nil
}

// parseStat reads utime and stime. The second field is the command in parentheses, which may itself
// hold spaces and parentheses, so fields are counted from the last one.
func parseStat(b []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(b, ')')
	fields := bytes.Fields(b[end+1:])
	if end < 0 || len(fields) < 13 {
		return 0, errProc
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0, errProc
	}
	return time.Duration(user+system) * tick, nil
}

func parseStatus(b []byte) (now, peak int64, err error) {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		var to *int64
		switch string(name) {
		case "VmRSS":
			to = &now
		case "VmHWM":
			to = &peak
		default:
			continue
		}
		fields := bytes.Fields(value)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return 0, 0, errProc
		}
		kb, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			return 0, 0, errProc
		}
		*to = kb << 10
	}
	if now == 0 {
		return 0, 0, errProc
	}
	return now, peak, nil
}
