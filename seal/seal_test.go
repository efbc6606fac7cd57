package seal_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/seal"
)

func sealer(t interface{ Fatal(...any) }, key []byte) *seal.Sealer {
	s, err := seal.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTokenOpensOnlyForItsOwnBinding(t *testing.T) {
	key := seal.NewKey()
	s := sealer(t, key)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 0, 5)
		made := seal.Binding(parts.Draw(t, "made for"))
		used := seal.Binding(parts.Draw(t, "used for"))
		content := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "content")
		token := s.Seal(made, content...)

		got, err := s.Open(made, token)
		if err != nil || !slices.Equal(got, content) {
			t.Fatalf("Open for its own call = %q, %v, want %q", got, err, content)
		}
		if _, err := s.Open(used, token); (err == nil) != slices.Equal(made, used) {
			t.Fatalf("Open for %q of a token for %q = %v", used, made, err)
		}
	})
}

func TestBindingPartsDoNotRunIntoEachOther(t *testing.T) {
	s := sealer(t, seal.NewKey())
	token := s.Seal(seal.Binding{"ab", "c"}, "x")
	if _, err := s.Open(seal.Binding{"a", "bc"}, token); !errors.Is(err, seal.ErrInvalid) {
		t.Errorf("Open with shifted parts = %v, want ErrInvalid", err)
	}
}

func TestChangedTokenDoesNotOpen(t *testing.T) {
	s := sealer(t, seal.NewKey())
	b := seal.Binding{"partner", "consent"}
	token := s.Seal(b, "page two")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := slices.Clone(raw)
		changed[i] ^= 1
		if _, err := s.Open(b, base64.RawURLEncoding.EncodeToString(changed)); !errors.Is(err, seal.ErrInvalid) {
			t.Fatalf("Open with byte %d changed = %v, want ErrInvalid", i, err)
		}
	}
	for n := range token {
		if _, err := s.Open(b, token[:n]); !errors.Is(err, seal.ErrInvalid) {
			t.Fatalf("Open of the first %d characters = %v, want ErrInvalid", n, err)
		}
	}
	if _, err := sealer(t, seal.NewKey()).Open(b, token); !errors.Is(err, seal.ErrInvalid) {
		t.Errorf("Open with another key = %v, want ErrInvalid", err)
	}
}

func TestKeyMustHaveItsWholeLength(t *testing.T) {
	if _, err := seal.NewSealer(make([]byte, 16)); err == nil {
		t.Error("a short key was taken")
	}
}

func FuzzOpen(f *testing.F) {
	key := make([]byte, seal.KeySize)
	s := sealer(f, key)
	b := seal.Binding{"partner"}
	f.Add(s.Seal(b, "page"))
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, token string) {
		content, err := s.Open(b, token)
		if err != nil {
			return
		}
		// Whatever opens was sealed: sealing its content again opens the same.
		again, err := s.Open(b, s.Seal(b, content...))
		if err != nil || !slices.Equal(again, content) {
			t.Fatalf("content %q does not survive: %q, %v", content, again, err)
		}
	})
}
