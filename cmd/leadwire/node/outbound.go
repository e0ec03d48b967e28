package node

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/outbound"
)

// MasterKey is what endpoints' secrets are sealed with. One of Key and File at most is given.
type MasterKey struct {
	Key  string // base64 of 32 bytes
	File string // a file that holds it
	// Older are files of keys that were used before: they open, and seal nothing.
	Older []string
}

// masterKeyFile is where the embedded store's key is made when none is given.
const masterKeyFile = "master.key"

// OpenVault opens the vault of a configuration. Beside the embedded store a key is made when there is none; nodes that
// share a Postgres have to be given the same one, and without it there is no vault: nil.
func OpenVault(c Config) (*vault.Vault, error) {
	current, err := c.currentKey()
	if err != nil || current == nil {
		return nil, err
	}
	var older []vault.Key
	for _, path := range c.MasterKey.Older {
		key, err := vault.ReadKey(path)
		if err != nil {
			return nil, err
		}
		older = append(older, key)
	}
	return vault.New(*current, older...)
}

func (c Config) currentKey() (*vault.Key, error) {
	m := c.MasterKey
	var key vault.Key
	var err error
	switch {
	case m.Key != "" && m.File != "":
		return nil, domain.FailField("open vault", "master_key", "is given as text and as a file, must be one of them")
	case m.Key != "":
		key, err = vault.ParseKey(m.Key)
	case m.File != "":
		key, err = vault.ReadKey(m.File)
	case Where(c) == c.Data:
		key, _, err = vault.LoadOrCreate(filepath.Join(c.Data, masterKeyFile))
	default:
		return nil, nil
	}
	return &key, err
}

// openOutbound makes what endpoints are sent with.
func (n *Node) openOutbound(context.Context) error {
	var err error
	if n.vault, err = OpenVault(n.config); err != nil {
		return fmt.Errorf("open the vault of endpoints' secrets: %w", err)
	}
	if n.vault == nil {
		n.deps.Log.Warn("no master key: endpoints are owed and sent nothing until there is one", "setting", "master-key-file")
	}
	n.sender, err = outbound.New(n.config.Outbound, outbound.Deps{Log: n.deps.Log, Registerer: n.registry, Clock: n.deps.Clock})
	if err != nil {
		return err
	}
	n.tokens, err = outbound.NewTokens(n.sender)
	return err
}

// sealer seals secrets for the API.
type sealer struct{ vault *vault.Vault }

// sealerOf is nil without a vault.
func sealerOf(v *vault.Vault) admin.Sealer {
	if v == nil {
		return nil
	}
	return sealer{v}
}

// Seal binds a secret to its endpoint, what it is for and its id.
func (s sealer) Seal(endpoint domain.EndpointKey, kind domain.SecretKind, id string, plain []byte) ([]byte, error) {
	return s.vault.Seal(plain, vault.AAD(endpoint, kind, id))
}

// resealer seals secrets anew for the API.
type resealer struct{ vault *vault.Vault }

// resealerOf is nil without a vault.
func resealerOf(v *vault.Vault) admin.Resealer {
	if v == nil {
		return nil
	}
	return resealer{v}
}

// Key names the key that seals.
func (r resealer) Key() string { return r.vault.Current() }

// Reseal opens a secret with whichever key has sealed it, and seals it with the current one.
func (r resealer) Reseal(s domain.Secret) (by string, sealed []byte, err error) {
	sealed, err = r.vault.Reseal(s.Sealed, vault.AAD(s.Endpoint, s.Kind, s.ID))
	return vault.SealedBy(s.Sealed), sealed, err
}
