//go:build race

package chaos_test

// raceEnabled: what watches for races watches the program under test too.
const raceEnabled = true
