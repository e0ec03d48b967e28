package identity

import "github.com/leadwire/leadwire/actors/domain"

// KeysOf lists what a person can be found by, strongest first.
func KeysOf(visitor domain.VisitorID, hems []domain.HEM, phone string, clicks []domain.Click) []domain.Key {
	return nil
}

// CheckKey says whether a key is in its canonical form.
func CheckKey(k domain.Key) error { return nil }
