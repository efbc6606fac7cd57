package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn"
	"sluice/consent"
	"sluice/oauth"
	"sluice/registry"
)

// manage asks for an action on a grant.
func manage(action, grant string, more ...string) spoil {
	return spoil{form: func(f url.Values) {
		f.Set("grant_management_action", action)
		if grant != "" {
			f.Set("grant_id", grant)
		}
		for i := 0; i+1 < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
	}}
}

func TestAGrantThatIsReplacedKeepsItsIDAndItsConsentIsSuperseded(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	first := p.tokens(manage("create", ""))
	grant, old := first.text("grant_id"), w.consentOf(first)

	d := details()
	d["data_clusters"], d["look_back_days"] = []string{"CARDS"}, 1
	w.decides(func(ctx context.Context, a oauth.Ask) error {
		_, err := w.book.Authorize(ctx, consent.ByCustomer{Bank: a.Bank, Customer: customer}, a.Consent, 0, consent.Choice{
			Shares: []consent.Share{{Account: "A-1", Clusters: consent.ClustersOf(consent.Cards)}},
		})
		return err
	})
	second := p.tokens(manage("replace", grant, "authorization_details", encoded(t, []object{d})))
	next := w.consentOf(second)
	if second.text("grant_id") != grant || next.ID == old.ID || next.Shares[0].Clusters != consent.ClustersOf(consent.Cards) {
		t.Errorf("replaced: grant %s consent %+v", second.text("grant_id"), next)
	}
	if now := w.consentOf(first); now.Status != consent.Superseded {
		t.Errorf("the consent that was replaced is %s", consent.StatusName(now.Status))
	}
	wantError(t, p.refresh(first.text("refresh_token")), "invalid_grant")
	if again := p.refresh(second.text("refresh_token")); again.status != http.StatusOK {
		t.Errorf("refreshing what came in its place: %v", again.body)
	}
	if info := p.introspect(first.text("access_token")); info["active"] != false {
		t.Error("a token under the consent that was replaced is active")
	}
}

// Else a co-holder who says no would leave the customer with neither.
func TestWhatIsReplacedHoldsUntilEverybodyAgreedToWhatReplacesIt(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	first := p.tokens(manage("create", ""))
	choice := consent.Choice{Shares: []consent.Share{{Account: "A-1", Clusters: consent.ClustersOf(consent.Balances)}}}
	w.decides(func(ctx context.Context, a oauth.Ask) error {
		joint := choice
		joint.CoHolders = []consent.CustomerID{"co-holder"}
		_, err := w.book.Authorize(ctx, consent.ByCustomer{Bank: a.Bank, Customer: customer}, a.Consent, 0, joint)
		return err
	})
	second := p.tokens(manage("replace", first.text("grant_id")))
	if now := w.consentOf(first); now.Status != consent.Active {
		t.Fatalf("while a co-holder must agree, what was given before is %s", consent.StatusName(now.Status))
	}
	next := w.consentOf(second)
	if _, err := w.book.Authorize(t.Context(), consent.ByCustomer{Bank: next.Bank, Customer: "co-holder"}, next.ID, 0, choice); err != nil {
		t.Fatal(err)
	}
	if again := p.refresh(second.text("refresh_token")); again.status != http.StatusOK {
		t.Fatalf("refresh: %v", again.body)
	}
	if now := w.consentOf(first); now.Status != consent.Superseded {
		t.Errorf("once all agreed, what was replaced is %s", consent.StatusName(now.Status))
	}
}

func TestAGrantIsMergedWithWhatItHad(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	first := p.tokens()
	d := details()
	d["data_clusters"], d["look_back_days"] = []string{"CARDS"}, 1
	asked := make(chan consent.Terms, 1)
	w.decides(func(ctx context.Context, a oauth.Ask) error {
		c, err := w.book.Get(ctx, consent.ByPartner(a.Partner), a.Consent)
		asked <- c.Asked
		if err != nil {
			return err
		}
		return w.agree(ctx, a)
	})
	second := p.tokens(manage("merge", first.text("grant_id"), "authorization_details", encoded(t, []object{d})))
	all := consent.ClustersOf(consent.AccountBasic, consent.Balances, consent.TransactionsDetailed, consent.Cards).Implied()
	if terms := <-asked; terms.Clusters != all || terms.LookBackDays != 90 || second.text("grant_id") != first.text("grant_id") {
		t.Errorf("merging asks for %v and gives grant %s", terms, second.text("grant_id"))
	}
}

