// Package partnerapi is the partners' gRPC door: AccountService for data and
// ConsentService for consents.
//
// AccountService's handlers can answer with a gateway.Released and nothing
// else: what they return is what goes on the wire.
package partnerapi
