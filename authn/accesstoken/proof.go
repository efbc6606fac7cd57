package accesstoken

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/authn/dpop"
	"sluice/authn/replay"
	"sluice/refusal"
)

const (
	proofMethod = "POST"
	// proofKept is how long a use is remembered after its proof is too old for a
	// replica whose clock is right, for one whose clock is behind.
	proofKept = 5 * time.Minute
)

var (
	errProofTime = errors.New("the proof is too old, or of the future")
	errProofUse  = errors.New("the proof is for another call or token")
	errReplayed  = errors.New("the proof was used before")
)

// prove checks a proof as RFC 9449, 4.3 says: cheap things first, and whether it
// was used before last of all, so that only who has the key can fill the store.
func (v *Verifier) prove(ctx context.Context, s shown, jkt, uri string) error {
	p, err := dpop.Read(s.proof, jkt)
	if err != nil {
		return invalid(badProof, err)
	}
	if p.Method != proofMethod || p.URI != uri || !p.Of(s.token) {
		return invalid(badProof, errProofUse)
	}
	if !p.InTime(v.Now()) {
		return invalid("the proof's iat must be at most a minute ago; make a new proof, and set the clock", errProofTime)
	}
	fresh, err := v.Replay.Use(ctx, replay.Key("proof", jkt, p.ID), p.Made.Add(dpop.Age+proofKept))
	if err != nil {
		return unavailable(ctx, fmt.Errorf("use proof: %w", err))
	}
	if !fresh {
		return invalid("the proof was used before; make a new one for each call", errReplayed)
	}
	return nil
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
