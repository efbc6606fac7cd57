package oauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"

	"sluice/authn/accesstoken"
	"sluice/consent"
	"sluice/oauth"
)

const method = "/sluice.partner.v1.AccountService/ListBalances"

// admit shows a token at the gate, with a proof if the partner makes some.
func (p *partner) admit(token string) (accesstoken.Token, error) {
	p.w.t.Helper()
	gate := accesstoken.New(accesstoken.Config{
		Issuer: p.w.url, Audience: audience, Authority: func() string { return "gate.example" }, Keys: p.w.ring, Replay: p.w.replays, Now: time.Now,
	})
	md := metadata.Pairs("authorization", "Bearer "+token)
	if p.dpop != nil {
		proof := p.proof(http.MethodPost, "", token, spoil{proof: func(_, c object) { c["htu"] = "https://gate.example" + method }})
		md = metadata.Pairs("authorization", "DPoP "+token, "dpop", proof)
	}
	ctx, err := gate.Admit(metadata.NewIncomingContext(p.w.t.Context(), md), method)
	if err != nil {
		return accesstoken.Token{}, err
	}
	shown, _ := accesstoken.FromContext(ctx)
	return shown, nil
}

// verified are a token's claims, if a published key signed it.
func (w *world) verified(token string) object {
	w.t.Helper()
	set, err := w.ring.Public(w.t.Context())
	must(w.t, err)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	must(w.t, err)
	h := parsed.Headers[0]
	if h.ExtraHeaders["typ"] != "at+jwt" || len(set.Key(h.KeyID)) != 1 {
		w.t.Fatalf("header %+v, want at+jwt and a published kid", h)
	}
	var out object
	must(w.t, parsed.Claims(set.Key(h.KeyID)[0].Key, &out))
	return out
}

func TestAKeyPartnersFlowEndsWithATokenThatTheGateTakes(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	got := p.tokens()

	if got.text("token_type") != "DPoP" || got.body["expires_in"] != 300.0 || got.text("refresh_token") == "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("token answer = %v %v", got.body, got.header)
	}
	token, err := p.admit(got.text("access_token"))
	must(t, err)
	c, err := w.book.Get(t.Context(), consent.ByPartner("messenger"), token.Consent())
	must(t, err)
	a1, a2 := w.names.Account("messenger", bankID, "A-1"), w.names.Account("messenger", bankID, "A-2")
	want := map[string]consent.Clusters{a1: c.Asked.Clusters, a2: consent.ClustersOf(consent.Balances)}
	if diff := cmp.Diff(want, token.Ceiling()); diff != "" || token.Partner() != "messenger" || token.GrantID() != got.text("grant_id") {
		t.Errorf("at the gate %q of grant %q: %s", token.Partner(), token.GrantID(), diff)
	}
	claims := w.verified(got.text("access_token"))
	if claims["sub"] != w.names.Customer("messenger", bankID, customer) || claims["aud"] != audience || claims["client_id"] != "messenger" || claims["jti"] == "" {
		t.Errorf("claims = %v", claims)
	}
	detail := got.body["authorization_details"].([]any)[0].(object) //nolint:forcetypeassert // the test fails
	if detail["purpose"] != "ACCOUNT_OVERVIEW" || detail["consent_id"] != string(c.ID) || detail["look_back_days"] != 90.0 || len(detail["accounts"].([]any)) != 2 {
		t.Errorf("details in the answer = %v", detail)
	}
}

func TestTokensAreBoundToWhateverTheirPartnerShows(t *testing.T) {
	w := newWorld(t)
	byCert := w.byCertificate("bulk")
	both := w.byCertificate("both")
	both.dpop = newKey(t)
	keyOverTLS := w.byKey("mixed")
	keyOverTLS.base, keyOverTLS.dpop = w.mtls, nil
	keyOverTLS.renew()
	for _, c := range []struct {
		partner   *partner
		kind      string
		cert, jkt bool
	}{{byCert, "Bearer", true, false}, {both, "DPoP", true, true}, {keyOverTLS, "Bearer", true, false}} {
		t.Run(c.partner.id, func(t *testing.T) {
			got := c.partner.tokens()
			cnf, _ := w.verified(got.text("access_token"))["cnf"].(object)
			if got.text("token_type") != c.kind || (cnf["x5t#S256"] == thumbprint(c.partner.cert.Certificate[0])) != c.cert || (cnf["jkt"] == thumbprintOf(t, c.partner.dpop)) != c.jkt || c.jkt != (cnf["jkt"] != nil) {
				t.Errorf("%s token with cnf %v", got.text("token_type"), cnf)
			}
			if _, err := c.partner.admit(got.text("access_token")); err == nil {
				t.Error("the gate takes it on a connection without that certificate")
			}
		})
	}
}

