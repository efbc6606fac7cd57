package receipt

import (
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

const (
	maxLength = 4 << 20 // a consent with a hundred accounts and thousands of changes
	maxHeader = 4 << 10
)

var (
	// ErrInvalid means that something is no receipt, or is not as it was signed.
	// Its text goes on to say why.
	ErrInvalid = errors.New("the receipt is not valid")
	// ErrUnknownKey is an ErrInvalid: the keys given are not the issuer's, or not
	// all of them.
	ErrUnknownKey = fmt.Errorf("%w: it is signed by a key that is not among those given", ErrInvalid)
)

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

// Verify checks a receipt by the public keys of its issuer, and says what it
// says. Errors are ErrInvalid. A receipt does not end: it says what was so when
// it was made, and not whether it still is. Whose keys they are is for the caller
// to know; Statement.Issuer is who they vouch for.
//
// Texts in a Statement are as partners and banks wrote them. Whoever shows them
// must keep them from doing harm there.
func Verify(jws string, keys jose.JSONWebKeySet) (Statement, error) {
	header, _, _ := strings.Cut(jws, ".")
	if len(jws) > maxLength || len(header) > maxHeader {
		return Statement{}, invalid("it is too long for one")
	}
	// RFC 8725, 3.1: the algorithm is the verifier's choice.
	signed, err := jose.ParseSignedCompact(jws, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(signed.Signatures) != 1 || !canonical(jws) {
		return Statement{}, invalid("it is not in the form of one")
	}
	protected := signed.Signatures[0].Protected
	if typ, _ := protected.ExtraHeaders[jose.HeaderType].(string); typ != Type {
		return Statement{}, invalid("it is something else by its type")
	}
	key, err := find(keys, protected.KeyID)
	if err != nil {
		return Statement{}, err
	}
	claims, err := signed.Verify(key)
	if err != nil {
		return Statement{}, invalid("it was changed after it was signed, or was never signed by that key")
	}
	var s Statement
	// This JSON tells upper from lower case, and refuses what is there twice.
	if err := json.Unmarshal(claims, &s); err != nil || !s.complete() {
		return Statement{}, invalid("it is signed, and does not say what a receipt must")
	}
	return s, nil
}

// canonical says whether there is no other text for the same receipt: decoders
// pass over ends of lines and spare bits.
func canonical(jws string) bool {
	for part := range strings.SplitSeq(jws, ".") {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(raw) != part {
			return false
		}
	}
	return true
}

// find is the one key of that name, if it is fit to check a receipt with.
func find(keys jose.JSONWebKeySet, id string) (*ecdsa.PublicKey, error) {
	if id == "" {
		return nil, ErrUnknownKey
	}
	named := keys.Key(id)
	switch len(named) {
	case 0:
		return nil, ErrUnknownKey
	case 1:
	default:
		return nil, invalid("two of the keys given have the same name")
	}
	k := named[0]
	public, ok := k.Key.(*ecdsa.PublicKey)
	if !ok || !k.Valid() || public.Params().BitSize != 256 ||
		k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != string(jose.ES256) {
		return nil, invalid("the key of that name is not one that receipts are signed with")
	}
	return public, nil
}

func (s Statement) complete() bool {
	c := s.Consent
	return s.Issuer != "" && s.ID != "" && s.IssuedAt > 0 && c.ID != "" && c.Status != "" &&
		c.Bank.ID != "" && c.Partner.ID != "" && c.Customer != "" &&
		c.Revision > 0 && int64(len(c.Changes)) == c.Revision
}