func TestAnotherCustomerCanNotReplaceAGrant(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	first := p.tokens()
	var made consent.ID
	w.decides(func(ctx context.Context, a oauth.Ask) error { made = a.Consent; return w.agreeAs(ctx, a, "C-other") })
	back, _ := visit(t, w.browser(), p.start(manage("replace", first.text("grant_id"))))
	if back.Get("error") != "access_denied" {
		t.Errorf("another customer's decision sends back %v", back)
	}
	if c := w.consentOf(first); c.Status != consent.Active {
		t.Errorf("the first customer's consent is %s", consent.StatusName(c.Status))
	}
	if c, err := w.book.Get(t.Context(), consent.ByPartner("messenger"), made); err != nil || c.Status != consent.Revoked {
		t.Errorf("what the other agreed to is %v, %v", c.Status, err)
	}
	if again := p.refresh(first.text("refresh_token")); again.status != http.StatusOK {
		t.Errorf("the grant is gone: %v", again.body)
	}
}

func TestAReplacementThatCanNotBeReadNowWaits(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	first := p.tokens()
	w.decides(nil)
	browser := w.browser()
	back := w.url + page(t, browser, p.start(manage("replace", first.text("grant_id"))), http.StatusOK)
	must(t, w.agree(t.Context(), must1(w.server.Find(withCookies(t, browser, back), path.Base(back)))(t)))
	w.store.fail(errors.New("the store is away"))
	if got, status := visit(t, browser, back); got != nil || status != http.StatusServiceUnavailable {
		t.Errorf("while the grant can't be read: %d %v", status, got)
	}
	w.store.fail(nil)
	if got, status := visit(t, browser, back); got.Get("code") == "" {
		t.Errorf("after that: %d %v", status, got)
	}
}

func TestOnlyOnesOwnLivingGrantOfTheBankIsReplaced(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	alive, ended, given := p.tokens(), p.tokens(), p.tokens()
	_, err := w.book.Revoke(t.Context(), consent.ByPartner("messenger"), w.consentOf(ended).ID)
	must(t, err)
	p.call("/revoke", url.Values{"token": {given.text("refresh_token")}})
	elsewhere := details()
	elsewhere["bank"] = "hrad"

	wantError(t, other.push(manage("replace", alive.text("grant_id"))), "invalid_grant_id")
	wantError(t, p.push(manage("merge", "gra_none")), "invalid_grant_id")
	wantError(t, p.push(manage("merge", "\x00\xff")), "invalid_grant_id")
	wantError(t, p.push(manage("replace", "")), "invalid_grant_id")
	wantError(t, p.push(manage("replace", ended.text("grant_id"))), "invalid_grant_id")
	wantError(t, p.push(manage("replace", given.text("grant_id"))), "invalid_grant_id")
	wantError(t, p.push(manage("replace", alive.text("grant_id"), "authorization_details", encoded(t, []object{elsewhere}))), "invalid_grant_id")
	wantError(t, p.push(manage("create", alive.text("grant_id"))), "invalid_request")
	wantError(t, p.push(manage("destroy", alive.text("grant_id"))), "invalid_request")
	wantError(t, p.push(set("grant_id", alive.text("grant_id"))), "invalid_request")
	if c := w.consentOf(alive); c.Status != consent.Active {
		t.Errorf("a refused request left the consent %s", consent.StatusName(c.Status))
	}
}

