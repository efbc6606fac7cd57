package authn

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"sluice/authn/internal"
	"sluice/consent"
)

// Caller is a party that proved its identity: on this connection, or for this
// call. The zero value is nobody and may do nothing.
type Caller struct{ identity Identity }

// Kind is the kind of party.
func (c Caller) Kind() Kind { return c.identity.Kind }

// ID is the party's id within its kind.
func (c Caller) ID() string { return c.identity.ID }

// Partner is the partner that calls; false if the caller is something else.
func (c Caller) Partner() (consent.PartnerID, bool) {
	return consent.PartnerID(c.identity.ID), c.identity.Kind == Partner
}

// Bank is the bank that calls; false if the caller is something else.
func (c Caller) Bank() (consent.BankID, bool) {
	return consent.BankID(c.identity.ID), c.identity.Kind == Bank
}

// connInfo is what a connection of ServerCredentials knows of its peer: nothing
// but what TLS does if it showed no certificate.
type connInfo struct {
	credentials.TLSInfo
	caller     Caller
	thumbprint string
}

type provenKey struct{}

// FromContext is the caller of a gRPC call served with ServerCredentials: the
// party of its connection's certificate, or else the partner of its token. It is
// false for calls that came any other way, and for nobody.
func FromContext(ctx context.Context) (Caller, bool) {
	if info, ok := connection(ctx); ok && info.caller != (Caller{}) {
		return info.caller, true
	}
	caller, ok := ctx.Value(provenKey{}).(Caller)
	return caller, ok
}

// Thumbprint is the SHA-256 of the certificate of a call's connection, as
// tokens are bound to it (RFC 8705, 3.1); false if it showed none.
func Thumbprint(ctx context.Context) (string, bool) {
	info, ok := connection(ctx)
	return info.thumbprint, ok && info.thumbprint != ""
}

// ByToken is a call's context in which the partner of a verified token calls,
// unless its connection says who does. Only authn's rooms can make a Proven.
func ByToken(ctx context.Context, p internal.Proven) context.Context {
	return context.WithValue(ctx, provenKey{}, Caller{identity: Identity{Kind: Partner, ID: string(p.Partner)}})
}

func connection(ctx context.Context) (connInfo, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return connInfo{}, false
	}
	info, ok := p.AuthInfo.(connInfo)
	return info, ok
}

// ThumbprintOf names a certificate: x5t#S256 (RFC 8705, 3.1).
func ThumbprintOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
