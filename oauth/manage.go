package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/consent"
	"sluice/refusal"
)

// Grant Management for OAuth 2.0 (OpenID, first implementer's draft): what a
// client does with a grant it has. To replace one, or to merge more into it, is to
// ask the customer for a new consent, which supersedes the old one when given.
const (
	actionCreate  = "create"
	actionReplace = "replace"
	actionMerge   = "merge"
)

type managementKey struct{}

// withManagement keeps what the library does not read of a pushed request.
func withManagement(ctx context.Context, form url.Values) context.Context {
	return context.WithValue(ctx, managementKey{}, [3]string{form.Get("grant_management_action"), form.Get("grant_id"), form.Get("ui_locales")})
}

// locales are the languages that a pushed request says its customer reads; none
// if that is no short list.
func locales(ctx context.Context) string {
	said, _ := ctx.Value(managementKey{}).([3]string)
	if len(said[2]) > maxLocales {
		return ""
	}
	return said[2]
}

// managed is the terms to ask the customer for, given what the client has already.
func (s *Server) managed(ctx context.Context, as *goidc.AuthnSession, c *goidc.Client, bank consent.BankID, terms consent.Terms) (consent.Terms, error) {
	said, _ := ctx.Value(managementKey{}).([3]string)
	action, id := said[0], said[1]
	switch action {
	case "", actionCreate:
		if id != "" {
			return terms, goidc.NewError(goidc.ErrorCodeInvalidRequest, "grant_id goes with replace and merge only")
		}
		return terms, nil
	case actionReplace, actionMerge:
	default:
		return terms, goidc.NewError(goidc.ErrorCodeInvalidRequest, "grant_management_action is not one that is supported")
	}
	g, err := s.ownGrant(ctx, c.ID, id)
	if err != nil {
		return terms, err
	}
	old, err := s.consentOf(ctx, g)
	if err != nil {
		return terms, err
	}
	if g.RevokedAt != 0 || consent.Ended(old.Status) {
		return terms, goidc.NewError(errInvalidGrantID, "the grant has ended; create a new one")
	}
	if old.Bank != bank {
		return terms, goidc.NewError(errInvalidGrantID, "the grant is of another bank")
	}
	as.Store[storeReplaces] = id
	if action == actionMerge {
		terms = merged(terms, old)
	}
	return terms, nil
}

const errInvalidGrantID goidc.ErrorCode = "invalid_grant_id"

// merged asks for what is had and what is new.
func merged(terms consent.Terms, old consent.Consent) consent.Terms {
	for _, share := range old.Shares {
		terms.Clusters |= share.Clusters
	}
	terms.LookBackDays = max(terms.LookBackDays, old.LookBackDays)
	terms.UnattendedPerDay = max(terms.UnattendedPerDay, old.Asked.UnattendedPerDay)
	if old.ValidUntil.After(terms.ValidUntil) {
		terms.ValidUntil = old.ValidUntil
	}
	return terms
}

var errNoGrant = goidc.NewError(errInvalidGrantID, "there is no such grant")

// ownGrant is a client's own grant that has a consent.
func (s *Server) ownGrant(ctx context.Context, client, id string) (*goidc.Grant, error) {
	g, err := s.state.Grant(ctx, id)
	if errors.Is(err, goidc.ErrNotFound) || err == nil && (g.ClientID != client || text(g.Store, storeConsent) == "") {
		return nil, errNoGrant
	}
	if err != nil {
		return nil, fmt.Errorf("find grant: %w", err)
	}
	return g, nil
}

// consentOf is the consent behind a grant.
func (s *Server) consentOf(ctx context.Context, g *goidc.Grant) (consent.Consent, error) {
	c, err := s.Book.Get(ctx, consent.ByPartner(consent.PartnerID(g.ClientID)), consent.ID(text(g.Store, storeConsent)))
	if err != nil {
		return consent.Consent{}, troubled(ctx, told(err))
	}
	return c, nil
}

// sameCustomer refuses that one customer's decision replaces another's. What he
// agreed to is given up with it: nothing would be under it.
func (s *Server) sameCustomer(ctx context.Context, as *goidc.AuthnSession, made consent.Consent) error {
	replaces := text(as.Store, storeReplaces)
	if replaces == "" {
		return nil
	}
	g, err := s.ownGrant(ctx, as.ClientID, replaces)
	if err != nil {
		return err
	}
	old, err := s.consentOf(ctx, g)
	if err != nil {
		return err
	}
	if old.Customer == made.Customer {
		return nil
	}
	if _, err := s.Book.Revoke(ctx, consent.ByPartner(made.Partner), made.ID); err != nil {
		return told(err)
	}
	return goidc.NewError(goidc.ErrorCodeAccessDenied, "the grant is another customer's")
}

