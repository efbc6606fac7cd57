package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

const version = 1

// ErrInvalid means that a text was not sealed here for this binding. It does not
// say which of the two: a caller could learn from it.
var ErrInvalid = errors.New("sealed text is not valid here")

// Binding is what a text belongs to. All members take part.
type Binding []string

// Sealer seals and opens with one key. It may be used by many goroutines.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes a sealer; the key has KeySize bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key has %d bytes, want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &Sealer{aead: aead}, nil
}

// Seal makes a text with this content for this binding.
func (s *Sealer) Seal(b Binding, content ...string) string {
	sealed := s.aead.Seal([]byte{version}, nil, encode(content), encode(b)) //nolint:gosec // this AEAD draws its own nonce
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open reads the content of a text, or answers ErrInvalid.
func (s *Sealer) Open(b Binding, sealed string) ([]string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(raw) < 1+s.aead.Overhead() || raw[0] != version {
		return nil, ErrInvalid
	}
	plain, err := s.aead.Open(nil, nil, raw[1:], encode(b))
	if err != nil {
		return nil, ErrInvalid
	}
	content, ok := decode(plain)
	if !ok {
		return nil, ErrInvalid
	}
	return content, nil
}

// NewKey makes a random key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

// encode prefixes each part with its length, so that no two lists have one encoding.
func encode(parts []string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

func decode(b []byte) ([]string, bool) {
	var parts []string
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, false
		}
		b = b[used:]
		parts = append(parts, string(b[:n]))
		b = b[n:]
	}
	return parts, true
}
