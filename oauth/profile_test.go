package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sluice/authn"
	"sluice/consent"
	"sluice/seal"
	"sluice/sqldb"
)

// rewrite changes what the authorization server keeps, as if it had been kept so:
// it lets time pass for a library that reads the machine's clock.
func (w *world) rewrite(kind string, change func(object)) {
	w.t.Helper()
	table := "oauth_" + kind + "s"
	rows, err := w.db.Reader().QueryContext(w.t.Context(), `SELECT id, content FROM `+table)
	must(w.t, err)
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var id, content string
		must(w.t, rows.Scan(&id, &content))
		plain, err := w.sealer.Open(seal.Binding{kind, id}, content)
		must(w.t, err)
		var o object
		must(w.t, json.Unmarshal([]byte(plain[0]), &o))
		change(o)
		all[id] = w.sealer.Seal(seal.Binding{kind, id}, encoded(w.t, o))
	}
	must(w.t, rows.Err())
	for id, content := range all {
		must(w.t, w.db.Transact(w.t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(w.t.Context(), `UPDATE `+table+` SET content = $1 WHERE id = $2`, content, id)
			return err
		}))
	}
}

func ago(name string) func(object) {
	return func(o object) { o[name] = time.Now().Add(-time.Second).Unix() }
}

func TestPushedRequestsKeepToTheProfile(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	for name, c := range map[string]struct {
		spoil spoil
		error string
	}{
		"without PKCE":                         {drop("code_challenge"), "invalid_request"},
		"with plain PKCE":                      {set("code_challenge_method", "plain"), "invalid_request"},
		"without a redirect_uri":               {drop("redirect_uri"), "invalid_request"},
		"with another redirect_uri":            {set("redirect_uri", "https://evil.example/back"), "invalid_request"},
		"with a longer redirect_uri":           {set("redirect_uri", redirect+"/more"), "invalid_request"},
		"with a redirect_uri that has a query": {set("redirect_uri", redirect+"?a=b"), "invalid_request"},
		"with a redirect_uri in capitals":      {set("redirect_uri", strings.ToUpper(redirect)), "invalid_request"},
		"for a token":                          {set("response_type", "token"), "invalid_request"},
		"for code and id_token":                {set("response_type", "code id_token"), "invalid_request"},
		"without a response_type":              {drop("response_type"), "invalid_request"},
		"for a fragment":                       {set("response_mode", "fragment"), "invalid_request"},
		"for a form":                           {set("response_mode", "form_post"), "invalid_request"},
		"with a request_uri":                   {set("request_uri", "urn:ietf:params:oauth:request_uri:req_x"), "invalid_request"},
		"with another's client_id":             {set("client_id", "other"), "invalid_client"},
		"with a scope there is not":            {set("scope", "openid"), "invalid_scope"},
		"with a parameter twice":               {spoil{form: func(f url.Values) { f.Add("redirect_uri", redirect) }}, "invalid_request"},
		"that is too long":                     {set("state", strings.Repeat("x", 70<<10)), "invalid_request"},
		"with another dpop_jkt":                {set("dpop_jkt", challenge("other")), "invalid_dpop_proof"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, p.push(c.spoil), c.error, http.StatusBadRequest, http.StatusUnauthorized)
		})
	}
	all, err := w.book.List(t.Context(), consent.Query{Partner: "messenger", Limit: 10})
	must(t, err)
	if len(all) != 0 {
		t.Errorf("refused requests left %d consents", len(all))
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead} {
		for _, path := range []string{"/par", "/token", "/introspect", "/revoke"} {
			r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
			must(t, err)
			if got := p.do(r); got.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s = %d", method, path, got.status)
			}
		}
	}
}

