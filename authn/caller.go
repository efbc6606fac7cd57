package authn

import (
	"context"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"sluice/consent"
)

// Caller is a party that proved its identity on this connection. The zero
// value is nobody and may do nothing.
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

// connInfo is what a connection of ServerCredentials knows of its peer.
type connInfo struct {
	credentials.TLSInfo
	caller Caller
}

// FromContext is the caller of a gRPC call served with ServerCredentials. It
// is false for calls that came any other way.
func FromContext(ctx context.Context) (Caller, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Caller{}, false
	}
	info, ok := p.AuthInfo.(connInfo)
	return info.caller, ok
}
