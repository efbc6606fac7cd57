package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Register puts the server's addresses on a mux: those of clients, and where
// browsers come. Everything else the library would serve is left out.
func (s *Server) Register(mux *http.ServeMux) {
	s.RegisterClients(mux)
	mux.Handle("GET /authorize", s.page(s.protocol.ServeHTTP))
	mux.Handle("POST /authorize", s.page(s.protocol.ServeHTTP))
	mux.Handle("GET /authorize/{ref}", s.page(s.resume))
}

// RegisterClients puts only those on a mux that clients call.
func (s *Server) RegisterClients(mux *http.ServeMux) {
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		mux.HandleFunc("GET "+path, s.metadata)
	}
	mux.Handle("GET /jwks", s.completed(func(*http.Request, *answer, map[string]any) {}))
	mux.Handle("POST /par", s.client(s.completed(completeError)))
	mux.Handle("POST /token", s.client(s.completed(completeToken)))
	mux.Handle("POST /introspect", s.client(s.completed(s.completeIntrospection)))
	mux.Handle("POST /revoke", s.client(s.completed(completeError)))
	mux.Handle("GET /grants/{id}", s.client(http.HandlerFunc(s.queryGrant)))
	mux.Handle("DELETE /grants/{id}", s.client(http.HandlerFunc(s.revokeGrant)))
}

// client is what the endpoints for clients have in common.
func (s *Server) client(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := formed(r); err != nil {
			s.refuse(w, r, err)
			return
		}
		ctx, err := s.withProof(withManagement(r.Context(), r.PostForm), r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
			ctx = context.WithValue(ctx, certificateKey{}, r.TLS.PeerCertificates[0])
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// formed refuses forms that the library would take some part of.
func formed(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "the form can't be read, or is too long")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 { // RFC 6749, 3.2
			return goidc.NewError(goidc.ErrorCodeInvalidRequest, "a parameter is sent more than once")
		}
		if name != "authorization_details" || values[0] == "" {
			continue
		}
		var details []goidc.AuthDetail
		if json.Unmarshal([]byte(values[0]), &details) != nil || details == nil {
			return invalidDetail("it is no list of objects") // RFC 9396, 5
		}
	}
	return nil
}

// resume goes on with a request after the customer decided. One that is finished
// stays so: the library would finish it again.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) {
	as, err := s.state.Session(r.Context(), r.PathValue("ref"))
	switch {
	case err == nil && as.Status == goidc.StatusPending:
		s.protocol.ServeHTTP(w, r)
	case err == nil || errors.Is(err, goidc.ErrNotFound):
		s.Fault(w, r, http.StatusGone)
	default:
		s.failed(r.Context(), err)
		_ = s.render(w, r, err) // never fails
	}
}

// metadata is RFC 8414's, with what the library does not know and without what is
// not offered.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	ask := r.Clone(r.Context())
	ask.URL.Path = "/.well-known/openid-configuration"
	s.completed(func(_ *http.Request, _ *answer, said map[string]any) {
		for _, name := range []string{
			"registration_endpoint", "userinfo_endpoint", "userinfo_signing_alg_values_supported",
			"id_token_signing_alg_values_supported", "claim_types_supported", // there are no ID tokens
		} {
			delete(said, name)
		}
		if aliases, ok := said["mtls_endpoint_aliases"].(map[string]any); ok {
			delete(aliases, "registration_endpoint")
			delete(aliases, "userinfo_endpoint")
			aliases["grant_management_endpoint"] = s.MTLS + "/grants"
		}
		said["scopes_supported"] = strings.Fields(everyScope)
		said["response_modes_supported"] = []goidc.ResponseMode{goidc.ResponseModeQuery}
		said["grant_management_endpoint"] = s.Issuer + "/grants"
		said["grant_management_actions_supported"] = []string{"query", "revoke", actionCreate, actionReplace, actionMerge}
		said["grant_management_action_required"] = false
		said["authorization_details_types_supported"] = []string{string(AccountData)}
	}).ServeHTTP(w, ask)
}