func TestWhatIsAskedForMustBeAConsentThatThereCanBe(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	with := func(name string, value any) spoil {
		d := details()
		d[name] = value
		return set("authorization_details", encoded(t, []object{d}))
	}
	for name, s := range map[string]spoil{
		"nothing":              drop("authorization_details"),
		"no list":              set("authorization_details", "{}"),
		"an empty list":        set("authorization_details", "[]"),
		"two":                  set("authorization_details", encoded(t, []object{details(), details()})),
		"no JSON":              set("authorization_details", "[{"),
		"another type":         with("type", "payment_initiation"),
		"an unknown member":    with("everything", true),
		"accounts":             with("accounts", []object{{"account_id": "A-1", "data_clusters": []string{"BALANCES"}}}),
		"a consent":            with("consent_id", "con_1"),
		"no bank":              with("bank", nil),
		"an unknown bank":      with("bank", "nowhere"),
		"no name of a bank":    with("bank", "mor\x00ava"),
		"a suspended bank":     with("bank", "shut"),
		"a bank with no login": with("bank", "plain"),
		"an unknown cluster":   with("data_clusters", []string{"EVERYTHING"}),
		"no clusters":          with("data_clusters", []string{}),
		"an unknown purpose":   with("purpose", "ADVERTISING"),
		"an end of the past":   with("expires_at", "2020-01-01T00:00:00Z"),
		"an end that is none":  with("expires_at", "tomorrow"),
		"days below zero":      with("look_back_days", -1),
		"days without end":     with("look_back_days", 1e30),
		"half a day":           with("look_back_days", 1.5),
		"another kind":         with("look_back_days", "90"),
		"no sentence":          with("purpose_text", " "),
	} {
		t.Run(name, func(t *testing.T) { wantError(t, p.push(s), "invalid_authorization_details") })
	}
}

func TestClientAssertionsKeepToTheProfile(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	claim := func(name string, value any) spoil { return spoil{assertion: func(_, c object) { c[name] = value }} }
	header := func(name string, value any) spoil { return spoil{assertion: func(h, _ object) { h[name] = value }} }
	now := time.Now()
	for name, s := range map[string]spoil{
		"none":                        {form: func(f url.Values) { f.Del("client_assertion"); f.Set("client_id", "messenger") }},
		"no type":                     drop("client_assertion_type"),
		"another type":                set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
		"no sub":                      {assertion: func(_, c object) { delete(c, "sub") }},
		"another sub":                 claim("sub", "other"),
		"no iss":                      {assertion: func(_, c object) { delete(c, "iss") }},
		"another iss":                 claim("iss", "other"),
		"no aud":                      {assertion: func(_, c object) { delete(c, "aud") }},
		"another aud":                 claim("aud", "https://other.example"),
		"aud of the PAR endpoint":     claim("aud", w.url+"/par"),
		"aud of the token endpoint":   claim("aud", w.url+"/token"),
		"two auds":                    claim("aud", []string{w.url, "https://other.example"}),
		"no exp":                      {assertion: func(_, c object) { delete(c, "exp") }},
		"exp 5 minutes ago":           claim("exp", now.Add(-5*time.Minute).Unix()),
		"exp in an hour":              claim("exp", now.Add(time.Hour).Unix()),
		"iat and nbf in a minute":     {assertion: func(_, c object) { c["iat"], c["nbf"] = now.Add(time.Minute).Unix(), now.Add(time.Minute).Unix() }},
		"no jti":                      {assertion: func(_, c object) { delete(c, "jti") }},
		"RS256":                       header("alg", "RS256"),
		"HS256":                       header("alg", "HS256"),
		"alg none":                    {assertion: func(h, _ object) { h["alg"] = "none" }, signed: func(j string) string { return j[:strings.LastIndex(j, ".")+1] }},
		"another kid":                 header("kid", "k2"),
		"a key of its own":            {assertion: func(h, _ object) { h["kid"] = "k2"; h["jwk"] = jose.JSONWebKey{Key: &other.key.PublicKey} }},
		"a critical header":           {assertion: func(h, _ object) { h["crit"] = []string{"b64"}; h["b64"] = false }},
		"a signature that is not its": {signed: func(j string) string { return j[:len(j)-8] + "AAAAAAAA" }},
		"another partner's": {signed: func(string) string {
			return sign(t, other.key, object{"alg": "ES256", "kid": "k1"}, object{"iss": "messenger", "sub": "messenger", "aud": w.url, "jti": "x", "exp": now.Add(time.Minute).Unix()})
		}},
		"rubbish": {signed: func(string) string { return "a.b.c" }},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, p.push(s), "invalid_client", http.StatusUnauthorized)
			wantError(t, p.own("consents", s), "invalid_client", http.StatusUnauthorized)
		})
	}
	for name, s := range map[string]spoil{
		"iat and nbf in 8 seconds": {assertion: func(_, c object) { c["iat"], c["nbf"] = now.Add(8*time.Second).Unix(), now.Add(8*time.Second).Unix() }},
		"aud in a list":            claim("aud", []string{w.url}),
	} {
		if got := p.push(s); got.status != http.StatusCreated {
			t.Errorf("%s = %d %v", name, got.status, got.body)
		}
	}
}

func TestAClientAssertionIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	var kept string
	if got := p.push(spoil{signed: func(j string) string { kept = j; return j }}); got.status != http.StatusCreated {
		t.Fatalf("push = %d %v", got.status, got.body)
	}
	again := spoil{signed: func(string) string { return kept }}
	wantError(t, p.push(again), "invalid_client", http.StatusUnauthorized)
	wantError(t, p.own("consents", again), "invalid_client", http.StatusUnauthorized)
}

func TestAssertionsOfTheProfilesAlgorithmsAreTakenAndNoOthers(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	for _, c := range profileKeys(t) {
		partner := w.parties.partners["messenger"]
		partner.Client.Keys = encoded(t, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.key.Public(), KeyID: "k1"}}})
		w.parties.put(partner)
		got := p.push(spoil{signed: func(string) string {
			return signAs(t, c.alg, jose.JSONWebKey{Key: c.key, KeyID: "k1"}, nil, object{"iss": p.id, "sub": p.id, "aud": w.url, "jti": c.alg, "exp": time.Now().Add(time.Minute).Unix()})
		}})
		if taken := got.status == http.StatusCreated; taken != c.taken {
			t.Errorf("%s = %d %v", c.alg, got.status, got.body)
		}
	}
}

func TestProofsOfTheProfilesAlgorithmsAreTakenAndNoOthers(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	for _, c := range profileKeys(t) {
		got := p.own("consents", spoil{proven: func(string) string {
			header := map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: c.key.Public()}}
			return signAs(t, c.alg, c.key, header, object{"jti": c.alg, "htm": "POST", "htu": w.url + "/token", "iat": time.Now().Unix()})
		}})
		if taken := got.status == http.StatusOK; taken != c.taken {
			t.Errorf("%s = %d %v", c.alg, got.status, got.body)
		}
	}
}

func signAs(t *testing.T, alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, claims object) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	must(t, err)
	made, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(t, err)
	return made
}

func TestCertificatesProveTheirOwnPartnerOnly(t *testing.T) {
	w := newWorld(t)
	p := w.byCertificate("bulk")
	w.byCertificate("other")
	if got := p.push(); got.status != http.StatusCreated {
		t.Fatalf("push = %d %v", got.status, got.body)
	}
	for name, id := range map[string]authn.Identity{
		"another partner's": {Kind: authn.Partner, ID: "other"}, "a bank's": {Kind: authn.Bank, ID: "bulk"}, "a gateway's": {Kind: authn.Gateway, ID: "bulk"},
	} {
		p.connectAs(id)
		t.Run(name, func(t *testing.T) { wantError(t, p.push(), "invalid_client", http.StatusUnauthorized) })
	}
	p.http = w.browser()
	wantError(t, p.push(), "invalid_client", http.StatusUnauthorized)
	// A key proves a partner too, but not over another's certificate.
	byKey := w.byKey("mixed")
	byKey.base = w.mtls
	byKey.connectAs(authn.Identity{Kind: authn.Partner, ID: "other"})
	wantError(t, byKey.own("consents"), "invalid_client", http.StatusUnauthorized)
}

