package samplebank

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const takenBack = "https://gateway.example/login/callback"

// loginStage is a bank's login over TLS, and the gateway as it sees it.
type loginStage struct {
	*httptest.Server
	t      *testing.T
	key    jose.JSONWebKey
	offset atomic.Int64
}

func (s *loginStage) now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

func startLogin(t *testing.T) *loginStage {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &loginStage{t: t, key: jose.JSONWebKey{Key: private, KeyID: "gateway-1", Use: "sig"}}
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}})
	}))
	t.Cleanup(gateway.Close)
	s.Server = httptest.NewUnstartedServer(nil)
	handler, err := NewLogin(open(t, load(t), "morava"), LoginConfig{
		Issuer: "https://" + s.Listener.Addr().String(), ClientID: "sluice", RedirectURIs: []string{takenBack},
		JWKSURL: gateway.URL, HTTPClient: gateway.Client(), Now: s.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Handler = handler
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// browser keeps cookies, and stops where the gateway takes over.
func (s *loginStage) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: s.Client().Transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "gateway.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// answer is what came of a request: a page, or the way back to the gateway.
type answer struct {
	status int
	page   string
	back   url.Values
	header http.Header
}

func (s *loginStage) read(resp *http.Response, err error) answer {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, page: string(raw), header: resp.Header}
	if to, err := resp.Location(); err == nil {
		a.back = to.Query()
	}
	return a
}

const verifier = "0123456789012345678901234567890123456789012345678901234567890123"

func request(but ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {"sluice"}, "redirect_uri": {takenBack}, "response_type": {"code"}, "scope": {"openid profile"},
		"state": {"st"}, "nonce": {"no"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(but); i += 2 {
		q.Set(but[i], but[i+1])
		if but[i+1] == "" {
			q.Del(but[i])
		}
	}
	return q
}

func (s *loginStage) begin(b *http.Client, but ...string) answer {
	s.t.Helper()
	return s.read(b.Get(s.URL + "/authorize?" + request(but...).Encode()))
}

var hidden = regexp.MustCompile(`name="(id|csrf)" value="([^"]*)"`)

// fill is the form of a page, filled in.
func fill(page, customer, password, code string) url.Values {
	form := url.Values{"customer": {customer}, "password": {password}, "code": {code}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}

func (s *loginStage) enter(b *http.Client, form url.Values) answer {
	s.t.Helper()
	return s.read(b.PostForm(s.URL+"/login", form))
}

// assertion signs the gateway's proof of itself.
func (s *loginStage) assertion(key jose.JSONWebKey, client, audience string) string {
	s.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: client, Subject: client, Audience: jwt.Audience{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(time.Now()), Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute)),
	}).Serialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *loginStage) tokenRequest(code string, but ...string) url.Values {
	q := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {takenBack}, "client_id": {"sluice"}, "code_verifier": {verifier},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {s.assertion(s.key, "sluice", s.URL)},
	}
	for i := 0; i < len(but); i += 2 {
		q.Set(but[i], but[i+1])
		if but[i+1] == "" {
			q.Del(but[i])
		}
	}
	return q
}

// logIn goes all the way to a code.
func (s *loginStage) logIn(customer string) string {
	s.t.Helper()
	b := s.browser()
	a := s.enter(b, fill(s.begin(b).page, customer, Password, Code))
	if a.back.Get("code") == "" {
		s.t.Fatalf("no code came: %+v", a)
	}
	return a.back.Get("code")
}

