package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sluice/seal"
	"sluice/sqldb"
)

// secrets are the gateway's own keys. Whoever has them can link a customer's
// account ids across partners, so they are kept like private keys. Losing them
// changes every account id that partners know. Replicas have the same.
type secrets struct {
	PairwiseKey  []byte `json:"pairwise_key"`
	PageTokenKey []byte `json:"page_token_key"`
	CacheKey     []byte `json:"cache_key"`
}

// derive makes a key of its own for one use.
func (s secrets) derive(use string) []byte {
	key, err := hkdf.Key(sha256.New, s.PageTokenKey, nil, "sluice "+use, seal.KeySize)
	if err != nil {
		return nil // never: the length is one that is permitted, and whoever takes a key checks it
	}
	return key
}

// errOtherSecrets: what stands in the database was sealed with other secrets.
var errOtherSecrets = errors.New("secrets.json is not that of this database; restore it from the backup, or copy it from another replica")

// belong holds the secrets against those of whoever first served the database: a
// gateway with others would know its partners' accounts by other names, and drop
// what waits for them unread.
func (s secrets) belong(ctx context.Context, db *sqldb.DB) error {
	sealer, err := seal.NewSealer(s.derive("mark"))
	if err != nil {
		return fmt.Errorf("hold secrets against the database: %w", err)
	}
	all := sha256.Sum256(slices.Concat(s.PairwiseKey, s.PageTokenKey, s.CacheKey))
	mine := hex.EncodeToString(all[:])
	mark, err := db.Mark(ctx, sealer.Seal(seal.Binding{"mark"}, mine))
	if err != nil {
		return fmt.Errorf("hold secrets against the database: %w", err)
	}
	content, err := sealer.Open(seal.Binding{"mark"}, mark)
	if err != nil || !slices.Equal(content, []string{mine}) {
		return errOtherSecrets
	}
	return nil
}

// openSecrets reads the keys of a data directory, or makes them there.
func openSecrets(dir string) (secrets, error) {
	path := filepath.Join(dir, "secrets.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecrets(path)
	}
	if err != nil {
		return secrets{}, fmt.Errorf("read secrets: %w", err)
	}
	var s secrets
	if err := json.Unmarshal(raw, &s); err != nil {
		return secrets{}, fmt.Errorf("read secrets: %s is damaged; restore it from the backup", path)
	}
	if len(s.PairwiseKey) != seal.KeySize || len(s.PageTokenKey) != seal.KeySize || len(s.CacheKey) != seal.KeySize {
		return secrets{}, fmt.Errorf("read secrets: %s lacks a key; restore it from the backup", path)
	}
	return s, nil
}

func makeSecrets(path string) (secrets, error) {
	s := secrets{PairwiseKey: seal.NewKey(), PageTokenKey: seal.NewKey(), CacheKey: seal.NewKey()}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return secrets{}, fmt.Errorf("make secrets: %w", err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return secrets{}, fmt.Errorf("make secrets: %w", err)
	}
	return s, nil
}
