package accesstoken_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/authn/accesstoken"
	"sluice/refusal"
)

func TestAProofThatIsNotForThisCallIsRefused(t *testing.T) {
	w := newWorld(t)
	token, other := w.token(), newKey(t)
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	header := func(name string, to any) string {
		return sign(t, with(w.proofHeader(), name, to), w.proofClaims(token), w.partner)
	}
	private := publicJWK(t, w.partner)
	now := noon.Unix()
	uri := "https://" + authority + method
	for name, proof := range map[string]string{
		"by another key":                   sign(t, with(w.proofHeader(), "jwk", publicJWK(t, &other.PublicKey)), w.proofClaims(token), other),
		"another key behind the right jwk": sign(t, w.proofHeader(), w.proofClaims(token), other),
		"the right key behind another jwk": header("jwk", publicJWK(t, &other.PublicKey)),
		"no jwk":                           header("jwk", nil),
		"a kid in place of the jwk":        sign(t, object{"typ": "dpop+jwt", "alg": "ES256", "kid": "k1"}, w.proofClaims(token), w.partner),
		"a private jwk":                    header("jwk", private),
		"a symmetric jwk":                  sign(t, object{"typ": "dpop+jwt", "alg": "HS256", "jwk": object{"kty": "oct", "k": "AAAA"}}, w.proofClaims(token), []byte{0, 0, 0}),
		"a jwk with a chain":               header("jwk", with(w.proofHeader()["jwk"].(object), "x5u", "https://evil.example")),
		"a jwk off the curve":              header("jwk", object{"kty": "EC", "crv": "P-256", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}),
		"a jwk that is text":               header("jwk", "key"),
		"alg none":                         sign(t, with(w.proofHeader(), "alg", "none"), w.proofClaims(token), nil),
		"HS256 with the public key":        sign(t, with(w.proofHeader(), "alg", "HS256"), w.proofClaims(token), der(t, &w.partner.PublicKey)),
		"PS256 said of a P-256 key":        header("alg", "PS256"),
		"RS256":                            sign(t, object{"typ": "dpop+jwt", "alg": "RS256", "jwk": publicJWK(t, &small.PublicKey)}, w.proofClaims(token), small),
		"typ of a token":                   header("typ", "at+jwt"),
		"no typ":                           header("typ", nil),
		"typ in other case":                header("typ", "DPOP+JWT"),
		"crit":                             header("crit", []string{"jti"}),
		"jku":                              header("jku", "https://evil.example"),
		"x5u":                              header("x5u", "https://evil.example"),
		"x5c":                              header("x5c", []string{}),
		"b64":                              header("b64", false),
		"no jti":                           w.proof(token, set("jti", nil)),
		"an empty jti":                     w.proof(token, set("jti", "")),
		"a jti without end":                w.proof(token, set("jti", string(make([]byte, 257)))),
		"htm GET":                          w.proof(token, set("htm", "GET")),
		"htm in lower case":                w.proof(token, set("htm", "post")),
		"no htm":                           w.proof(token, set("htm", nil)),
		"htu of another method":            w.proof(token, set("htu", "https://"+authority+"/sluice.partner.v1.AccountService/ListCards")),
		"htu of another gateway":           w.proof(token, set("htu", "https://evil.example"+method)),
		"htu of another scheme":            w.proof(token, set("htu", "http://"+authority+method)),
		"htu with a query":                 w.proof(token, set("htu", uri+"?x")),
		"htu with more":                    w.proof(token, set("htu", uri+"/")),
		"no htu":                           w.proof(token, set("htu", nil)),
		"ath of another token":             w.proof(w.token()),
		"no ath":                           w.proof(token, set("ath", nil)),
		"an empty ath":                     w.proof(token, set("ath", "")),
		"too old":                          w.proof(token, set("iat", now-61)),
		"of the future":                    w.proof(token, set("iat", now+11)),
		"of a far future":                  w.proof(token, set("iat", 1e300)),
		"of a far past":                    w.proof(token, set("iat", -1e300)),
		"no iat":                           w.proof(token, set("iat", nil)),
		"iat that is text":                 w.proof(token, set("iat", "now")),
		"a token in place of the proof":    token,
		"no JSON":                          b64([]byte("{")) + ".e30.AAAA",
		"of more than 4 KiB":               w.proof(token, set("pad", string(make([]byte, 4<<10)))),
		"nothing":                          "",
		"padding":                          w.proof(token) + "=",
		"a comma and a second":             w.proof(token) + "," + w.proof(token),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.admit(w.dpop(token, proof))
			refusedFor(t, err, refusal.TokenInvalid)
			if n := w.replay.Len(); n != 0 {
				t.Errorf("%d uses were noted of proofs that are not good", n)
			}
		})
	}
}

func TestEachKindOfKeyOfTheProfileMayProve(t *testing.T) {
	w := newWorld(t)
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		alg             string
		public, private any
		want            bool
	}{
		{"ES256", &w.partner.PublicKey, w.partner, true},
		{"PS256", &strong.PublicKey, strong, true},
		{"EdDSA", public, private, true},
		{"RS256", &strong.PublicKey, strong, false},
		{"PS256", &weak.PublicKey, weak, false},
		{"ES256", &curve.PublicKey, newKey(t), false},
	} {
		token := w.token(set("cnf", object{"jkt": thumbprint(t, tt.public)}))
		proof := sign(t, object{"typ": "dpop+jwt", "alg": tt.alg, "jwk": publicJWK(t, tt.public)}, w.proofClaims(token), tt.private)
		if _, err := w.admit(w.dpop(token, proof)); (err == nil) != tt.want {
			t.Errorf("%s by %T: %v, want it good: %t", tt.alg, tt.public, err, tt.want)
		}
	}
}