func TestACodeIsForWhoAskedWithWhatHeAskedWith(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	for name, c := range map[string]struct {
		spoil spoil
		error string
	}{
		"no verifier":          {drop("code_verifier"), "invalid_grant"},
		"another verifier":     {set("code_verifier", strings.Repeat("v", 43)), "invalid_grant"},
		"the challenge itself": {set("code_verifier", challenge(verifier)), "invalid_grant"},
		"another redirect_uri": {set("redirect_uri", "https://evil.example/back"), "invalid_grant"},
		"no redirect_uri":      {drop("redirect_uri"), "invalid_grant"},
		"another client_id":    {set("client_id", "other"), "invalid_client"},
		"no code":              {drop("code"), "invalid_request"},
		"a code there is not":  {set("code", "cod_none"), "invalid_grant"},
		"another grant type":   {set("grant_type", "password"), "unsupported_grant_type"},
		"implicit":             {set("grant_type", "implicit"), "unsupported_grant_type"},
		"no proof":             {spoil{request: func(r *http.Request) { r.Header.Del("DPoP") }}, "invalid_request"},
		"another key's proof":  {spoil{proofs: newKey(t)}, "invalid_dpop_proof"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, p.redeem(p.code(), c.spoil), c.error, http.StatusBadRequest, http.StatusUnauthorized)
		})
	}
	t.Run("another client", func(t *testing.T) {
		code := p.code()
		other.dpop = p.dpop
		wantError(t, other.redeem(code), "invalid_grant")
		wantError(t, p.redeem(code), "invalid_grant") // it was stolen
	})
	t.Run("too late", func(t *testing.T) {
		code := p.code()
		w.rewrite("grant", ago("auth_code_expires_at"))
		wantError(t, p.redeem(code), "invalid_grant")
	})
	t.Run("bound by dpop_jkt", func(t *testing.T) {
		jkt := spoil{form: func(f url.Values) { f.Set("dpop_jkt", thumbprintOf(t, p.dpop)) }, request: func(r *http.Request) { r.Header.Del("DPoP") }}
		wantError(t, p.redeem(p.code(jkt), spoil{proofs: newKey(t)}), "invalid_dpop_proof")
		if got := p.redeem(p.code(jkt)); got.status != http.StatusOK {
			t.Errorf("with the key = %v", got.body)
		}
	})
}

func TestACodeIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	code := p.code()
	got := p.redeem(code)
	if got.status != http.StatusOK {
		t.Fatalf("redeem = %v", got.body)
	}
	wantError(t, p.redeem(code), "invalid_grant")
	wantError(t, p.redeem(code), "invalid_grant")
	// RFC 6749, 4.1.2: what was issued for it is revoked.
	wantError(t, p.refresh(got.text("refresh_token")), "invalid_grant")
	if info := p.introspect(got.text("access_token")); info["active"] != false {
		t.Errorf("the token for a code used twice is %v", info)
	}
	if c := w.consentOf(got); c.Status != consent.Active {
		t.Errorf("a code used twice made the consent %s", consent.StatusName(c.Status))
	}
}

func TestRefreshTokensAreForTheirClient(t *testing.T) {
	w := newWorld(t)
	p, other := w.byKey("messenger"), w.byKey("other")
	refresh := p.tokens().text("refresh_token")
	other.dpop = p.dpop
	wantError(t, other.refresh(refresh), "invalid_grant")
	wantError(t, p.refresh(refresh, spoil{request: func(r *http.Request) { r.Header.Del("DPoP") }}), "invalid_request")
	wantError(t, p.refresh(refresh, drop("client_assertion")), "invalid_client", http.StatusUnauthorized)
	wantError(t, p.refresh("ref_none"), "invalid_grant")
	wantError(t, p.refresh(""), "invalid_request")
	wantError(t, p.refresh(refresh, set("scope", "consents")), "invalid_scope")
	if got := p.refresh(refresh); got.status != http.StatusOK {
		t.Errorf("refused attempts spoiled the token: %v", got.body)
	}
	bulk := w.byCertificate("bulk")
	refresh = bulk.tokens().text("refresh_token")
	bulk.http = w.browser()
	wantError(t, bulk.refresh(refresh), "invalid_client", http.StatusUnauthorized)
}

