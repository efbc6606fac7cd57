package banklogin_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sluice/authn/banklogin"
)

// cheat is a provider that a test bends; straight, its logins are good.
type cheat struct {
	*httptest.Server
	t        *testing.T
	key      ring
	paths    map[string]http.HandlerFunc
	metadata map[string]any
	token    func(claims map[string]any) string // the ID token
	nonce    string
	asked    atomic.Int32
}

func newCheat(t *testing.T) *cheat {
	t.Helper()
	c := &cheat{t: t, key: newRing(t, "bank-1")}
	c.token = func(claims map[string]any) string { return c.sign(jose.ES256, c.key.key, claims) }
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		if h := c.paths[r.URL.Path]; h != nil {
			h(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(c.Close)
	c.metadata = map[string]any{
		"issuer": c.URL, "authorization_endpoint": c.URL + "/authorize", "token_endpoint": c.URL + "/token", "jwks_uri": c.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"ES256", "RS256", "HS256", "none"},
	}
	c.paths = map[string]http.HandlerFunc{
		"/.well-known/openid-configuration": func(w http.ResponseWriter, _ *http.Request) { answer(w, c.metadata) },
		"/keys": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{c.key.key.Public()}})
		},
		"/token": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": c.token(c.claims())})
		},
	}
	return c
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (c *cheat) claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": c.URL, "aud": "sluice", "sub": "9593", "name": "Client 9593", "nonce": c.nonce, "iat": now, "exp": now + 60, "auth_time": now,
	}
}

func (c *cheat) sign(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	c.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		c.t.Error(err)
		return ""
	}
	out, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		c.t.Error(err)
	}
	return out
}

// logIn begins a login and comes straight back.
func (c *cheat) logIn() (banklogin.Customer, error) {
	c.t.Helper()
	r := relying(c.t, registered{"cheat": bankAt("cheat", c.URL)}, newRing(c.t, "gateway-1"))
	_, p, err := r.Begin(c.t.Context(), "cheat", "")
	if err != nil {
		return banklogin.Customer{}, err
	}
	c.nonce = p.Nonce
	return r.Finish(c.t.Context(), p, url.Values{"state": {p.State}, "code": {"code"}})
}

// with is the straight token with claims changed; nil takes one away.
func (c *cheat) with(change map[string]any) {
	straight := c.token
	c.token = func(claims map[string]any) string {
		maps.Copy(claims, change)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		return straight(claims)
	}
}

func TestAStraightProviderIsBelieved(t *testing.T) {
	if got, err := newCheat(t).logIn(); err != nil || got.ID != "9593" || got.Name != "Client 9593" {
		t.Errorf("customer = %+v, %v", got, err)
	}
}

func TestAnIDTokenThatDoesNotFitIsRefused(t *testing.T) {
	now := time.Now()
	for name, change := range map[string]map[string]any{
		"another audience":         {"aud": "other"},
		"no audience":              {"aud": nil},
		"others as audience too":   {"aud": []string{"sluice", "other"}},
		"for another party":        {"azp": "other"},
		"another issuer":           {"iss": "https://other.example"},
		"no issuer":                {"iss": nil},
		"another nonce":            {"nonce": "guess"},
		"no nonce":                 {"nonce": nil},
		"expired":                  {"exp": now.Add(-time.Second).Unix()},
		"no end":                   {"exp": nil},
		"of yesterday":             {"iat": now.Add(-24 * time.Hour).Unix()},
		"of tomorrow":              {"iat": now.Add(24 * time.Hour).Unix()},
		"not when":                 {"auth_time": nil},
		"an older login":           {"auth_time": now.Add(-time.Hour).Unix()},
		"a login to come":          {"auth_time": now.Add(time.Hour).Unix()},
		"a time that is none":      {"auth_time": "now"},
		"nobody":                   {"sub": ""},
		"no subject":               {"sub": nil},
		"a subject of two lines":   {"sub": "9593\n1"},
		"a subject that turns":     {"sub": "9593\u202e"},
		"a subject without an end": {"sub": strings.Repeat("9", 129)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCheat(t)
			c.with(change)
			if got, err := c.logIn(); !errors.Is(err, banklogin.ErrRefused) || got != (banklogin.Customer{}) {
				t.Errorf("customer = %+v, %v", got, err)
			}
		})
	}
}

