package accesstoken_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"sluice/authn"
	"sluice/consent"
	"sluice/refusal"
)

func TestATokenSaysWhoseItIsAndWhatMayLeaveAtMost(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	ctx, err := w.verifier.Admit(w.dpop(token, w.proof(token)), method)
	if err != nil {
		t.Fatal(err)
	}
	caller, ok := authn.FromContext(ctx)
	if partner, is := caller.Partner(); !ok || !is || partner != "messenger" {
		t.Errorf("caller = %v, %t; want the partner messenger", caller, ok)
	}
	got, err := w.admit(w.dpop(token, w.proof(token)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Partner() != "messenger" || got.Consent() != "con_1" || got.GrantID() != "gra_1" || !got.Has("accounts") || got.Has("account") {
		t.Errorf("token = %+v", got)
	}
	want := map[string]consent.Clusters{
		"acc_1": consent.ClustersOf(consent.Balances, consent.TransactionsDetailed), "acc_2": consent.ClustersOf(consent.Balances),
	}
	if d := cmp.Diff(want, got.Ceiling()); d != "" {
		t.Errorf("ceiling (-want +got):\n%s", d)
	}
}

func TestATokenForConsentsAloneLetsNothingOut(t *testing.T) {
	w := newWorld(t)
	token := w.token(set("consent_id", nil), set("authorization_details", nil), set("scope", "consents"))
	got, err := w.admit(w.dpop(token, w.proof(token)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Consent() != "" || !got.Has("consents") || got.Ceiling() == nil || len(got.Ceiling()) != 0 {
		t.Errorf("token = %+v", got)
	}
}

func TestACallThatShowsNothingIsLeftAsItIs(t *testing.T) {
	w := newWorld(t)
	ctx := w.headers("user-agent", "x")
	if got, err := w.verifier.Admit(ctx, method); err != nil || got != ctx {
		t.Errorf("Admit = %v", err)
	}
}

func TestAKindOfDataThatIsNotKnownYetStaysInside(t *testing.T) {
	w := newWorld(t)
	token := w.token(set("authorization_details", []any{object{
		"type": "account_data", "consent_id": "con_1",
		"accounts": []any{object{"account_id": "acc_1", "data_clusters": []string{"PENSIONS", "BALANCES", "UNSPECIFIED"}}},
	}}))
	got, err := w.admit(w.dpop(token, w.proof(token)))
	if err != nil || got.Ceiling()["acc_1"] != consent.ClustersOf(consent.Balances) {
		t.Errorf("ceiling = %v, %v", got.Ceiling(), err)
	}
}

// Every row is a token that must not pass, with a good proof for it.
func TestAForgedOrForeignTokenIsRefused(t *testing.T) {
	w := newWorld(t)
	other := newKey(t)
	now := noon.Unix()
	header := func(name string, to any) string {
		return sign(t, with(tokenHeader(), name, to), w.tokenClaims(), w.server)
	}
	detail := func(but func(object)) string {
		d := object{"type": "account_data", "consent_id": "con_1", "accounts": []any{}}
		but(d)
		return w.token(set("authorization_details", []any{d}))
	}
	for name, token := range map[string]string{
		"forged by another key":             sign(t, tokenHeader(), w.tokenClaims(), other),
		"alg none":                          sign(t, with(tokenHeader(), "alg", "none"), w.tokenClaims(), nil),
		"alg None":                          sign(t, with(tokenHeader(), "alg", "None"), w.tokenClaims(), nil),
		"no signature":                      sign(t, tokenHeader(), w.tokenClaims(), nil),
		"HS256 with the public key":         sign(t, with(tokenHeader(), "alg", "HS256"), w.tokenClaims(), der(t, &w.server.PublicKey)),
		"ES256 said, HMAC made":             sign(t, tokenHeader(), w.tokenClaims(), der(t, &w.server.PublicKey)),
		"alg is missing":                    header("alg", nil),
		"alg in lower case":                 header("alg", "es256"),
		"kid is missing":                    header("kid", nil),
		"kid is unknown":                    header("kid", "k2"),
		"kid of a path":                     header("kid", "../../dev/null"),
		"kid of SQL":                        header("kid", "' OR 1=1 --"),
		"kid is no string":                  header("kid", []string{"k1"}),
		"typ is missing":                    header("typ", nil),
		"typ of an ID token":                header("typ", "JWT"),
		"typ of a proof":                    header("typ", "dpop+jwt"),
		"embedded jwk":                      sign(t, with(tokenHeader(), "jwk", publicJWK(t, &other.PublicKey)), w.tokenClaims(), other),
		"embedded jwk beside the right key": header("jwk", publicJWK(t, &w.server.PublicKey)),
		"jku":                               header("jku", "https://evil.example/jwks"),
		"x5u":                               header("x5u", "https://evil.example/x"),
		"x5c":                               header("x5c", []string{"AAAA"}),
		"crit":                              header("crit", []string{"exp"}),
		"b64":                               header("b64", false),
		"a header member too many":          header("zip", "DEF"),
		"another issuer":                    w.token(set("iss", "https://evil.example")),
		"no issuer":                         w.token(set("iss", nil)),
		"another audience":                  w.token(set("aud", "https://bank.example")),
		"other audiences":                   w.token(set("aud", []string{issuer, "x"})),
		"no audience":                       w.token(set("aud", nil)),
		"ended":                             w.token(set("exp", now-6)),
		"no end":                            w.token(set("exp", nil)),
		"an end that is text":               w.token(set("exp", "tomorrow")),
		"issued in the future":              w.token(set("iat", now+60)),
		"not issued":                        w.token(set("iat", nil)),
		"not begun":                         w.token(set("nbf", now+60)),
		"no jti":                            w.token(set("jti", nil)),
		"no sub":                            w.token(set("sub", "")),
		"no client":                         w.token(set("client_id", nil)),
		"a client that is no partner":       w.token(set("client_id", "../ops")),
		"claims in other case":              w.token(set("client_id", nil), set("Client_ID", "messenger")),
		"not bound":                         w.token(set("cnf", nil)),
		"bound to nothing":                  w.token(set("cnf", object{})),
		"bound to what is not known":        w.token(set("cnf", object{"kid": "x"})),
		"details without consent":           w.token(set("consent_id", nil)),
		"consent without details":           w.token(set("authorization_details", nil)),
		"details of another consent":        detail(set("consent_id", "con_2")),
		"details of another type":           detail(set("type", "payment")),
		"details of no form":                w.token(set("authorization_details", "all")),
		"signature cut":                     strings.TrimSuffix(w.token(), "A")[:600],
		"claims changed":                    changed(t, w.token()),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.admit(w.dpop(token, w.proof(token)))
			refusedFor(t, err, refusal.TokenInvalid)
			if n := w.replay.Len(); n != 0 {
				t.Errorf("%d proofs were used up for a token that is not good", n)
			}
		})
	}
}

// changed is a token whose claims name another consent than those signed.
func changed(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	other := strings.Split(newWorld(t).token(set("consent_id", "con_2")), ".")
	return parts[0] + "." + other[1] + "." + parts[2]
}

func refusedFor(t *testing.T, err error, want refusal.Reason) {
	t.Helper()
	var r *refusal.Error
	if !errors.As(err, &r) || r.Reason != want {
		t.Fatalf("Admit = %v, want %s", err, refusal.Name(want))
	}
}

func TestClocksOfReplicasMayDifferALittle(t *testing.T) {
	w := newWorld(t)
	for name, token := range map[string]string{
		"ended a moment ago":      w.token(set("exp", noon.Unix()-4)),
		"issued a moment hence":   w.token(set("iat", noon.Unix()+5)),
		"begins a moment hence":   w.token(set("nbf", noon.Unix()+5)),
		"one audience of several": w.token(set("aud", []string{"x", audience})),
	} {
		if _, err := w.admit(w.dpop(token, w.proof(token))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAVerifiedTokenIsRememberedUntilItsEndAndAMinuteAtMost(t *testing.T) {
	w := newWorld(t)
	long, short := w.token(), w.token(set("exp", noon.Unix()+10))
	admit := func(token string) error {
		_, err := w.admit(w.dpop(token, w.proof(token)))
		return err
	}
	for _, token := range []string{long, short} {
		if err := admit(token); err != nil {
			t.Fatal(err)
		}
	}
	w.ring.Keys = nil // from now on a token passes only if it is remembered
	w.pass(9 * time.Second)
	if err := errors.Join(admit(long), admit(short)); err != nil {
		t.Errorf("after 9 s: %v", err)
	}
	w.pass(6 * time.Second)
	refusedFor(t, admit(short), refusal.TokenInvalid)
	w.pass(44 * time.Second)
	if err := admit(long); err != nil {
		t.Errorf("after 59 s: %v", err)
	}
	w.pass(time.Second)
	refusedFor(t, admit(long), refusal.TokenInvalid)
}

// However the readings of the ring fall: a key that was taken out is believed for
// a minute at most.
func TestAKeyThatWasTakenOutIsSoonNotBelieved(t *testing.T) {
	w := newWorld(t)
	first := w.token()
	if _, err := w.admit(w.dpop(first, w.proof(first))); err != nil {
		t.Fatal(err)
	}
	w.ring.Keys = nil
	w.pass(19 * time.Second) // the ring is not read anew yet
	late := w.token()
	if _, err := w.admit(w.dpop(late, w.proof(late))); err != nil {
		t.Fatal(err)
	}
	w.pass(41 * time.Second)
	_, err := w.admit(w.dpop(late, w.proof(late)))
	refusedFor(t, err, refusal.TokenInvalid)
}

func TestANewKeyIsFoundAndUnknownOnesDoNotMakeTheRingBusy(t *testing.T) {
	w := newWorld(t)
	token := w.token()
	if _, err := w.admit(w.dpop(token, w.proof(token))); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		forged := sign(t, with(tokenHeader(), "kid", "none"), w.tokenClaims(), w.partner)
		_, err := w.admit(w.dpop(forged, w.proof(forged)))
		refusedFor(t, err, refusal.TokenInvalid)
	}
	if w.readings != 1 {
		t.Errorf("the ring was read %d times in one instant", w.readings)
	}
	next := newKey(t)
	w.ring.Keys = append(w.ring.Keys, jose.JSONWebKey{Key: &next.PublicKey, KeyID: "k2"})
	w.pass(3 * time.Second)
	token = sign(t, with(tokenHeader(), "kid", "k2"), w.tokenClaims(), next)
	if _, err := w.admit(w.dpop(token, w.proof(token))); err != nil {
		t.Errorf("by the new key: %v", err)
	}
}

func TestARingThatCanNotBeReadIsBelievedForAMinute(t *testing.T) {
	w := newWorld(t)
	admit := func() error {
		token := w.token()
		_, err := w.admit(w.dpop(token, w.proof(token)))
		return err
	}
	w.ringErr = errDown
	refusedFor(t, admit(), refusal.RecordUnavailable)
	w.ringErr = nil
	w.pass(3 * time.Second)
	if err := admit(); err != nil {
		t.Fatal(err)
	}
	w.ringErr = errDown
	w.pass(59 * time.Second)
	if err := admit(); err != nil {
		t.Errorf("after 59 s: %v", err)
	}
	w.pass(2 * time.Second)
	refusedFor(t, admit(), refusal.RecordUnavailable)
}

// The ring may hold keys for other uses; a token is by ES256 alone.
func TestAKeyOfAnotherKindSignsNoTokens(t *testing.T) {
	w := newWorld(t)
	w.ring.Keys = append(w.ring.Keys, jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "secret"}, jose.JSONWebKey{Key: w.partner, KeyID: "private"})
	for _, kid := range []string{"secret", "private"} {
		var key any = w.partner
		if kid == "secret" {
			key = []byte("0123456789abcdef0123456789abcdef")
		}
		token := sign(t, with(tokenHeader(), "kid", kid), w.tokenClaims(), key)
		_, err := w.admit(w.dpop(token, w.proof(token)))
		refusedFor(t, err, refusal.TokenInvalid)
	}
}
