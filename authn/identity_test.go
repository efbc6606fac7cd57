package authn_test

import (
	"crypto/x509"
	"net/url"
	"testing"

	"sluice/authn"
)

func TestIdentityIsReadOnlyFromOneWellFormedURIName(t *testing.T) {
	tests := []struct {
		name string
		uris []string
		want authn.Identity
	}{
		{"partner", []string{"spiffe://sluice/partner/messenger"}, authn.Identity{Kind: authn.Partner, ID: "messenger"}},
		{"bank", []string{"spiffe://sluice/bank/morava-1"}, authn.Identity{Kind: authn.Bank, ID: "morava-1"}},
		{"operator", []string{"spiffe://sluice/operator/ops"}, authn.Identity{Kind: authn.Operator, ID: "ops"}},
		{"no name", nil, authn.Identity{}},
		{"two names", []string{"spiffe://sluice/partner/a", "spiffe://sluice/operator/ops"}, authn.Identity{}},
		{"another trust domain", []string{"spiffe://elsewhere/partner/messenger"}, authn.Identity{}},
		{"another scheme", []string{"https://sluice/partner/messenger"}, authn.Identity{}},
		{"unknown kind", []string{"spiffe://sluice/root/ops"}, authn.Identity{}},
		{"unspecified kind", []string{"spiffe://sluice/unspecified/ops"}, authn.Identity{}},
		{"no id", []string{"spiffe://sluice/partner/"}, authn.Identity{}},
		{"upper case", []string{"spiffe://sluice/partner/Messenger"}, authn.Identity{}},
		{"path tricks", []string{"spiffe://sluice/partner/../operator/ops"}, authn.Identity{}},
		{"escaped slash", []string{"spiffe://sluice/partner/a%2Fb"}, authn.Identity{}},
		{"query", []string{"spiffe://sluice/partner/a?b"}, authn.Identity{}},
		{"user", []string{"spiffe://x@sluice/partner/a"}, authn.Identity{}},
		{"port", []string{"spiffe://sluice:1/partner/a"}, authn.Identity{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert := &x509.Certificate{}
			for _, u := range tt.uris {
				parsed, err := url.Parse(u)
				if err != nil {
					t.Fatalf("parse %s: %v", u, err)
				}
				cert.URIs = append(cert.URIs, parsed)
			}
			got, err := authn.IdentityOf(cert)
			if got != tt.want {
				t.Errorf("IdentityOf = %v, want %v", got, tt.want)
			}
			if wantErr := tt.want == (authn.Identity{}); (err != nil) != wantErr {
				t.Errorf("IdentityOf error = %v, want error: %t", err, wantErr)
			}
		})
	}
}

func TestZeroCallerIsNobody(t *testing.T) {
	var c authn.Caller
	if _, ok := c.Partner(); ok {
		t.Error("the zero caller is a partner")
	}
	if _, ok := c.Bank(); ok {
		t.Error("the zero caller is a bank")
	}
	if _, ok := authn.FromContext(t.Context()); ok {
		t.Error("a context without a connection has a caller")
	}
}