func TestAGrantIsQueriedAndGivenUp(t *testing.T) {
	w := newWorld(t)
	for _, p := range []*partner{w.byKey("messenger"), w.byCertificate("bulk")} {
		t.Run(p.id, func(t *testing.T) {
			got := p.tokens()
			path := "/grants/" + got.text("grant_id")
			query, revoke := p.own("grant_management_query").text("access_token"), p.own("grant_management_revoke").text("access_token")

			shown := p.show(http.MethodGet, path, query)
			d, _ := shown.body["authorization_details"].([]any)
			if shown.status != http.StatusOK || len(d) != 1 || d[0].(object)["consent_id"] != string(w.consentOf(got).ID) { //nolint:forcetypeassert // the test fails
				t.Errorf("query = %d %v", shown.status, shown.body)
			}
			customers := p.tokens(set("scope", "grant_management_query"))
			if shown := p.show(http.MethodGet, "/grants/"+customers.text("grant_id"), customers.text("access_token")); shown.status != http.StatusOK {
				t.Errorf("query with the grant's own token = %d %v", shown.status, shown.body)
			}
			wantError(t, p.show(http.MethodDelete, path, query), "insufficient_scope", http.StatusForbidden)
			wantError(t, p.show(http.MethodGet, path, revoke), "insufficient_scope", http.StatusForbidden)
			if gone := p.show(http.MethodDelete, path, revoke); gone.status != http.StatusNoContent || gone.body != nil {
				t.Errorf("give up = %d %v", gone.status, gone.body)
			}
			if c := w.consentOf(got); c.Status != consent.Revoked {
				t.Errorf("after that the consent is %s", consent.StatusName(c.Status))
			}
			wantError(t, p.refresh(got.text("refresh_token")), "invalid_grant")
			wantError(t, p.show(http.MethodGet, path, query), "invalid_grant_id", http.StatusNotFound)
			if again := p.show(http.MethodDelete, path, revoke); again.status != http.StatusNoContent {
				t.Errorf("giving up again = %d %v", again.status, again.body)
			}
		})
	}
}

func TestAnothersGrantLooksLikeNone(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	grant := p.tokens().text("grant_id")
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		token := other.own("grant_management_query grant_management_revoke").text("access_token")
		theirs, none := other.show(method, "/grants/"+grant, token), other.show(method, "/grants/gra_none", token)
		if theirs.status != http.StatusNotFound || encoded(t, theirs.body) != encoded(t, none.body) || theirs.status != none.status {
			t.Errorf("%s of another's = %d %v, of none = %d %v", method, theirs.status, theirs.body, none.status, none.body)
		}
	}
}

func TestAGrantIsShownOnlyToWhomTheTokenIsBound(t *testing.T) {
	w := newWorld(t)
	p, bulk := w.byKey("messenger"), w.byCertificate("bulk")
	path := "/grants/" + p.tokens().text("grant_id")
	bulkPath := "/grants/" + bulk.tokens().text("grant_id")
	token, bulkToken := p.own("grant_management_query").text("access_token"), bulk.own("grant_management_query").text("access_token")
	used := p.proof(http.MethodGet, path, token, spoil{})
	if got := p.show(http.MethodGet, path, token, spoil{proven: func(string) string { return used }}); got.status != http.StatusOK {
		t.Fatalf("query = %d %v", got.status, got.body)
	}
	claim := func(name string, value any) spoil { return spoil{proof: func(_, c object) { c[name] = value }} }
	for name, s := range map[string]spoil{
		"another key":       {proofs: newKey(t)},
		"a proof of before": {proven: func(string) string { return used }},
		"another method":    claim("htm", "DELETE"),
		"another address":   claim("htu", w.url+"/grants/gra_other"),
		"another token":     claim("ath", challenge("other")),
		"no jti":            claim("jti", ""),
		"too old":           claim("iat", 1),
		"jku":               {proof: func(h, _ object) { h["jku"] = "https://evil.example" }},
		"another typ":       {proof: func(h, _ object) { h["typ"] = "JWT" }},
		"no proof":          {request: func(r *http.Request) { r.Header.Del("DPoP") }},
		"Bearer":            {request: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }},
		"no token":          {request: func(r *http.Request) { r.Header.Del("Authorization") }},
		"a refresh token":   {request: func(r *http.Request) { r.Header.Set("Authorization", "DPoP ref_x") }},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.show(http.MethodGet, path, token, s); got.body["authorization_details"] != nil || got.status != http.StatusUnauthorized && got.status != http.StatusBadRequest {
				t.Errorf("query = %d %v", got.status, got.body)
			}
		})
	}
	bulk.renew()
	wantError(t, bulk.show(http.MethodGet, bulkPath, bulkToken), "invalid_token", http.StatusUnauthorized)
	bulk.connectAs(authn.Identity{Kind: authn.Partner, ID: "messenger"})
	wantError(t, bulk.show(http.MethodGet, bulkPath, bulkToken), "invalid_token", http.StatusUnauthorized)
	w.parties.suspend("messenger")
	wantError(t, p.show(http.MethodGet, path, token), "invalid_token", http.StatusUnauthorized)
}

