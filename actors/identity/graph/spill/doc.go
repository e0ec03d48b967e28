// Package spill sorts more than fits in memory. Entries are gathered up to a limit, sorted, and written out as
// a run; at the end the runs are merged. What fits in memory never touches a disk.
//
//	Add ──▶ memory ──full: sort──▶ run 1, run 2, ... ──Sort: merge──▶ Next, Next, ...
//
// It promises the order of the entries' bytes and a bound on memory. It knows nothing of what the bytes mean.
package spill
