package partnerapi_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"

	"sluice/authn/accesstoken"
	"sluice/authn/replaytest"
	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/gateway"
	"sluice/gateway/partnerapi"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type ring jose.JSONWebKeySet

func (r ring) Public(context.Context) (jose.JSONWebKeySet, error) { return jose.JSONWebKeySet(r), nil }

func key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t *testing.T, key any, typ jose.ContentType, kid string, embed bool, claims any) string {
	t.Helper()
	options := (&jose.SignerOptions{EmbedJWK: embed}).WithType(typ)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// with is the context of a call of messenger that shows a token with these
// claims and a proof, and nothing else.
func with(t *testing.T, more map[string]any) context.Context {
	t.Helper()
	server, partner := key(t), key(t)
	sum, err := (&jose.JSONWebKey{Key: &partner.PublicKey}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": "i", "aud": "a", "exp": noon.Unix() + 60, "iat": noon.Unix(), "jti": "j", "sub": "s", "client_id": "messenger",
		"cnf": map[string]any{"jkt": base64.RawURLEncoding.EncodeToString(sum)},
	}
	for name, value := range more {
		claims[name] = value
	}
	token := signed(t, server, "at+jwt", "k", false, claims)
	ath := sha256.Sum256([]byte(token))
	proof := signed(t, partner, "dpop+jwt", "", true, map[string]any{
		"jti": "p", "htm": "POST", "htu": "https://h/m", "iat": noon.Unix(), "ath": base64.RawURLEncoding.EncodeToString(ath[:]),
	})
	v := accesstoken.New(accesstoken.Config{
		Issuer: "i", Audience: "a", Authority: func() string { return "h" }, Replay: &replaytest.Memory{}, Now: func() time.Time { return noon },
		Keys: ring{Keys: []jose.JSONWebKey{{Key: &server.PublicKey, KeyID: "k"}}},
	})
	in := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "DPoP "+token, "dpop", proof))
	ctx, err := v.Admit(in, "/m")
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// of is the claims of a token of a consent.
func of(consent string) map[string]any {
	return map[string]any{"consent_id": consent, "authorization_details": []any{map[string]any{
		"type": "account_data", "consent_id": consent,
		"accounts": []any{map[string]any{"account_id": "acc_1", "data_clusters": []string{"BALANCES"}}},
	}}}
}

// asking is a gate that keeps what it was asked.
type asking struct{ asks []gateway.Ask }

func (a *asking) Release(_ context.Context, ask gateway.Ask) (gateway.Released, error) {
	a.asks = append(a.asks, ask)
	return gateway.Released{}, refusal.New(refusal.ConsentPaused, "")
}

func TestATokenOpensItsOwnConsentWithItsCeiling(t *testing.T) {
	gate := &asking{}
	var r registrar
	partnerapi.NewAccounts(gate).Register(&r)
	for _, m := range r.desc.Methods {
		for name, tt := range map[string]struct {
			claims map[string]any
			want   refusal.Reason
		}{
			"its own consent":     {of("con_1"), refusal.ConsentPaused},
			"another consent":     {of("con_2"), refusal.TokenInvalid},
			"consents in general": {map[string]any{"scope": "consents"}, refusal.TokenInvalid},
		} {
			_, err := m.Handler(nil, with(t, tt.claims), func(in any) error { return underConsent(t, in, "con_1") }, nil)
			if refusal.ReasonOf(err) != tt.want {
				t.Errorf("%s with a token of %s: %v", m.MethodName, name, err)
			}
		}
	}
	if len(gate.asks) != len(r.desc.Methods) {
		t.Fatalf("the gate was asked %d times", len(gate.asks))
	}
	want := map[string]consent.Clusters{"acc_1": consent.ClustersOf(consent.Balances)}
	for _, ask := range gate.asks {
		if d := cmp.Diff(want, ask.Ceiling); d != "" || ask.Partner != "messenger" {
			t.Errorf("asked by %s with ceiling (-want +got):\n%s", ask.Partner, d)
		}
	}
}

func underConsent(t *testing.T, in any, id string) error {
	t.Helper()
	access := &partnerv1.Access{ConsentId: id}
	switch r := in.(type) {
	case *partnerv1.ListAccountsRequest:
		r.Access = access
	case *partnerv1.GetAccountRequest:
		r.Access = access
	case *partnerv1.ListBalancesRequest:
		r.Access = access
	case *partnerv1.ListTransactionsRequest:
		r.Access = access
	case *partnerv1.ListCardsRequest:
		r.Access = access
	default:
		t.Errorf("no such request: %T", in)
	}
	return nil
}

// A token of one consent reaches that consent; one for consents reaches each of
// the partner's; what either may not is refused before anything is looked for.
func TestATokenReachesItsConsentOrIsForConsents(t *testing.T) {
	book := consent.NewBook(consenttest.NewMemory(), consenttest.NewBarrier(), func() time.Time { return noon })
	door := partnerapi.NewConsents(book, nil, gateway.NewPairwise([]byte("key")), nil)
	get := func(ctx context.Context) error {
		_, err := door.GetConsent(ctx, &partnerv1.GetConsentRequest{ConsentId: "con_1"})
		return err
	}
	revoke := func(ctx context.Context) error {
		_, err := door.RevokeConsent(ctx, &partnerv1.RevokeConsentRequest{ConsentId: "con_1"})
		return err
	}
	renew := func(ctx context.Context) error {
		_, err := door.RenewConsent(ctx, &partnerv1.RenewConsentRequest{ConsentId: "con_1"})
		return err
	}
	list := func(ctx context.Context) error {
		_, err := door.ListConsents(ctx, &partnerv1.ListConsentsRequest{})
		return err
	}
	events := func(ctx context.Context) error {
		_, err := door.ListConsentEvents(ctx, &partnerv1.ListConsentEventsRequest{})
		return err
	}
	request := func(ctx context.Context) error {
		_, err := door.RequestConsent(ctx, &partnerv1.RequestConsentRequest{})
		return err
	}
	for name, tt := range map[string]struct {
		call    func(context.Context) error
		claims  map[string]any
		refused bool
	}{
		"get, token of it":             {get, of("con_1"), false},
		"get, token of another":        {get, of("con_2"), true},
		"get, token for consents":      {get, map[string]any{"scope": "consents"}, false},
		"get, token for nothing":       {get, map[string]any{"scope": "accounts"}, true},
		"revoke, token of it":          {revoke, of("con_1"), false},
		"revoke, token of another":     {revoke, of("con_2"), true},
		"renew, token of it":           {renew, of("con_1"), false},
		"renew, token of another":      {renew, of("con_2"), true},
		"list, token of a consent":     {list, of("con_1"), true},
		"events, token of a consent":   {events, of("con_1"), true},
		"request, token of a consent":  {request, of("con_1"), true},
		"request, token for something": {request, map[string]any{"scope": "consent"}, true},
	} {
		err := tt.call(with(t, tt.claims))
		if got := refusal.ReasonOf(err) == refusal.TokenInvalid; got != tt.refused {
			t.Errorf("%s: %v", name, err)
		}
		if !tt.refused && refusal.ReasonOf(err) != refusal.ConsentNotFound {
			t.Errorf("%s: %v, want it looked for", name, err)
		}
	}
}