func TestARefreshTokenOpensNoGrant(t *testing.T) {
	w := newWorld(t)
	for _, p := range []*partner{w.byKey("messenger"), w.byCertificate("bulk")} {
		got := p.tokens(set("scope", "grant_management_query grant_management_revoke"))
		for _, scheme := range []string{"Bearer", "DPoP"} {
			shown := p.show(http.MethodGet, "/grants/"+got.text("grant_id"), got.text("refresh_token"), spoil{request: func(r *http.Request) {
				r.Header.Set("Authorization", scheme+" "+got.text("refresh_token"))
			}})
			wantError(t, shown, "invalid_token", http.StatusUnauthorized)
		}
	}
}

func TestIntrospectionTellsOfOnesOwnTokensWhileTheirConsentHolds(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	got := p.tokens()
	access, refresh := got.text("access_token"), got.text("refresh_token")
	info := p.introspect(access)
	if info["active"] != true || info["consent_id"] == nil || info["client_id"] != "messenger" || info["cnf"] == nil {
		t.Errorf("introspection = %v", info)
	}
	if info := p.introspect(refresh); info["active"] != true {
		t.Errorf("introspection of a refresh token = %v", info)
	}
	for name, token := range map[string]string{"access": access, "refresh": refresh, "made up": "xyz", "damaged": access[:len(access)-4] + "AAAA"} {
		if got := other.call("/introspect", url.Values{"token": {token}}); got.status != http.StatusOK || encoded(t, got.body) != `{"active":false}` {
			t.Errorf("another's %s token = %d %v", name, got.status, got.body)
		}
	}
	id, by := w.consentOf(got).ID, consent.ByCustomer{Bank: bankID, Customer: customer}
	_, err := w.book.Pause(t.Context(), by, id, 0)
	must(t, err)
	if info := p.introspect(access); info["active"] != false || len(info) != 1 {
		t.Errorf("while paused = %v", info)
	}
	_, err = w.book.Resume(t.Context(), by, id, 0)
	must(t, err)
	if info := p.introspect(access); info["active"] != true {
		t.Errorf("when resumed = %v", info)
	}
	_, err = w.book.Revoke(t.Context(), by, id)
	must(t, err)
	for _, token := range []string{access, refresh} {
		if info := p.introspect(token); info["active"] != false || len(info) != 1 {
			t.Errorf("when revoked = %v", info)
		}
	}
}

