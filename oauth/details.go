package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/authn"
	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/refusal"
)

// AccountData is the one type of authorization details (RFC 9396) there is.
const AccountData goidc.AuthDetailType = "account_data"

// detail is an authorization detail of type account_data: what a client asks
// for, and in answers what the customer gave.
type detail struct {
	Type         string   `json:"type"`
	Bank         string   `json:"bank"`
	Clusters     []string `json:"data_clusters,omitempty"`
	Purpose      string   `json:"purpose,omitempty"`
	PurposeText  string   `json:"purpose_text,omitempty"`
	LookBackDays int      `json:"look_back_days,omitempty"`
	ExpiresAt    string   `json:"expires_at,omitempty"` // RFC 3339
	Access       access   `json:"access,omitzero"`
	Retention    int      `json:"retention_days,omitempty"`

	// In answers only.
	Consent    string    `json:"consent_id,omitempty"`
	Accounts   []account `json:"accounts,omitempty"`
	EndClamped bool      `json:"expires_at_clamped,omitempty"`
}

type access struct {
	UnattendedPerDay int  `json:"unattended_per_day,omitempty"`
	OneTime          bool `json:"one_time,omitempty"`
}

// account is what one account shares, by the partner's own id of it.
type account struct {
	ID       string   `json:"account_id"`
	Clusters []string `json:"data_clusters"`
}

// read decodes a detail; what it does not know is refused.
func read(d goidc.AuthDetail) (detail, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return detail{}, fmt.Errorf("encode authorization detail: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var out detail
	if err := decoder.Decode(&out); err != nil {
		return detail{}, invalidDetail("it has a member that account_data does not have, or one of another kind")
	}
	return out, nil
}

func invalidDetail(why string) error {
	return goidc.NewError(goidc.ErrorCodeInvalidAuthDetails, "authorization_details: "+why)
}

// asked is the terms that a pushed request's one detail asks for.
func asked(details []goidc.AuthDetail) (consent.BankID, consent.Terms, error) {
	if len(details) != 1 {
		return "", consent.Terms{}, invalidDetail("send exactly one of type account_data")
	}
	d, err := read(details[0])
	if err != nil {
		return "", consent.Terms{}, err
	}
	if d.Consent != "" || len(d.Accounts) > 0 || d.EndClamped {
		return "", consent.Terms{}, invalidDetail("the customer chooses the accounts; consent_id and accounts are in answers only")
	}
	if !(authn.Identity{Kind: authn.Bank, ID: d.Bank}).Valid() {
		return "", consent.Terms{}, invalidDetail("bank is not the id of a bank")
	}
	terms := consent.Terms{
		PurposeText: d.PurposeText, LookBackDays: d.LookBackDays, RetentionDays: d.Retention,
		UnattendedPerDay: d.Access.UnattendedPerDay, OneTime: d.Access.OneTime,
		Purpose: consent.Purpose(consentv1.Purpose_value["PURPOSE_"+d.Purpose]),
	}
	if terms.ValidUntil, err = time.Parse(time.RFC3339, d.ExpiresAt); err != nil {
		return "", consent.Terms{}, invalidDetail("expires_at is not a moment like 2026-12-31T23:59:59Z")
	}
	if terms.Clusters, err = clusters(d.Clusters); err != nil {
		return "", consent.Terms{}, err
	}
	return consent.BankID(d.Bank), terms, nil
}

func clusters(names []string) (consent.Clusters, error) {
	var set consent.Clusters
	for _, name := range names {
		c, ok := consent.ParseCluster(name)
		if !ok {
			return 0, invalidDetail("data_clusters names a kind of data that does not exist")
		}
		set |= consent.ClustersOf(c)
	}
	return set, nil
}

// given is what the customer gave, as the client may know it.
func (s *Server) given(c consent.Consent) ([]goidc.AuthDetail, error) {
	d := detail{
		Type: string(AccountData), Bank: string(c.Bank), Consent: string(c.ID),
		Purpose: consent.PurposeName(c.Asked.Purpose), PurposeText: c.Asked.PurposeText,
		LookBackDays: c.LookBackDays, ExpiresAt: c.ValidUntil.Format(time.RFC3339), EndClamped: c.EndClamped,
		Access: access{c.Asked.UnattendedPerDay, c.Asked.OneTime}, Retention: c.Asked.RetentionDays,
	}
	var all consent.Clusters
	for _, share := range c.Shares {
		all |= share.Clusters
		d.Accounts = append(d.Accounts, account{ID: s.Names.Account(c.Partner, c.Bank, share.Account), Clusters: share.Clusters.Names()})
	}
	d.Clusters = all.Names()
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode authorization detail: %w", err)
	}
	var out goidc.AuthDetail
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("encode authorization detail: %w", err)
	}
	return []goidc.AuthDetail{out}, nil
}

var errBeyond = goidc.NewError(goidc.ErrorCodeInvalidAuthDetails, "authorization_details: send what was granted, with fewer accounts or data_clusters")

// withinGranted lets a client ask for a token that can do less (RFC 9396, 6.1):
// with what was granted, but fewer accounts, or fewer kinds of data of them.
func withinGranted(_ context.Context, requested, granted []goidc.AuthDetail) error {
	if len(requested) != 1 || len(granted) != 1 {
		return errBeyond
	}
	want, err := read(requested[0])
	if err != nil {
		return err
	}
	have, err := read(granted[0])
	if err != nil {
		return err
	}
	if len(want.Accounts) == 0 || !within(want.Clusters, have.Clusters) {
		return errBeyond
	}
	for _, w := range want.Accounts {
		i := slices.IndexFunc(have.Accounts, func(h account) bool { return h.ID == w.ID })
		if i < 0 || !within(w.Clusters, have.Accounts[i].Clusters) {
			return errBeyond
		}
	}
	want.Accounts, want.Clusters = have.Accounts, have.Clusters
	if !reflect.DeepEqual(want, have) {
		return errBeyond
	}
	return nil
}

// within says whether some, and at least one, of most are named.
func within(names, most []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(most, n) })
}

// told is a refusal of the consents' as a client of OAuth hears it.
func told(err error) error {
	var r *refusal.Error
	if !errors.As(err, &r) {
		return err
	}
	switch r.Reason {
	case refusal.InvalidRequest:
		var faults []string
		for _, v := range r.Violations {
			faults = append(faults, v.Field+" "+v.Description)
		}
		return goidc.WrapError(goidc.ErrorCodeInvalidAuthDetails, "authorization_details: "+strings.Join(faults, "; "), err)
	case refusal.RecordUnavailable:
		return goidc.WrapError(errUnavailable, "consents can't be read or kept now; try again", err).WithStatusCode(http.StatusServiceUnavailable)
	default:
		return goidc.WrapError(goidc.ErrorCodeAccessDenied, r.Message, err)
	}
}
