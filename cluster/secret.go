package cluster

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/memberlist"
)

// secrets are the keys that gossip is encrypted with: the first encrypts, each opens. From a file they are read again every
// rejoinEvery, so that a key is replaced while nodes run, each step on every node before the next:
//
//	old          as it was
//	old, new     every node can read what others will encrypt with the new one
//	new, old     the new one encrypts
//	new          the old one opens nothing any more
type secrets struct {
	file string
	ring *memberlist.Keyring
	told string // what was last said to be wrong with the file
}

// openSecrets is the ring that a configuration asks for; nil: gossip is not encrypted.
func openSecrets(cfg Config) (*secrets, error) {
	keys := [][]byte{cfg.SecretKey}
	switch {
	case cfg.SecretFile != "":
		var err error
		if keys, err = readSecrets(cfg.SecretFile); err != nil {
			return nil, err
		}
	case len(cfg.SecretKey) == 0:
		return &secrets{}, nil
	}
	ring, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return nil, fmt.Errorf("use gossip keys: %w", err)
	}
	return &secrets{file: cfg.SecretFile, ring: ring}, nil
}

// maxSecrets is how many keys there may be: two, while one is replaced by the other, and room for a slip.
const maxSecrets = 8

// readSecrets reads a file of keys: base64 of 16, 24 or 32 bytes, a line each; empty lines and those that begin with # are
// passed over. An error names the line and never what is on it.
func readSecrets(path string) ([][]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read gossip keys: %w", err)
	}
	var keys [][]byte
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || memberlist.ValidateKey(key) != nil {
			return nil, fmt.Errorf("read gossip keys: %s, line %d: must be base64 of 16, 24 or 32 bytes", path, i+1)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > maxSecrets {
		return nil, fmt.Errorf("read gossip keys: %s has %d, must have 1 to %d", path, len(keys), maxSecrets)
	}
	return keys, nil
}

// follow takes over what the file says now, and tells whether that is news. A file that cannot be used changes nothing; it is
// said once.
func (s *secrets) follow() (changed bool, err error) {
	if s.file == "" {
		return false, nil
	}
	keys, err := readSecrets(s.file)
	if err != nil {
		if err.Error() == s.told {
			return false, nil
		}
		s.told = err.Error()
		return false, err
	}
	s.told = ""
	had := s.ring.GetKeys()
	if bytes.Equal(had[0], keys[0]) && sameKeys(had, keys) {
		return false, nil
	}
	for _, key := range keys {
		err = errors.Join(err, s.ring.AddKey(key))
	}
	err = errors.Join(err, s.ring.UseKey(keys[0]))
	for _, key := range had {
		if !hasKey(keys, key) {
			err = errors.Join(err, s.ring.RemoveKey(key))
		}
	}
	return true, err
}

func hasKey(keys [][]byte, key []byte) bool {
	return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })
}

func sameKeys(a, b [][]byte) bool {
	for _, key := range a {
		if !hasKey(b, key) {
			return false
		}
	}
	for _, key := range b {
		if !hasKey(a, key) {
			return false
		}
	}
	return true
}