func TestATokenNeedsSomethingToBeBoundTo(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	p.dpop = nil
	wantError(t, p.own("consents"), "invalid_request")
	wantError(t, p.redeem(p.code()), "invalid_request")
}

func TestAuthorizationTakesNothingButAPushedRequest(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	w.byKey("other")
	plain := url.Values{
		"client_id": {p.id}, "response_type": {"code"}, "redirect_uri": {redirect}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
		"authorization_details": {encoded(t, []object{details()})},
	}
	for name, address := range map[string]string{
		"nothing pushed":      w.url + "/authorize?" + plain.Encode(),
		"no client_id":        w.url + "/authorize?request_uri=urn:ietf:params:oauth:request_uri:req_x",
		"an unknown client":   strings.Replace(p.start(), "client_id=messenger", "client_id=nobody", 1),
		"another client":      strings.Replace(p.start(), "client_id=messenger", "client_id=other", 1),
		"an unknown request":  w.url + "/authorize?client_id=messenger&request_uri=urn:ietf:params:oauth:request_uri:req_x",
		"a request elsewhere": w.url + "/authorize?client_id=messenger&request_uri=https://evil.example/request",
		"no request_uri":      w.url + "/authorize?client_id=messenger",
		"an odd client":       w.url + "/authorize?client_id=%00&request_uri=x",
	} {
		t.Run(name, func(t *testing.T) {
			if back, status := visit(t, w.browser(), address); back != nil || status != http.StatusBadRequest {
				t.Errorf("%d, sent back with %v", status, back)
			}
		})
	}
	t.Run("an expired request", func(t *testing.T) {
		address := p.start()
		w.rewrite("session", ago("expires_at"))
		if back, status := visit(t, w.browser(), address); back != nil || status != http.StatusBadRequest {
			t.Errorf("%d, sent back with %v", status, back)
		}
	})
	t.Run("a finished request", func(t *testing.T) {
		browser, address := w.browser(), p.start()
		if back, _ := visit(t, browser, address); back.Get("code") == "" {
			t.Fatalf("sent back with %v", back)
		}
		if back, status := visit(t, browser, address); back != nil || status != http.StatusBadRequest {
			t.Errorf("%d, sent back with %v", status, back)
		}
	})
}

func TestParametersBesideAPushedRequestChangeNothing(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	back, _ := visit(t, w.browser(), p.start()+"&state=other&nonce=n&response_type=code&code_challenge="+challenge("other"))
	if back.Get("state") != "s-1" || p.redeem(back.Get("code")).status != http.StatusOK {
		t.Errorf("sent back with %v", back)
	}
	back, _ = visit(t, w.browser(), p.start(drop("state"))+"&state=other")
	if back.Has("state") {
		t.Errorf("a state from outside is sent back: %v", back)
	}
	if back, status := visit(t, w.browser(), p.start()+"&redirect_uri=https://evil.example"); back != nil || status != http.StatusBadRequest {
		t.Errorf("another redirect_uri beside: %d %v", status, back)
	}
}

func TestALongStateComesBackWhole(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	for _, state := range []string{strings.Repeat("s", 1000), `"><script>&=#+ ü`} {
		if back, _ := visit(t, w.browser(), p.start(set("state", state))); back.Get("state") != state {
			t.Errorf("state comes back as %q", back.Get("state"))
		}
	}
}

