package accesstoken_test

import (
	"errors"
	"strings"
	"testing"

	"sluice/refusal"
)

// Whatever is wrong with what was shown, nothing of it stands in an error: not in
// the caller's message, and not in the cause, which goes to the log.
func TestNoErrorQuotesWhatWasShown(t *testing.T) {
	w := newWorld(t)
	token, canary := w.token(), "canary-canary-canary"
	good := w.proof(token)
	for name, pairs := range map[string][]string{
		"token of another key": {"authorization", "DPoP " + sign(t, tokenHeader(), w.tokenClaims(), w.partner), "dpop", good},
		"odd alg":              {"authorization", "DPoP " + sign(t, with(tokenHeader(), "alg", canary), w.tokenClaims(), w.server), "dpop", good},
		"odd kid":              {"authorization", "DPoP " + sign(t, with(tokenHeader(), "kid", canary), w.tokenClaims(), w.server), "dpop", good},
		"odd issuer":           {"authorization", "DPoP " + w.token(set("iss", canary)), "dpop", good},
		"odd client":           {"authorization", "DPoP " + w.token(set("client_id", canary+"/")), "dpop", good},
		"odd claims":           {"authorization", "DPoP " + w.token(set("exp", canary)), "dpop", good},
		"odd scheme":           {"authorization", canary + " " + token, "dpop", good},
		"odd proof":            {"authorization", "DPoP " + token, "dpop", canary},
		"odd jwk":              {"authorization", "DPoP " + token, "dpop", sign(t, with(w.proofHeader(), "jwk", object{"kty": canary}), w.proofClaims(token), w.partner)},
		"odd alg of the proof": {"authorization", "DPoP " + token, "dpop", sign(t, with(w.proofHeader(), "alg", canary), w.proofClaims(token), w.partner)},
		"odd htu":              {"authorization", "DPoP " + token, "dpop", w.proof(token, set("htu", canary))},
		"odd iat":              {"authorization", "DPoP " + token, "dpop", w.proof(token, set("iat", canary))},
		"a token twice":        {"authorization", "DPoP " + token, "authorization", "DPoP " + token, "dpop", good},
		"used":                 {"authorization", "DPoP " + token, "dpop", used(t, w, token)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.admit(w.headers(pairs...))
			var r *refusal.Error
			if !errors.As(err, &r) {
				t.Fatalf("Admit = %v", err)
			}
			for _, secret := range append(secrets(pairs...), canary, thumbprint(t, &w.partner.PublicKey)) {
				if strings.Contains(err.Error(), secret) || strings.Contains(r.Message, secret) {
					t.Errorf("%q stands in %q", secret, err)
				}
			}
		})
	}
}

func used(t *testing.T, w *world, token string) string {
	t.Helper()
	proof := w.proof(token)
	if _, err := w.admit(w.dpop(token, proof)); err != nil {
		t.Fatal(err)
	}
	return proof
}
