package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/authn"
	"sluice/consent"
	"sluice/seal"
)

// What the library's Store maps hold for us. The versions say which row was
// read; they are never kept in the content.
const (
	storeConsent        = "consent_id"
	storeBrowser        = "browser"    // hash of the cookie of the browser that began it
	storeLocales        = "ui_locales" // languages that the customer reads, as the client says
	storeReplaces       = "replaces"
	storeSupersedes     = "supersedes" // the consent that ends once the new one holds
	storeSessionVersion = "session_version"
	storeGrantVersion   = "grant_version"
	storeRefreshed      = "refreshed" // it was found by its refresh token
	storeBegun          = "begun"     // its browser is known
)

// grantLinger is how long after its consent's last possible end a grant is kept.
const grantLinger = consent.MaxDuration + 24*time.Hour

// state is the library's managers on a Store: whatever is read and changed is
// changed only if nobody else did in between.
type state struct {
	store   Store
	seal    *seal.Sealer
	hashKey []byte
	now     func() time.Time
	// present makes a grant that is about to be used what its consent is now.
	present func(context.Context, *goidc.Grant) error
}

func random(prefix string) goidc.RandomFunc {
	return func(context.Context) string { return prefix + rand.Text() }
}

// hash is what a code, a refresh token or a request_uri is found by.
func (s *state) hash(kind, secret string) string {
	if secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, s.hashKey)
	mac.Write([]byte(kind + "\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func text(store map[string]any, key string) string {
	v, _ := store[key].(string)
	return v
}

// without is a copy of a library's map less some keys.
func without(store map[string]any, keys ...string) map[string]any {
	out := maps.Clone(store)
	if out == nil {
		out = map[string]any{}
	}
	for _, k := range keys {
		delete(out, k)
	}
	return out
}

// absent is the library's word for what is not there.
func absent(ctx context.Context, err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", goidc.ErrNotFound, err)
	}
	return troubled(ctx, err)
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// SaveSession keeps a session: the first time as new, then as the next version of
// what was read. A finished session can't be saved again.
func (s *state) SaveSession(ctx context.Context, as *goidc.AuthnSession) error {
	if as.Status == goidc.StatusPending && text(as.Store, storeBegun) != "" {
		return nil // it was only looked at: that must not get in the way of who finishes it, nor make it last longer
	}
	kept := *as
	kept.Store = without(as.Store, storeSessionVersion, storeBegun)
	content, err := s.sealed("session", as.ID, kept)
	if err != nil {
		return err
	}
	row := SessionRow{
		ID: as.ID, Request: s.hash("request", as.PushedAuthReqID), Pending: as.Status == goidc.StatusPending,
		Content: content, Expires: time.Unix(int64(as.ExpiresAt), 0),
	}
	read := text(as.Store, storeSessionVersion)
	if read == "" {
		err = s.store.AddSession(ctx, row)
	} else {
		if row.Version, err = strconv.ParseInt(read, 10, 64); err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		err = s.store.ReplaceSession(ctx, row)
	}
	if errors.Is(err, ErrConflict) {
		return goidc.WrapError(goidc.ErrorCodeInvalidRequest, "the request was finished or changed in between", err)
	}
	if err != nil {
		return troubled(ctx, fmt.Errorf("save session: %w", err))
	}
	if as.Store == nil {
		as.Store = map[string]any{}
	}
	as.Store[storeSessionVersion] = strconv.FormatInt(row.Version+1, 10)
	return nil
}

// Session reads a session by its id.
func (s *state) Session(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	if !idPattern.MatchString(id) {
		return nil, goidc.ErrNotFound
	}
	row, err := s.store.Session(ctx, id)
	return s.session(ctx, row, err)
}

// SessionByPushedAuthReqID reads a session by its request_uri.
func (s *state) SessionByPushedAuthReqID(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	row, err := s.store.SessionByRequest(ctx, s.hash("request", id))
	return s.session(ctx, row, err)
}

func (s *state) session(ctx context.Context, row SessionRow, err error) (*goidc.AuthnSession, error) {
	if err != nil {
		return nil, absent(ctx, err)
	}
	var as goidc.AuthnSession
	if err := s.open("session", row.ID, row.Content, &as); err != nil {
		return nil, troubled(ctx, err)
	}
	if as.Store == nil {
		as.Store = map[string]any{}
	}
	as.Store[storeSessionVersion] = strconv.FormatInt(row.Version, 10)
	if text(as.Store, storeBrowser) != "" {
		as.Store[storeBegun] = "1"
	}
	return &as, nil
}

// SaveGrant keeps a grant: the first time as new, then as the next version of
// what was read, so that of many who redeem one code or refresh at once one
// succeeds. A revocation always lands.
func (s *state) SaveGrant(ctx context.Context, g *goidc.Grant) error {
	if g.RevokedAt != 0 {
		if err := s.store.RevokeGrant(ctx, g.ID, s.now()); err != nil {
			return troubled(ctx, fmt.Errorf("revoke grant: %w", err))
		}
		return nil
	}
	kept := *g
	kept.Store = without(g.Store, storeGrantVersion, storeRefreshed, storeSessionVersion, storeBrowser, storeBegun, storeReplaces)
	content, err := s.sealed("grant", g.ID, kept)
	if err != nil {
		return err
	}
	row := GrantRow{
		ID: g.ID, Client: g.ClientID, Consent: consent.ID(text(g.Store, storeConsent)),
		Code: s.hash("code", g.AuthCode), Refresh: s.hash("refresh", g.RefreshToken), Content: content, Expires: s.now().Add(grantLinger),
	}
	if row.Consent == "" {
		row.Expires = s.now().Add(2 * tokenLifetime * time.Second)
	}
	read := text(g.Store, storeGrantVersion)
	if read == "" {
		err = s.store.AddGrant(ctx, row)
	} else {
		if row.Version, err = strconv.ParseInt(read, 10, 64); err != nil {
			return fmt.Errorf("save grant: %w", err)
		}
		err = s.store.ReplaceGrant(ctx, row)
	}
	if errors.Is(err, ErrConflict) && text(g.Store, storeRefreshed) != "" {
		// Refreshing uses nothing up, so others may do it at the same time.
		err = s.unlessRevoked(ctx, g.ID)
	}
	if errors.Is(err, ErrConflict) {
		return goidc.WrapError(goidc.ErrorCodeInvalidGrant, "invalid grant", err)
	}
	if err != nil {
		return troubled(ctx, fmt.Errorf("save grant: %w", err))
	}
	if g.Store == nil {
		g.Store = map[string]any{}
	}
	g.Store[storeGrantVersion] = strconv.FormatInt(row.Version+1, 10)
	return nil
}

func (s *state) unlessRevoked(ctx context.Context, id string) error {
	row, err := s.store.Grant(ctx, id)
	if err == nil && !row.Revoked.IsZero() {
		err = ErrConflict
	}
	return err
}

// Grant reads a grant by its id.
func (s *state) Grant(ctx context.Context, id string) (*goidc.Grant, error) {
	if !idPattern.MatchString(id) {
		return nil, goidc.ErrNotFound
	}
	row, err := s.store.Grant(ctx, id)
	return s.grant(ctx, row, err)
}

// GrantByAuthCode reads a grant by its code, redeemed or not.
func (s *state) GrantByAuthCode(ctx context.Context, code string) (*goidc.Grant, error) {
	row, err := s.store.GrantByCode(ctx, s.hash("code", code))
	g, err := s.grant(ctx, row, err)
	if err != nil {
		return nil, err
	}
	return g, s.present(ctx, g)
}

// GrantByRefreshToken reads a grant by its refresh token. That is bound to the
// client and not to one certificate (RFC 8705, 4): the present one takes over.
func (s *state) GrantByRefreshToken(ctx context.Context, token string) (*goidc.Grant, error) {
	row, err := s.store.GrantByRefresh(ctx, s.hash("refresh", token))
	g, err := s.grant(ctx, row, err)
	if err != nil {
		return nil, err
	}
	g.Store[storeRefreshed] = "1"
	if cert, err := certificateOf(ctx); err == nil && g.CertThumbprint != "" {
		g.CertThumbprint = authn.ThumbprintOf(cert)
	}
	return g, s.present(ctx, g)
}

func (s *state) grant(ctx context.Context, row GrantRow, err error) (*goidc.Grant, error) {
	if err != nil {
		return nil, absent(ctx, err)
	}
	var g goidc.Grant
	if err := s.open("grant", row.ID, row.Content, &g); err != nil {
		return nil, troubled(ctx, err)
	}
	if !row.Revoked.IsZero() {
		g.RevokedAt = int(row.Revoked.Unix())
	}
	if g.Store == nil {
		g.Store = map[string]any{}
	}
	g.Store[storeGrantVersion] = strconv.FormatInt(row.Version, 10)
	return &g, nil
}

func (s *state) sealed(kind, id string, what any) (string, error) {
	raw, err := json.Marshal(what)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", kind, err)
	}
	return s.seal.Seal(seal.Binding{kind, id}, string(raw)), nil
}

func (s *state) open(kind, id, content string, into any) error {
	raw, err := s.seal.Open(seal.Binding{kind, id}, content)
	if err != nil || len(raw) != 1 {
		return fmt.Errorf("open %s: %w", kind, errors.Join(err, seal.ErrInvalid))
	}
	if err := json.Unmarshal([]byte(raw[0]), into); err != nil {
		return fmt.Errorf("decode %s: %w", kind, err)
	}
	return nil
}