func TestAnIDTokenThatIsNotTheBanksIsRefused(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(c *cheat, claims map[string]any) string{
		"signed by another": func(c *cheat, claims map[string]any) string {
			return c.sign(jose.ES256, newRing(t, "bank-1").key, claims)
		},
		"signed by nobody": func(_ *cheat, claims map[string]any) string {
			raw, _ := json.Marshal(claims)
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(raw) + "."
		},
		"signed with the public key as a secret": func(c *cheat, claims map[string]any) string {
			public, err := c.key.key.Key.(*ecdsa.PrivateKey).PublicKey.Bytes()
			if err != nil {
				t.Error(err)
			}
			return c.sign(jose.HS256, jose.JSONWebKey{Key: public, KeyID: "bank-1"}, claims)
		},
		"an algorithm not permitted": func(c *cheat, claims map[string]any) string {
			key := jose.JSONWebKey{Key: weak, KeyID: "bank-2"}
			c.paths["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
			}
			return c.sign(jose.RS256, key, claims)
		},
		"changed afterwards": func(c *cheat, claims map[string]any) string {
			parts := strings.Split(c.sign(jose.ES256, c.key.key, claims), ".")
			claims["sub"] = "1"
			raw, _ := json.Marshal(claims)
			parts[1] = base64.RawURLEncoding.EncodeToString(raw)
			return strings.Join(parts, ".")
		},
		"no token":  func(*cheat, map[string]any) string { return "" },
		"no parts":  func(*cheat, map[string]any) string { return "x" },
		"many more": func(*cheat, map[string]any) string { return strings.Repeat("x.", 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCheat(t)
			c.token = func(claims map[string]any) string { return forge(c, claims) }
			if got, err := c.logIn(); !errors.Is(err, banklogin.ErrRefused) || got != (banklogin.Customer{}) {
				t.Errorf("customer = %+v, %v", got, err)
			}
		})
	}
}