func TestAProofIsGoodFromTenSecondsBeforeToAMinuteAfter(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	for _, iat := range []int64{-60, 0, 10} {
		if _, err := w.admit(w.dpop(token, w.proof(token, set("iat", noon.Unix()+iat)))); err != nil {
			t.Errorf("iat %+d s: %v", iat, err)
		}
	}
}

func TestAProofIsUsedOnceWhicheverReplicaItReaches(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	proof := w.proof(token)
	replicas := []*accesstoken.Verifier{w.another(), w.another()}
	var admitted atomic.Int64
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if _, err := replicas[i%2].Admit(w.dpop(token, proof), method); err == nil {
				admitted.Add(1)
			} else if refusal.ReasonOf(err) != refusal.TokenInvalid {
				t.Errorf("Admit = %v", err)
			}
		})
	}
	group.Wait()
	if admitted.Load() != 1 {
		t.Errorf("one proof admitted %d calls", admitted.Load())
	}
}

// As long as a proof may pass, its use is remembered, however the store is swept.
func TestASweptStoreOpensNoWindow(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	proof := w.proof(token, set("iat", noon.Unix()+10))
	if _, err := w.admit(w.dpop(token, proof)); err != nil {
		t.Fatal(err)
	}
	for range 80 {
		w.pass(time.Second)
		if _, err := w.replay.Sweep(t.Context(), w.clock()); err != nil {
			t.Fatal(err)
		}
		_, err := w.admit(w.dpop(token, proof))
		refusedFor(t, err, refusal.TokenInvalid)
	}
}

func TestTheSameIDByAnotherKeyIsAnotherProof(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	if _, err := w.admit(w.dpop(token, w.proof(token, set("jti", "1")))); err != nil {
		t.Fatal(err)
	}
	w.partner = newKey(t)
	token = w.token()
	if _, err := w.admit(w.dpop(token, w.proof(token, set("jti", "1")))); err != nil {
		t.Errorf("another partner's proof: %v", err)
	}
}

func TestWithoutTheStoreOfUsesNothingPasses(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	w.replay.Fail(errDown)
	_, err := w.admit(w.dpop(token, w.proof(token)))
	refusedFor(t, err, refusal.RecordUnavailable)
	ctx, cancel := context.WithDeadline(w.dpop(token, w.proof(token)), time.Now().Add(-time.Second))
	defer cancel()
	_, err = w.admit(ctx)
	refusedFor(t, err, refusal.DeadlineExceeded)
}

func TestHeadersStandOnceAndInOneForm(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	bearer := w.token(set("cnf", object{"x5t#S256": b64(make([]byte, sha256.Size))}))
	large, unbound := w.token(set("pad", string(make([]byte, 8<<10)))), w.token(set("cnf", object{}))
	for name, pairs := range map[string][]string{
		"two authorizations":                {"authorization", "DPoP " + token, "authorization", "DPoP " + token, "dpop", w.proof(token)},
		"two proofs":                        {"authorization", "DPoP " + token, "dpop", w.proof(token), "dpop", w.proof(token)},
		"a proof and no token":              {"dpop", w.proof(token)},
		"DPoP without proof":                {"authorization", "DPoP " + token},
		"Bearer for a token bound to a key": {"authorization", "Bearer " + token},
		"Bearer with a proof":               {"authorization", "Bearer " + token, "dpop", w.proof(token)},
		"Basic":                             {"authorization", "Basic " + token, "dpop", w.proof(token)},
		"no scheme":                         {"authorization", token, "dpop", w.proof(token)},
		"an empty token":                    {"authorization", "DPoP ", "dpop", w.proof("")},
		"two blanks":                        {"authorization", "DPoP  " + token, "dpop", w.proof(token)},
		"more after the token":              {"authorization", "DPoP " + token + " x", "dpop", w.proof(token)},
		"two tokens in one":                 {"authorization", "DPoP " + token + ",DPoP " + token, "dpop", w.proof(token)},
		"a token of more than 8 KiB":        {"authorization", "DPoP " + large, "dpop", w.proof(large)},
		"a token bound to nothing":          {"authorization", "Bearer " + unbound},
		"a certificate's token, by DPoP":    {"authorization", "DPoP " + bearer, "dpop", w.proof(bearer)},
		"a certificate's token without one": {"authorization", "Bearer " + bearer},
		"an encrypted form":                 {"authorization", "DPoP a.b.c.d.e", "dpop", w.proof("a.b.c.d.e")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.admit(w.headers(pairs...))
			refusedFor(t, err, refusal.TokenInvalid)
		})
	}
}

func TestSchemesAreReadInAnyCase(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	if _, err := w.admit(w.headers("authorization", "dpop "+token, "dpop", w.proof(token))); err != nil {
		t.Error(err)
	}
}
