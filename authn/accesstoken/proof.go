package accesstoken

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"sluice/authn/replay"
	"sluice/refusal"
)

const (
	proofType   = "dpop+jwt" // RFC 9449, 4.2
	proofAge    = 60 * time.Second
	proofAhead  = 10 * time.Second
	maxProofID  = 256 // bytes of a jti
	proofMethod = "POST"
	// proofKept is how long a use is remembered after its proof is too old for a
	// replica whose clock is right, for one whose clock is behind.
	proofKept = 5 * time.Minute
)

var (
	errProofKey  = errors.New("the proof's key is not one that may be used")
	errOtherKey  = errors.New("the proof is by another key than the token's")
	errProofTime = errors.New("the proof is too old, or of the future")
	errProofUse  = errors.New("the proof is for another call or token")
	errReplayed  = errors.New("the proof was used before")
)

// proof is the claims of a DPoP proof (RFC 9449, 4.2).
type proof struct {
	ID       string           `json:"jti"`
	Method   string           `json:"htm"`
	URI      string           `json:"htu"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	Token    string           `json:"ath"`
}

// prove checks a proof as RFC 9449, 4.3 says: cheap things first, and whether it
// was used before last of all, so that only who has the key can fill the store.
func (v *Verifier) prove(ctx context.Context, s shown, jkt, uri string) error {
	p, err := readProof(s.proof, jkt)
	if err != nil {
		return invalid(badProof, err)
	}
	ath := sha256.Sum256([]byte(s.token))
	if p.Method != proofMethod || p.URI != uri || p.ID == "" || len(p.ID) > maxProofID || p.IssuedAt == nil ||
		p.Token != base64.RawURLEncoding.EncodeToString(ath[:]) {
		return invalid(badProof, errProofUse)
	}
	now, made := v.Now(), p.IssuedAt.Time()
	if now.Sub(made) > proofAge || made.Sub(now) > proofAhead {
		return invalid("the proof's iat must be at most a minute ago; make a new proof, and set the clock", errProofTime)
	}
	fresh, err := v.Replay.Use(ctx, replay.Key("proof", jkt, p.ID), made.Add(proofAge+proofKept))
	if err != nil {
		return unavailable(ctx, fmt.Errorf("use proof: %w", err))
	}
	if !fresh {
		return invalid("the proof was used before; make a new one for each call", errReplayed)
	}
	return nil
}

// readProof verifies a proof by the key in it, which must be that of jkt.
func readProof(raw, jkt string) (proof, error) {
	h, err := readHeader(raw)
	if err != nil {
		return proof{}, err
	}
	// Nothing that names keys elsewhere, or changes what is signed, is honoured.
	for _, name := range []string{"crit", "b64", "jku", "x5u", "x5c"} {
		if _, there := h[name]; there {
			return proof{}, errHeader
		}
	}
	if h.text("typ") != proofType {
		return proof{}, errHeader
	}
	key, err := proofKey(h["jwk"])
	if err != nil {
		return proof{}, err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return proof{}, errProofKey
	}
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum)), []byte(jkt)) != 1 {
		return proof{}, errOtherKey
	}
	var p proof
	if err := open(raw, key.Key, &p); err != nil {
		return proof{}, err
	}
	return p, nil
}

// proofKey reads a public key; a private or symmetric one was given away by
// whoever put it here.
func proofKey(raw json.RawMessage) (jose.JSONWebKey, error) {
	var members header
	if json.Unmarshal(raw, &members) != nil {
		return jose.JSONWebKey{}, errProofKey
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5u", "x5c"} {
		if _, there := members[name]; there {
			return jose.JSONWebKey{}, errProofKey
		}
	}
	var key jose.JSONWebKey
	if key.UnmarshalJSON(raw) != nil || !key.IsPublic() || !key.Valid() {
		return jose.JSONWebKey{}, errProofKey
	}
	return key, nil
}

// unavailable refuses because something could not be checked: what can't be
// checked is not good.
func unavailable(ctx context.Context, cause error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil:
		return refusal.Because(refusal.DeadlineExceeded, "the call ran out of time; nothing was released", cause)
	default:
		return refusal.Because(refusal.RecordUnavailable, "the token or its proof can't be checked now; try again later, with a new proof", cause)
	}
}