func TestACustomerLogsInAndTheBankSaysWho(t *testing.T) {
	s := startLogin(t)
	b := s.browser()
	first := s.begin(b)
	if first.status != http.StatusOK || !strings.Contains(first.page, "Banka Morava") || strings.Contains(first.page, "<script") {
		t.Fatalf("page = %+v", first)
	}
	policy := first.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self' https://gateway.example"} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
			t.Errorf("policy is %q", policy)
		}
	}
	a := s.enter(b, fill(first.page, " 9593 ", Password, "000 000"))
	if a.back.Get("state") != "st" || a.back.Get("iss") != s.URL || a.back.Get("code") == "" {
		t.Fatalf("came back with %v", a.back)
	}
	token := s.read(s.Client().PostForm(s.URL+"/oauth/token", s.tokenRequest(a.back.Get("code"))))
	var said struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(token.page), &said); err != nil || token.status != http.StatusOK {
		t.Fatalf("token endpoint: %d %s", token.status, token.page)
	}
	parsed, err := jwt.ParseSigned(said.IDToken, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.read(s.Client().Get(s.URL+"/keys")).page), &set); err != nil || len(set.Keys) != 1 {
		t.Fatal(set, err)
	}
	var claims map[string]any
	if err := parsed.Claims(set.Keys[0], &claims); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"sub": "9593", "name": "Client 9593", "nonce": "no", "iss": s.URL, "acr": strongAuthentication} {
		if claims[name] != want {
			t.Errorf("%s = %v, want %v", name, claims[name], want)
		}
	}
	if at, ok := claims["auth_time"].(float64); !ok || time.Since(time.Unix(int64(at), 0)) > time.Minute {
		t.Errorf("auth_time = %v", claims["auth_time"])
	}
}

func TestEverybodyWhoHoldsAnAccountCanLogIn(t *testing.T) {
	s := startLogin(t)
	for _, a := range load(t).accounts {
		if a.bank != 1 || len(a.holders) < 2 {
			continue
		}
		for _, h := range a.holders {
			s.logIn(h.customer)
		}
		return
	}
	t.Fatal("there is no joint account")
}

var tellingPart = regexp.MustCompile(`(name="(id|csrf|customer)" value|id="customer" name="customer" value)="[^"]*"`)

func TestWhatIsWrongIsNotTold(t *testing.T) {
	s := startLogin(t)
	var pages []string
	for name, form := range map[string][3]string{
		"password":         {"9593", "guess", Code},
		"code":             {"9593", Password, "000001"},
		"customer":         {"nobody", Password, Code},
		"of another bank":  {"1", Password, Code},
		"nothing":          {"", "", ""},
		"an endless name":  {strings.Repeat("9", 5000), Password, Code},
		"everything wrong": {"nobody", "x", "y"},
	} {
		b := s.browser()
		a := s.enter(b, fill(s.begin(b).page, form[0], form[1], form[2]))
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.page, `role="alert"`) || a.back != nil {
			t.Errorf("%s: %d %s", name, a.status, a.page)
		}
		pages = append(pages, tellingPart.ReplaceAllString(a.page, ""))
	}
	for _, p := range pages[1:] {
		if p != pages[0] {
			t.Errorf("pages differ:\n%s\n%s", pages[0], p)
		}
	}
}

func TestTriesAreBounded(t *testing.T) {
	s := startLogin(t)
	b := s.browser()
	page := s.begin(b).page
	for i := range maxTries {
		a := s.enter(b, fill(page, "9593", "guess", Code))
		if over := a.back.Get("error") == "access_denied"; over != (i == maxTries-1) {
			t.Fatalf("after %d tries: %+v", i+1, a)
		}
	}
	for range maxFailures - maxTries {
		b = s.browser()
		s.enter(b, fill(s.begin(b).page, "9593", "guess", Code))
	}
	b = s.browser()
	if a := s.enter(b, fill(s.begin(b).page, "9593", Password, Code)); a.status != http.StatusTooManyRequests {
		t.Errorf("the right password after too many wrong ones: %+v", a)
	}
	for id, held := range load(t).customers {
		if id != "9593" && held[0].bank == 1 {
			s.logIn(id) // others are not held up
			break
		}
	}
	s.offset.Store(int64(quiet))
	s.logIn("9593")
}