func TestARefusalGoesBackToThePartner(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	w.decides(w.refuse)
	back, _ := visit(t, w.browser(), p.start())
	if back.Get("error") != "access_denied" || back.Get("state") != "s-1" || back.Get("iss") != w.url || back.Has("code") {
		t.Errorf("sent back with %v", back)
	}
}

func TestAnAnswerIsNeitherKeptNorToldToOthersByTheBrowser(t *testing.T) {
	w := newWorld(t)
	resp, err := w.browser().Get(w.byKey("messenger").start())
	must(t, err)
	resp.Body.Close()
	if h := resp.Header; resp.StatusCode != http.StatusSeeOther || !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the answer is %d %v", resp.StatusCode, h)
	}
}

func TestAnAnswerNamesItsIssuerAndState(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	back, _ := visit(t, w.browser(), p.start())
	if back.Get("iss") != w.url || back.Get("state") != "s-1" {
		t.Errorf("sent back with %v", back)
	}
	back, _ = visit(t, w.browser(), p.start(drop("state")))
	if back.Get("code") == "" || back.Has("state") {
		t.Errorf("a request without state is sent back with %v", back)
	}
}

func TestLessAskedForAtTheTokenEndpointIsLessAndMoreIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	given := p.tokens()
	refresh := given.text("refresh_token")
	spoiled := func(f func(detail object)) spoil {
		again := p.refresh(refresh)
		d := again.body["authorization_details"].([]any)[0].(object) //nolint:forcetypeassert // the test fails
		f(d)
		return set("authorization_details", encoded(t, []object{d}))
	}
	first := func(d object) object { return d["accounts"].([]any)[0].(object) } //nolint:forcetypeassert // the test fails

	less := p.refresh(refresh, spoiled(func(d object) {
		d["accounts"] = d["accounts"].([]any)[:1] //nolint:forcetypeassert // the test fails
		first(d)["data_clusters"] = []string{"BALANCES"}
	}))
	token, err := p.admit(less.text("access_token"))
	must(t, err)
	if len(token.Ceiling()) != 1 || token.Ceiling()[w.names.Account("messenger", bankID, "A-1")] != consent.ClustersOf(consent.Balances) {
		t.Errorf("a narrower token lets out %v", token.Ceiling())
	}
	for name, f := range map[string]func(object){
		"a kind of data more":        func(d object) { first(d)["data_clusters"] = []string{"BALANCES", "CARDS"} },
		"an account more":            func(d object) { first(d)["account_id"] = "acc_other" },
		"no account":                 func(d object) { delete(d, "accounts") },
		"another consent":            func(d object) { d["consent_id"] = "con_other" },
		"another bank":               func(d object) { d["bank"] = "hrad" },
		"a longer look back":         func(d object) { d["look_back_days"] = 730 },
		"a later end":                func(d object) { d["expires_at"] = "2036-01-01T00:00:00Z" },
		"another purpose":            func(d object) { d["purpose"] = "LENDING_DECISION" },
		"a member that is not known": func(d object) { d["everything"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, p.refresh(refresh, spoiled(f)), "invalid_authorization_details")
		})
	}
	for name, raw := range map[string]string{"none": "[]", "no list": "{}", "null": "null", "no JSON": "[{"} {
		t.Run(name, func(t *testing.T) {
			wantError(t, p.refresh(refresh, set("authorization_details", raw)), "invalid_authorization_details")
		})
	}
}

