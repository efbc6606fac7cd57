package main

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/seal"
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
