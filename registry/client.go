package registry

// Access is how a partner shows, call by call, under which consent it calls.
type Access int

// The ways. The zero value is the stricter.
const (
	// ByToken: a sender-bound access token, which carries the consent.
	ByToken Access = iota
	// ByCertificate: its certificate, and the consent's id in the call.
	ByCertificate
)

// String is the access as it stands in SQL.
func (a Access) String() string {
	if a == ByCertificate {
		return "CERTIFICATE"
	}
	return "TOKEN"
}

// Authentication is how a client proves itself to the authorization server.
type Authentication int

// The ways. The zero value proves nothing.
const (
	NoAuthentication Authentication = iota
	// PrivateKeyJWT: a JWT signed by one of the client's keys (RFC 7523).
	PrivateKeyJWT
	// TLS: the partner's certificate (RFC 8705).
	TLS
)

// Client is a partner as the authorization server knows it; its client_id is
// the partner's id. The zero value is no client.
type Client struct {
	Authentication Authentication `json:"authentication"`
	RedirectURIs   []string       `json:"redirect_uris"`
	Keys           string         `json:"jwks,omitempty"`     // a JWK set (RFC 7517) of public keys
	KeysURL        string         `json:"jwks_url,omitempty"` // where they are instead
}

// Login is how a bank logs its customers in: as an OpenID provider, of which
// the gateway is a relying party. The zero value is no login.
type Login struct {
	Issuer   string `json:"issuer"`    // as in its metadata, without a path to them
	ClientID string `json:"client_id"` // the gateway's, at the bank
}