func TestARefreshedTokenIsWhatItsConsentIsNow(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	got := p.tokens()
	c := w.consentOf(got)
	byCustomer := consent.ByCustomer{Bank: bankID, Customer: customer}
	narrowed, err := w.book.Narrow(t.Context(), byCustomer, c.ID, c.Revision, consent.Narrowing{Shares: []consent.Share{{Account: "A-2", Clusters: consent.ClustersOf(consent.Balances)}}})
	must(t, err)

	again := p.refresh(got.text("refresh_token"))
	token, err := p.admit(again.text("access_token"))
	must(t, err)
	if len(token.Ceiling()) != 1 || token.Consent() != c.ID || again.text("grant_id") != got.text("grant_id") {
		t.Errorf("after narrowing, the token lets out %v under %s", token.Ceiling(), token.Consent())
	}
	if again.body["refresh_token"] != nil {
		t.Error("the refresh token was rotated")
	}
	// What was granted before is too much now.
	wantError(t, p.refresh(got.text("refresh_token"), set("authorization_details", encoded(t, got.body["authorization_details"]))), "invalid_authorization_details")

	_, err = w.book.Revoke(t.Context(), byCustomer, narrowed.ID)
	must(t, err)
	wantError(t, p.refresh(got.text("refresh_token")), "invalid_grant")
	wantError(t, p.refresh(got.text("refresh_token")), "invalid_grant")
}

func TestManyMayRefreshAtOnce(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	refresh := p.tokens().text("refresh_token")
	for _, got := range atOnce(8, func() said { return p.refresh(refresh) }) {
		if got.status != http.StatusOK {
			t.Errorf("refresh among others = %d %v", got.status, got.body)
		}
	}
}

func TestARefreshTokenOutlivesTheCertificateItCameWith(t *testing.T) {
	w := newWorld(t)
	p := w.byCertificate("bulk")
	refresh := p.tokens().text("refresh_token")
	p.renew()
	again := p.refresh(refresh)
	cnf, _ := claimsOf(t, again.text("access_token"))["cnf"].(object)
	if cnf["x5t#S256"] != thumbprint(p.cert.Certificate[0]) {
		t.Errorf("refreshed with a renewed certificate: %d %v, bound to %v", again.status, again.body, cnf)
	}
}

func TestAPartnersOwnTokenIsOfNoConsent(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	got := p.own("consents")
	token, err := p.admit(got.text("access_token"))
	must(t, err)
	if token.Consent() != "" || !token.Has(oauth.ScopeConsents) || len(token.Ceiling()) != 0 || got.body["refresh_token"] != nil || got.body["grant_id"] != nil {
		t.Errorf("own token = %v", got.body)
	}
	wantError(t, p.own(""), "invalid_scope")
	wantError(t, p.own("accounts"), "invalid_scope")
	wantError(t, p.own("consents", set("authorization_details", encoded(t, []object{details()}))), "invalid_authorization_details")
	wantError(t, p.push(set("scope", "consents")), "invalid_scope")
}

func TestAJointConsentsTokenComesBeforeTheCoHolderAgreed(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	w.decides(func(ctx context.Context, a oauth.Ask) error {
		_, err := w.book.Authorize(ctx, consent.ByCustomer{Bank: a.Bank, Customer: customer}, a.Consent, 0, consent.Choice{
			Shares: []consent.Share{{Account: "A-1", Clusters: consent.ClustersOf(consent.Balances)}}, CoHolders: []consent.CustomerID{"C-2"},
		})
		return err
	})
	got := p.tokens()
	if w.consentOf(got).Status != consent.PartiallyAuthorized {
		t.Fatal("not a joint consent")
	}
	if info := p.introspect(got.text("access_token")); info["active"] != false {
		t.Errorf("a token under a consent that waits for a co-holder is %v", info)
	}
}

func (p *partner) introspect(token string) object {
	p.w.t.Helper()
	return p.call("/introspect", url.Values{"token": {token}}).body
}

// consentOf is the consent of a token answer.
func (w *world) consentOf(got said) consent.Consent {
	w.t.Helper()
	claims := claimsOf(w.t, got.text("access_token"))
	c, err := w.book.Get(w.t.Context(), consent.ByPartner(consent.PartnerID(claims["client_id"].(string))), consent.ID(claims["consent_id"].(string))) //nolint:forcetypeassert // the test fails
	must(w.t, err)
	return c
}