func TestARevokedTokenIsDeadAndItsConsentIsNot(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	for _, name := range []string{"refresh_token", "access_token"} {
		got := p.tokens()
		if refused := other.call("/revoke", url.Values{"token": {got.text(name)}}); refused.status == http.StatusOK {
			t.Errorf("another revokes a %s", name)
		}
		if again := p.refresh(got.text("refresh_token")); again.status != http.StatusOK {
			t.Fatalf("refresh = %v", again.body)
		}
		if done := p.call("/revoke", url.Values{"token": {got.text(name)}}); done.status != http.StatusOK {
			t.Errorf("revoke = %d %v", done.status, done.body)
		}
		wantError(t, p.refresh(got.text("refresh_token")), "invalid_grant")
		if info := p.introspect(got.text("access_token")); info["active"] != false {
			t.Errorf("after revoking, the access token is %v", info)
		}
		if c := w.consentOf(got); c.Status != consent.Active {
			t.Errorf("after revoking a token the consent is %s", consent.StatusName(c.Status))
		}
	}
	if done := p.call("/revoke", url.Values{"token": {"made-up"}}); done.status != http.StatusOK {
		t.Errorf("revoking what there is not = %d", done.status)
	}
}

func TestMetadataSayWhatIsOfferedAndNothingElse(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	var pages []object
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		must(t, err)
		pages = append(pages, p.do(r).body)
	}
	m := pages[0]
	if encoded(t, m) != encoded(t, pages[1]) {
		t.Errorf("two answers: %v and %v", pages[0], pages[1])
	}
	for name, want := range map[string]any{
		"issuer": w.url, "pushed_authorization_request_endpoint": w.url + "/par", "token_endpoint": w.url + "/token", "jwks_uri": w.url + "/jwks",
		"authorization_endpoint": w.url + "/authorize", "introspection_endpoint": w.url + "/introspect", "revocation_endpoint": w.url + "/revoke",
		"grant_management_endpoint": w.url + "/grants", "require_pushed_authorization_requests": true,
		"authorization_response_iss_parameter_supported": true, "tls_client_certificate_bound_access_tokens": true,
		"code_challenge_methods_supported": []any{"S256"}, "response_types_supported": []any{"code"}, "response_modes_supported": []any{"query"},
		"authorization_details_types_supported": []any{"account_data"}, "subject_types_supported": []any{"public"},
		"scopes_supported": []any{"consents", "grant_management_query", "grant_management_revoke"},
	} {
		if encoded(t, m[name]) != encoded(t, want) {
			t.Errorf("%s = %v, want %v", name, m[name], want)
		}
	}
	text := encoded(t, m)
	for _, not := range []string{"registration", "userinfo", "RS256", "none", "id_token", "openid", "claim"} {
		if strings.Contains(text, not) {
			t.Errorf("metadata offer %s, which there is not: %s", not, text)
		}
	}
	aliases, _ := m["mtls_endpoint_aliases"].(object)
	if aliases["token_endpoint"] != w.mtls+"/token" || aliases["pushed_authorization_request_endpoint"] != w.mtls+"/par" {
		t.Errorf("aliases = %v", aliases)
	}
}

func TestPublishedKeysHaveNoPrivateHalves(t *testing.T) {
	w := newWorld(t)
	must(t, w.ring.Rotate(t.Context()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/jwks", nil)
	must(t, err)
	keys, _ := w.byKey("messenger").do(r).body["keys"].([]any)
	if len(keys) != 2 {
		t.Fatalf("%d keys are published", len(keys))
	}
	for _, k := range keys {
		if k := k.(object); k["d"] != nil || k["kid"] == "" || k["use"] != "sig" || k["alg"] != "ES256" { //nolint:forcetypeassert // the test fails
			t.Errorf("published key %v", k)
		}
	}
}

func TestAPartnersKeysAreReadFromItsAddress(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	byURL := registry.Partner{ID: "messenger", Name: "messenger", Standing: registry.Active, Client: registry.Client{
		Authentication: registry.PrivateKeyJWT, RedirectURIs: []string{redirect}, KeysURL: "https://messenger.example/jwks",
	}}
	w.parties.put(byURL)
	wantError(t, p.push(), "invalid_client", http.StatusUnauthorized)
	w.parties.mu.Lock()
	w.parties.keys = map[string]jose.JSONWebKeySet{"https://messenger.example/jwks": {Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "k1"}}}}
	w.parties.mu.Unlock()
	if got := p.push(); got.status != http.StatusCreated {
		t.Errorf("push = %d %v", got.status, got.body)
	}
}
