package oauth

import (
	"encoding/json"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/consent"
)

// Asked reads one authorization detail, and compares it with itself.
func Asked(raw string) (consent.BankID, consent.Terms, error) {
	var d goidc.AuthDetail
	if err := json.Unmarshal([]byte(raw), &d); err != nil {
		return "", consent.Terms{}, err
	}
	_ = withinGranted(nil, []goidc.AuthDetail{d}, []goidc.AuthDetail{d}) //nolint:staticcheck // it has no use for one
	return asked([]goidc.AuthDetail{d})
}
