// Package authn says who is calling.
//
// A caller proves itself by a certificate in mutual TLS 1.3. The certificate's
// one URI name, spiffe://sluice/<kind>/<id>, says of what kind it is and which
// registered party; an unregistered one is refused in the handshake. A partner
// without one connects as nobody and proves itself in each call, by an access
// token bound to its key (authn/accesstoken), where the server takes tokens.
// Each gRPC method declares in the contract which kind of caller it takes; a
// server with a method that declares none does not start.
//
// Only this package makes a Caller; its zero value is nobody.
// Development certificates come from devca.
package authn