func TestANameThatCanNotBeShownIsLeftOut(t *testing.T) {
	for _, name := range []string{"<b>\n</b>", "evil\u202e", strings.Repeat("x", 81)} {
		c := newCheat(t)
		c.with(map[string]any{"name": name})
		if got, err := c.logIn(); err != nil || got.ID != "9593" || got.Name != "" {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
}

func TestAProviderThatMisbehavesIsUnavailable(t *testing.T) {
	elsewhere := newCheat(t)
	huge := strings.Repeat("x", 300<<10)
	away := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "secret-of-the-bank", http.StatusBadGateway)
	}
	for name, bend := range map[string]func(*cheat){
		"metadata of another": func(c *cheat) { c.metadata["issuer"] = elsewhere.URL },
		"a page without TLS":  func(c *cheat) { c.metadata["authorization_endpoint"] = "http://bank.example/authorize" },
		"a script as page":    func(c *cheat) { c.metadata["authorization_endpoint"] = "javascript:alert(1)" },
		"tokens without TLS":  func(c *cheat) { c.metadata["token_endpoint"] = "http://bank.example/token" },
		"keys in a file":      func(c *cheat) { c.metadata["jwks_uri"] = "file:///etc/passwd" },
		"no keys":             func(c *cheat) { delete(c.metadata, "jwks_uri") },
		"metadata elsewhere":  func(c *cheat) { c.paths["/.well-known/openid-configuration"] = away },
		"huge metadata":       func(c *cheat) { c.metadata["huge"] = huge },
		"broken metadata":     func(c *cheat) { c.paths["/.well-known/openid-configuration"] = broken },
		"tokens elsewhere":    func(c *cheat) { c.paths["/token"] = away },
		"huge tokens": func(c *cheat) {
			c.paths["/token"] = func(w http.ResponseWriter, _ *http.Request) {
				answer(w, map[string]any{"access_token": huge, "token_type": "Bearer", "id_token": c.token(c.claims())})
			}
		},
		"huge keys": func(c *cheat) {
			c.paths["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				answer(w, map[string]any{"huge": huge, "keys": []jose.JSONWebKey{c.key.key.Public()}})
			}
		},
		"broken tokens": func(c *cheat) { c.paths["/token"] = broken },
		"broken keys":   func(c *cheat) { c.paths["/keys"] = broken },
		"keys it hangs up on": func(c *cheat) {
			c.paths["/keys"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCheat(t)
			bend(c)
			got, err := c.logIn()
			if !errors.Is(err, banklogin.ErrUnavailable) || got != (banklogin.Customer{}) {
				t.Fatalf("customer = %+v, %v", got, err)
			}
			if strings.Contains(err.Error(), "secret-of-the-bank") {
				t.Errorf("the bank's words stand in %v", err)
			}
		})
	}
	if elsewhere.asked.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// Without Private, as in production, nothing of the own network is reached,
// whatever the registry or a bank's metadata say.
func TestALoginCanNotReachIntoTheOperatorsNetwork(t *testing.T) {
	c := newCheat(t)
	r := banklogin.New(banklogin.Config{
		Banks: registered{"cheat": bankAt("cheat", c.URL)}, Redirect: callback, Key: newRing(t, "g"), Client: publicOnly(), Now: time.Now,
	})
	if _, _, err := r.Begin(t.Context(), "cheat", ""); !errors.Is(err, banklogin.ErrUnavailable) || c.asked.Load() != 0 {
		t.Errorf("begin = %v after %d requests", err, c.asked.Load())
	}
}

func TestMetadataIsKeptForAWhile(t *testing.T) {
	c := newCheat(t)
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	r := banklogin.New(banklogin.Config{
		Banks: registered{"cheat": bankAt("cheat", c.URL)}, Redirect: callback, Key: newRing(t, "g"), Client: client(t),
		Now: func() time.Time { return time.Unix(0, now.Load()) },
	})
	begin := func(after time.Duration, works bool, asked int32) {
		t.Helper()
		now.Add(int64(after))
		_, _, err := r.Begin(t.Context(), "cheat", "")
		if (err == nil) != works || c.asked.Load() != asked {
			t.Fatalf("begin = %v after %d requests, want %t after %d", err, c.asked.Load(), works, asked)
		}
	}
	begin(0, true, 1)
	begin(time.Minute, true, 1)
	begin(10*time.Minute, true, 2)
	c.paths["/.well-known/openid-configuration"] = http.NotFound
	begin(11*time.Minute, true, 3) // the old serves on
	begin(time.Second, true, 3)    // and the bank is left alone
	begin(time.Hour, false, 4)
	begin(time.Second, false, 4)
}

func FuzzNothingThatComesBackIsBelievedWithoutTheBank(f *testing.F) {
	f.Add("state=s&code=c&iss=https://127.0.0.1:1")
	f.Add("error=access_denied&state=s")
	f.Add("state=s&state=s&code=%00")
	r := banklogin.New(banklogin.Config{Banks: registered{}, Redirect: callback, Client: publicOnly(), Now: time.Now})
	f.Fuzz(func(t *testing.T, query string) {
		came, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p := banklogin.Pending{Bank: "none", State: "s", Nonce: "n", Verifier: "v", At: time.Now()}
		if got, err := r.Finish(t.Context(), p, came); err == nil || got != (banklogin.Customer{}) {
			t.Fatalf("believed %+v", got)
		}
	})
}