// takeOver gives a new grant the id of the one it replaces, whose consent ends.
func (s *Server) takeOver(ctx context.Context, g *goidc.Grant) error {
	id := text(g.Store, storeReplaces)
	if id == "" {
		return nil
	}
	row, err := s.Store.Grant(ctx, id)
	if err != nil {
		return troubled(ctx, fmt.Errorf("find grant to replace: %w", err))
	}
	if !row.Revoked.IsZero() {
		return goidc.NewError(errInvalidGrantID, "the grant has ended")
	}
	made, err := s.Book.Get(ctx, consent.ByPartner(consent.PartnerID(g.ClientID)), consent.ID(text(g.Store, storeConsent)))
	if err != nil {
		return told(err)
	}
	g.Store[storeSupersedes] = string(row.Consent)
	if err := s.supersede(ctx, g, made); err != nil {
		return err
	}
	g.ID = id
	g.Store[storeGrantVersion] = strconv.FormatInt(row.Version, 10)
	return nil
}

// supersede ends the consent that a grant's present one replaces, once that holds:
// while a co-holder must still agree, the customer keeps what he gave before.
func (s *Server) supersede(ctx context.Context, g *goidc.Grant, made consent.Consent) error {
	old := consent.ID(text(g.Store, storeSupersedes))
	if old == "" || !consent.Live(made.Status) {
		return nil
	}
	customer := consent.ByCustomer{Bank: made.Bank, Customer: made.Customer}
	if _, err := s.Book.Supersede(ctx, customer, old); err != nil && refusal.ReasonOf(err) != refusal.ChangeNotPossible {
		return told(err)
	}
	delete(g.Store, storeSupersedes)
	return nil
}

// queryGrant says what a grant permits now.
func (s *Server) queryGrant(w http.ResponseWriter, r *http.Request) {
	found, err := s.shownGrant(r, scopeQuery)
	if err == nil && consent.Ended(found.Status) {
		err = goidc.NewError(errInvalidGrantID, "the consent has ended").WithStatusCode(http.StatusNotFound)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	details, err := s.given(found)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"scopes": []any{}, "authorization_details": details})
}

// revokeGrant gives a grant up, and its consent with it.
func (s *Server) revokeGrant(w http.ResponseWriter, r *http.Request) {
	found, err := s.shownGrant(r, scopeRevoke)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if _, err := s.Book.Revoke(r.Context(), consent.ByPartner(found.Partner), found.ID); err != nil && refusal.ReasonOf(err) != refusal.ChangeNotPossible {
		s.refuse(w, r, told(err))
		return
	}
	if err := s.Store.RevokeGrant(r.Context(), r.PathValue("id"), s.Now()); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// shownGrant is the consent of the grant in the path, for a client's token that
// has the scope.
func (s *Server) shownGrant(r *http.Request, scope string) (consent.Consent, error) {
	client, have, err := s.shown(r)
	if err != nil {
		return consent.Consent{}, err
	}
	if !slices.Contains(have, scope) {
		return consent.Consent{}, goidc.NewError("insufficient_scope", "the token needs the scope "+scope).WithStatusCode(http.StatusForbidden)
	}
	g, err := s.ownGrant(r.Context(), client, r.PathValue("id"))
	if errors.Is(err, errNoGrant) {
		return consent.Consent{}, errNoGrant.WithStatusCode(http.StatusNotFound)
	}
	if err != nil {
		return consent.Consent{}, err
	}
	return s.consentOf(r.Context(), g)
}

// refuse answers a client with an error of OAuth's form.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.failed(r.Context(), err)
	var known goidc.Error
	if !errors.As(err, &known) {
		known = errInside
	}
	if known.StatusCode() == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `DPoP error="`+string(known.Code)+`", algs="ES256 PS256 EdDSA"`)
	}
	writeJSON(w, known.StatusCode(), known)
}

func writeJSON(w http.ResponseWriter, status int, what any) {
	raw, err := json.Marshal(what)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // who asked has gone if it fails
}
