package authn

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	authnv1 "sluice/gen/sluice/authn/v1"
)

// Kind is the kind of party that calls.
type Kind = authnv1.CallerKind

// The kinds.
const (
	Partner  = authnv1.CallerKind_CALLER_KIND_PARTNER
	Bank     = authnv1.CallerKind_CALLER_KIND_BANK
	Operator = authnv1.CallerKind_CALLER_KIND_OPERATOR
	Gateway  = authnv1.CallerKind_CALLER_KIND_GATEWAY
)

const trustDomain = "sluice"

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)
	errIdentity = errors.New("certificate names no party of this gateway")
)

// Identity is what a certificate says of its holder. It proves nothing by
// itself: the certificate must have been verified.
type Identity struct {
	Kind Kind
	ID   string
}

// KindName is the kind as it stands in a certificate, e.g. "partner".
func KindName(k Kind) string {
	return strings.ToLower(strings.TrimPrefix(k.String(), "CALLER_KIND_"))
}

// URI is the identity as it stands in a certificate (a SPIFFE ID).
func (i Identity) URI() *url.URL {
	return &url.URL{Scheme: "spiffe", Host: trustDomain, Path: "/" + KindName(i.Kind) + "/" + i.ID}
}

// Valid says whether the identity has a known kind and a well-formed id:
// lower-case letters, digits and inner hyphens, at most 64.
func (i Identity) Valid() bool {
	switch i.Kind {
	case Partner, Bank, Operator, Gateway:
		return idPattern.MatchString(i.ID)
	default:
		return false
	}
}

// IdentityOf reads the identity of a certificate. A certificate with no URI
// name, more than one, or one of another form has none.
func IdentityOf(cert *x509.Certificate) (Identity, error) {
	if len(cert.URIs) != 1 {
		return Identity{}, fmt.Errorf("%w: %d URI names, want one", errIdentity, len(cert.URIs))
	}
	for _, kind := range []Kind{Partner, Bank, Operator, Gateway} {
		id, ok := strings.CutPrefix(cert.URIs[0].String(), "spiffe://"+trustDomain+"/"+KindName(kind)+"/")
		if found := (Identity{Kind: kind, ID: id}); ok && found.Valid() {
			return found, nil
		}
	}
	return Identity{}, fmt.Errorf("%w: the URI name has another form", errIdentity)
}