func TestALoginBelongsToTheBrowserThatBeganIt(t *testing.T) {
	s := startLogin(t)
	own, other := s.browser(), s.browser()
	page := s.begin(own).page
	s.begin(other) // which has a secret too, but another
	form := fill(page, "9593", Password, Code)
	if a := s.enter(other, form); a.status != http.StatusBadRequest || a.back != nil {
		t.Errorf("another browser went on: %+v", a)
	}
	if a := s.read(other.Get(s.URL + "/login?id=" + form.Get("id"))); a.status != http.StatusBadRequest {
		t.Errorf("another browser saw the form: %d", a.status)
	}
	if a := s.read(other.Get(s.URL + "/authorize/callback?id=" + form.Get("id"))); a.status != http.StatusBadRequest || a.back != nil {
		t.Errorf("another browser got %+v", a)
	}
	forged := fill(page, "9593", Password, Code)
	forged.Set("csrf", "guess")
	if a := s.enter(own, forged); a.status != http.StatusBadRequest {
		t.Errorf("a forged form was taken: %+v", a)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if a := s.read(own.Do(r)); a.status != http.StatusForbidden {
		t.Errorf("a form from elsewhere was taken: %+v", a)
	}
	if a := s.read(own.Get(s.URL + "/authorize/callback?id=" + form.Get("id"))); a.back.Get("code") != "" {
		t.Errorf("a code without a login: %+v", a)
	}
	if a := s.enter(own, form); a.back.Get("code") == "" {
		t.Errorf("its own browser could not: %+v", a)
	}
	if a := s.enter(own, form); a.status != http.StatusBadRequest || a.back != nil {
		t.Errorf("the same form made a second code: %+v", a)
	}
}

func TestALoginEnds(t *testing.T) {
	s := startLogin(t)
	b := s.browser()
	form := fill(s.begin(b).page, "9593", Password, Code)
	form.Set("cancel", "1")
	if a := s.enter(b, form); a.back.Get("error") != "access_denied" || a.back.Get("iss") != s.URL || a.back.Get("state") != "st" {
		t.Errorf("cancelled: %+v", a)
	}
	if a := s.enter(b, form); a.status != http.StatusBadRequest {
		t.Errorf("cancelled twice: %+v", a)
	}
	form = fill(s.begin(b).page, "9593", Password, Code)
	s.offset.Store(int64(loginLife + time.Second))
	if a := s.enter(b, form); a.status != http.StatusBadRequest || a.back != nil {
		t.Errorf("went on after ten minutes: %+v", a)
	}
	late := s.logIn("9593")
	s.offset.Add(int64(codeLife + time.Second))
	if a := s.read(s.Client().PostForm(s.URL+"/oauth/token", s.tokenRequest(late))); a.status/100 != 4 {
		t.Errorf("an old code was taken: %+v", a)
	}
}

func TestRequestsThatAreNotTheGatewaysAreRefused(t *testing.T) {
	s := startLogin(t)
	for name, but := range map[string][]string{
		"another client":       {"client_id", "other"},
		"no client":            {"client_id", ""},
		"another redirect":     {"redirect_uri", "https://evil.example/login/callback"},
		"a longer redirect":    {"redirect_uri", takenBack + "/x"},
		"a redirect's query":   {"redirect_uri", takenBack + "?x=1"},
		"no redirect":          {"redirect_uri", ""},
		"plain http back home": {"redirect_uri", "http://gateway.example/login/callback"},
	} {
		if a := s.begin(s.browser(), but...); a.status != http.StatusBadRequest || a.back != nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for name, but := range map[string][]string{
		"no PKCE":           {"code_challenge", "", "code_challenge_method", ""},
		"plain PKCE":        {"code_challenge_method", "plain"},
		"PKCE without how":  {"code_challenge_method", ""},
		"a short challenge": {"code_challenge", "x"},
		"implicit":          {"response_type", "id_token"},
		"hybrid":            {"response_type", "code id_token"},
		"no openid":         {"scope", "profile"},
		"no nonce":          {"nonce", ""},
		"no state":          {"state", ""},
		"a form in answer":  {"response_mode", "form_post"},
		"no page":           {"prompt", "none"},
		"a request object":  {"request", "x.y.z"},
	} {
		if a := s.begin(s.browser(), but...); a.back.Get("error") == "" || a.back.Get("code") != "" || a.back.Get("iss") != s.URL {
			// An answer in the fragment shows no error in the query.
			if name != "implicit" && name != "hybrid" || a.status != http.StatusFound {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
}

func TestACodeIsForTheGatewayAloneAndOnce(t *testing.T) {
	s := startLogin(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := jose.JSONWebKey{Key: stranger, KeyID: "gateway-1"}
	unknown := jose.JSONWebKey{Key: stranger, KeyID: "gateway-2"}
	for name, but := range map[string][]string{
		"another key":         {"client_assertion", s.assertion(other, "sluice", s.URL)},
		"an unknown key":      {"client_assertion", s.assertion(unknown, "sluice", s.URL)},
		"another's assertion": {"client_assertion", s.assertion(s.key, "other", s.URL)},
		"for another bank":    {"client_assertion", s.assertion(s.key, "sluice", "https://other.example")},
		"no assertion":        {"client_assertion", "", "client_assertion_type", ""},
		"a secret instead":    {"client_assertion", "", "client_assertion_type", "", "client_secret", "x"},
		"no verifier":         {"code_verifier", ""},
		"another verifier":    {"code_verifier", strings.Repeat("x", 64)},
		"another redirect":    {"redirect_uri", takenBack + "/x"},
		"another grant":       {"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", s.assertion(s.key, "sluice", s.URL)},
		"no code":             {"code", ""},
		"a made-up code":      {"code", "x"},
	} {
		if a := s.read(s.Client().PostForm(s.URL+"/oauth/token", s.tokenRequest(s.logIn("9593"), but...))); a.status/100 != 4 || strings.Contains(a.page, "id_token") {
			t.Errorf("%s: %d %s", name, a.status, a.page)
		}
	}
	code := s.logIn("9593")
	won := make(chan bool)
	for range 8 {
		go func() {
			won <- s.read(s.Client().PostForm(s.URL+"/oauth/token", s.tokenRequest(code))).status == http.StatusOK
		}()
	}
	n := 0
	for range 8 {
		if <-won {
			n++
		}
	}
	if n != 1 {
		t.Errorf("a code was taken %d times", n)
	}
}

func TestOnlyTheCodeFlowIsOffered(t *testing.T) {
	s := startLogin(t)
	for _, path := range []string{"/userinfo", "/revoke", "/end_session", "/oauth/introspect", "/device_authorization", "/healthz", "/"} {
		if a := s.read(s.Client().Get(s.URL + path)); a.status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, a.status)
		}
	}
	var said map[string]any
	if err := json.Unmarshal([]byte(s.read(s.Client().Get(s.URL+"/.well-known/openid-configuration")).page), &said); err != nil {
		t.Fatal(err)
	}
	if said["authorization_response_iss_parameter_supported"] != true || said["issuer"] != s.URL || said["token_endpoint"] != s.URL+"/oauth/token" {
		t.Errorf("metadata = %v", said)
	}
}

func TestThePageSpeaksTheLanguageAskedFor(t *testing.T) {
	s := startLogin(t)
	for asked, want := range map[string]string{"lt": "lt", "lt-LT en": "lt", "en": "en", "fr": "en"} {
		if a := s.begin(s.browser(), "ui_locales", asked); !strings.Contains(a.page, `<html lang="`+want+`">`) {
			t.Errorf("%s: %s", asked, a.page)
		}
	}
}

func FuzzNoFormLogsInButTheRightOne(f *testing.F) {
	d, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	b, err := New(d, "morava", time.Now)
	if err != nil {
		f.Fatal(err)
	}
	l := &login{bank: b}
	f.Add("9593", Password, Code)
	f.Add("9593\x00", Password, "0000000")
	f.Fuzz(func(t *testing.T, customer, password, code string) {
		right := len(b.accountsOf(customer)) > 0 && password == Password && strings.ReplaceAll(code, " ", "") == Code
		if l.proved(customer, password, code) != right {
			t.Fatalf("%q %q %q", customer, password, code)
		}
	})
}