func TestProofsKeepToTheProfile(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	claim := func(name string, value any) spoil { return spoil{proof: func(_, c object) { c[name] = value }} }
	header := func(name string, value any) spoil { return spoil{proof: func(h, _ object) { h[name] = value }} }
	now := time.Now()
	var used string
	if got := p.own("consents", spoil{proven: func(j string) string { used = j; return j }}); got.status != http.StatusOK {
		t.Fatalf("own = %v", got.body)
	}
	spoils := map[string]spoil{
		"replayed":            {proven: func(string) string { return used }},
		"htm GET":             claim("htm", "GET"),
		"no htm":              claim("htm", ""),
		"another htu":         claim("htu", w.url+"/other"),
		"no htu":              claim("htu", ""),
		"htu by http":         claim("htu", strings.Replace(w.url, "https", "http", 1)+"/token"),
		"no jti":              {proof: func(_, c object) { delete(c, "jti") }},
		"no iat":              {proof: func(_, c object) { delete(c, "iat") }},
		"iat an hour ago":     claim("iat", now.Add(-time.Hour).Unix()),
		"iat 70 seconds ago":  claim("iat", now.Add(-70*time.Second).Unix()),
		"iat in a minute":     claim("iat", now.Add(time.Minute).Unix()),
		"iat twice":           {proof: func(_, c object) { c["IAT"] = now.Unix(); c["iat"] = now.Add(-200 * time.Second).Unix() }},
		"typ JWT":             header("typ", "JWT"),
		"no typ":              {proof: func(h, _ object) { delete(h, "typ") }},
		"no jwk":              {proof: func(h, _ object) { delete(h, "jwk") }},
		"a private jwk":       header("jwk", jose.JSONWebKey{Key: p.dpop}),
		"a symmetric jwk":     header("jwk", object{"kty": "oct", "k": "c2VjcmV0"}),
		"another jwk":         header("jwk", jose.JSONWebKey{Key: &newKey(t).PublicKey}),
		"RS256":               header("alg", "RS256"),
		"HS256":               {proof: func(h, _ object) { h["alg"] = "HS256"; h["jwk"] = object{"kty": "oct", "k": "c2VjcmV0"} }},
		"alg none":            {proof: func(h, _ object) { h["alg"] = "none" }, proven: func(j string) string { return j[:strings.LastIndex(j, ".")+1] }},
		"no alg":              {proof: func(h, _ object) { delete(h, "alg") }},
		"a damaged signature": {proven: func(j string) string { return j[:len(j)-8] + "AAAAAAAA" }},
		"no JWT":              {proven: func(string) string { return "proof" }},
		"empty":               {proven: func(string) string { return "" }},
		"crit":                header("crit", []string{"jti"}),
		"jku":                 header("jku", "https://evil.example"),
		"a jti without end":   claim("jti", strings.Repeat("x", 257)),
		"a weak key":          {proven: func(string) string { return weakProof(t, w.url+"/token") }},
		"two":                 {request: func(r *http.Request) { r.Header.Add("DPoP", r.Header.Get("DPoP")) }},
	}
	for name, s := range spoils {
		t.Run(name, func(t *testing.T) { wantError(t, p.own("consents", s), "invalid_dpop_proof") })
	}
	for name, s := range spoils {
		if slices.Contains([]string{"another htu", "htu by http"}, name) { // of /token
			continue
		}
		t.Run(name+" at PAR", func(t *testing.T) { wantError(t, p.push(s), "invalid_dpop_proof") })
	}
	for name, s := range map[string]spoil{
		"iat 10 seconds ago":       claim("iat", now.Add(-10*time.Second).Unix()),
		"iat in 9 seconds":         claim("iat", time.Now().Add(9*time.Second).Unix()),
		"nbf and exp":              {proof: func(_, c object) { c["nbf"], c["exp"] = now.Unix(), now.Add(time.Minute).Unix() }},
		"htu with query":           claim("htu", w.url+"/token?a=b#c"),
		"htu in capitals":          claim("htu", strings.Replace(w.url, "https", "HTTPS", 1)+"/token"),
		"claims that nobody knows": claim("more", base64.StdEncoding.EncodeToString([]byte("x"))),
	} {
		if got := p.own("consents", s); got.status != http.StatusOK {
			t.Errorf("%s = %d %v", name, got.status, got.body)
		}
	}
}
