// Package vault seals the secrets that a store keeps for us: endpoints' signing secrets, tokens and passwords. It
// reads key files and nothing else; what is sealed goes to whoever asked.
//
//	secret ──Seal──▶ version · key id · nonce · ciphertext · tag ──▶ a row
//	   ▲                           │ │
//	   └────────────Open───────────┘ └── NeedsReseal: an older key's
//
// It promises:
//
//   - Without the master key a row says how long a secret is, and which key sealed it, and no more (AES-256-GCM).
//   - A row that was changed, or moved to another endpoint or another secret's place, does not open: what the secret
//     belongs to is sealed with it (AAD).
//   - A new master key takes the place of an old one while both are known, row by row, and can be stopped half way.
//   - A key is never printed. An error names the key's id, which is part of its hash.
package vault
