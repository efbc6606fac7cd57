package samplebank

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/text/language"
)

// metadata says what this provider does; the library's own answer promises what
// a bank does not offer, and lacks RFC 9207.
func (l *login) metadata(w http.ResponseWriter, _ *http.Request) {
	said := oidc.DiscoveryConfiguration{
		Issuer:                            l.config.Issuer,
		AuthorizationEndpoint:             l.provider.AuthorizationEndpoint().Absolute(l.config.Issuer),
		TokenEndpoint:                     l.provider.TokenEndpoint().Absolute(l.config.Issuer),
		JwksURI:                           l.provider.KeysEndpoint().Absolute(l.config.Issuer),
		ScopesSupported:                   []string{oidc.ScopeOpenID, oidc.ScopeProfile},
		ResponseTypesSupported:            []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:            []string{string(oidc.ResponseModeQuery)},
		GrantTypesSupported:               []oidc.GrantType{oidc.GrantTypeCode},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{string(signingAlgorithm)},
		TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodPrivateKeyJWT},
		ACRValuesSupported:                []string{strongAuthentication},
		ClaimsSupported:                   []string{"sub", "name", "auth_time", "nonce", "acr", "amr"},
		CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		UILocalesSupported:                []language.Tag{language.English, language.Lithuanian},
	}
	said.TokenEndpointAuthSigningAlgValuesSupported = []string{string(signingAlgorithm)}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	// The client is gone if this fails.
	_ = json.NewEncoder(w).Encode(struct {
		oidc.DiscoveryConfiguration
		IssuerParameter bool `json:"authorization_response_iss_parameter_supported"`
	}{said, true})
}

// withIssuer adds the issuer to each answer that goes back to the gateway (RFC
// 9207), which the library does not.
func (l *login) withIssuer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&issuerWriter{ResponseWriter: w, login: l}, r)
	})
}

type issuerWriter struct {
	http.ResponseWriter
	login *login
	sent  bool // to another address: the body, with its link, is left out
}

func (w *issuerWriter) WriteHeader(status int) {
	if to := w.Header().Get("Location"); to != "" {
		w.sent = true
		w.Header().Del("Content-Type")
		w.Header().Set("Location", w.login.addIssuer(to))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *issuerWriter) Write(b []byte) (int, error) {
	if w.sent {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (l *login) addIssuer(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	query := u.Query()
	for _, own := range l.config.RedirectURIs {
		base, err := url.Parse(own)
		if err == nil && base.Scheme == u.Scheme && base.Host == u.Host && base.Path == u.Path {
			query.Set("iss", l.config.Issuer)
			u.RawQuery = query.Encode()
			return u.String()
		}
	}
	return to
}

// refusal is where the customer goes if nothing comes of a login.
func (l *login) refusal(v visit, code string) string {
	u, err := url.Parse(v.asked.RedirectURI)
	if err != nil || !slices.Contains(l.config.RedirectURIs, v.asked.RedirectURI) {
		return "/login"
	}
	query := u.Query()
	query.Set("error", code)
	query.Set("state", v.asked.State)
	query.Set("iss", l.config.Issuer)
	u.RawQuery = query.Encode()
	return u.String()
}
