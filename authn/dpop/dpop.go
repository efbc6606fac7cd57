package dpop

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"sluice/authn/jws"
)

const (
	// Age is how long ago a proof may have been made.
	Age = 60 * time.Second
	// ahead is how far a client's clock may be before ours.
	ahead = 10 * time.Second

	proofType = "dpop+jwt" // RFC 9449, 4.2
	maxID     = 256        // bytes of a jti
)

// What is wrong with a proof, besides the errors of authn/jws.
var (
	ErrKey      = errors.New("the proof's key is not one that may be used")
	ErrOtherKey = errors.New("the proof is by another key than the token's")
	ErrClaims   = errors.New("the proof lacks a claim")
)

// Proof is a proof whose signature verifies by the key in it. The zero value is
// for nothing.
type Proof struct {
	Key     string // its key's thumbprint (RFC 7638), as tokens are bound to it
	ID      string // never empty
	Method  string
	URI     string
	Made    time.Time
	ofToken string
}

// claims are a proof's (RFC 9449, 4.2).
type claims struct {
	ID       string           `json:"jti"`
	Method   string           `json:"htm"`
	URI      string           `json:"htu"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	Token    string           `json:"ath"`
}

// Read verifies a proof. If it must be by one key, by is that key's thumbprint;
// any other costs no signature's check then.
func Read(raw, by string) (Proof, error) {
	h, err := jws.ReadHeader(raw)
	if err != nil {
		return Proof{}, err //nolint:wrapcheck // it says what it is
	}
	// Nothing that names keys elsewhere, or changes what is signed, is honoured.
	if h.HasAny("crit", "b64", "jku", "x5u", "x5c") || h.Text("typ") != proofType {
		return Proof{}, jws.ErrHeader
	}
	key, err := readKey(h["jwk"])
	if err != nil {
		return Proof{}, err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return Proof{}, ErrKey
	}
	thumbprint := base64.RawURLEncoding.EncodeToString(sum)
	if by != "" && !same(thumbprint, by) {
		return Proof{}, ErrOtherKey
	}
	var c claims
	if err := jws.Open(raw, key.Key, &c); err != nil {
		return Proof{}, err //nolint:wrapcheck // it says what it is
	}
	if c.ID == "" || len(c.ID) > maxID || c.IssuedAt == nil {
		return Proof{}, ErrClaims
	}
	return Proof{Key: thumbprint, ID: c.ID, Method: c.Method, URI: c.URI, Made: c.IssuedAt.Time(), ofToken: c.Token}, nil
}

// InTime says whether it is neither too old at an instant nor of the future.
func (p Proof) InTime(at time.Time) bool {
	return at.Sub(p.Made) <= Age && p.Made.Sub(at) <= ahead
}

// Of says whether it was made to show this access token.
func (p Proof) Of(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return same(p.ofToken, base64.RawURLEncoding.EncodeToString(sum[:]))
}

// readKey reads a public key; a private or symmetric one was given away by
// whoever put it here.
func readKey(raw json.RawMessage) (jose.JSONWebKey, error) {
	members, err := jws.Members(raw)
	if err != nil || members.HasAny("d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5u", "x5c") {
		return jose.JSONWebKey{}, ErrKey
	}
	var key jose.JSONWebKey
	if key.UnmarshalJSON(raw) != nil || !key.IsPublic() || !key.Valid() {
		return jose.JSONWebKey{}, ErrKey
	}
	return key, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
