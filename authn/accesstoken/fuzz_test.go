package accesstoken_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"sluice/authn"
	"sluice/refusal"
)

// signText signs a header and claims that may be anything.
func signText(t *testing.T, header, claims string, key *ecdsa.PrivateKey) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// Whatever stands in a token, and even if the gateway's own key signed it: it
// names a partner and a ceiling, or is refused as a token.
func FuzzToken(f *testing.F) {
	w := newWorld(f)
	header, claims := string(marshal(f, tokenHeader())), string(marshal(f, w.tokenClaims()))
	f.Add(header, claims, true)
	f.Add(header, `{"cnf":{"jkt":1},"aud":[[]],"exp":1e99,"authorization_details":[null]}`, true)
	f.Add(`{"typ":"at+jwt","alg":"ES256","kid":"k1","kid":"k1"}`, claims, true)
	f.Add("a.b.c", "", false)
	f.Add(w.token(), "", false)
	f.Fuzz(func(t *testing.T, header, claims string, signed bool) {
		w.t = t
		token := header
		if signed {
			token = signText(t, header, claims, w.server)
		}
		got, err := w.admit(w.dpop(token, w.proof(token)))
		if err != nil {
			if refusal.ReasonOf(err) != refusal.TokenInvalid {
				t.Errorf("refused in another way: %v", err)
			}
			return
		}
		if !(authn.Identity{Kind: authn.Partner, ID: string(got.Partner())}).Valid() || got.Ceiling() == nil {
			t.Errorf("admitted %+v", got)
		}
	})
}

// Whatever stands in a proof, and even if the partner's key signed it: it is good
// for this call alone, or refused as a token is.
func FuzzProof(f *testing.F) {
	w := newWorld(f)
	token := w.token()
	header, claims := string(marshal(f, w.proofHeader())), string(marshal(f, w.proofClaims(token)))
	f.Add(header, claims, true)
	f.Add(`{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC"}}`, claims, true)
	f.Add(header, `{"jti":"","iat":1e99,"htm":[],"htu":null}`, true)
	f.Add(token, "", false)
	f.Add("a.b.c", "", false)
	f.Fuzz(func(t *testing.T, header, claims string, signed bool) {
		w.t = t
		proof := header
		if signed {
			proof = signText(t, header, claims, w.partner)
		}
		before := w.replay.Len()
		if _, err := w.admit(w.dpop(token, proof)); err == nil && w.replay.Len() != before+1 {
			t.Error("a proof passed without being used up")
		} else if err != nil && refusal.ReasonOf(err) != refusal.TokenInvalid {
			t.Errorf("refused in another way: %v", err)
		}
	})
}
