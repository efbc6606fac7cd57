package receipt

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/consent"
)

// Type is the type that a receipt's header states.
const Type = "consent-receipt+jwt"

var (
	// ErrUndecided means that no customer has decided about the consent yet, so
	// that there is nobody to make a receipt for.
	ErrUndecided = errors.New("no customer has decided about the consent")
	// ErrHistory means that the changes given are not all those of the consent.
	ErrHistory = errors.New("the changes are not all those of the consent")

	errTooLong = errors.New("the receipt is too long")
	errNoKeyID = errors.New("the signing key has no id")
)

// Key gives the private key to sign with now: ES256, with a kid.
type Key interface {
	Signing(ctx context.Context) (jose.JSONWebKey, error)
}

// Issuer makes receipts. It may be used by many goroutines.
type Issuer struct {
	name string
	key  Key
}

// New makes an issuer that calls itself by a name, which is its address.
func New(issuer string, key Key) *Issuer { return &Issuer{name: issuer, key: key} }

// Facts are what a receipt is about.
type Facts struct {
	Consent     consent.Consent
	History     []consent.Change // all of it, oldest first; what is newer than the consent is left out
	PartnerName string
	BankName    string
	At          time.Time // when the consent was read
}

// Of makes the receipt of a consent at its revision.
func (i *Issuer) Of(ctx context.Context, f Facts) (string, error) {
	said, err := i.statement(f)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(said)
	if err != nil {
		return "", fmt.Errorf("encode receipt: %w", err)
	}
	key, err := i.key.Signing(ctx)
	if err != nil {
		return "", fmt.Errorf("find signing key: %w", err)
	}
	if key.KeyID == "" {
		return "", fmt.Errorf("sign receipt: %w", errNoKeyID)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType(Type))
	if err != nil {
		return "", fmt.Errorf("sign receipt: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign receipt: %w", err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("encode receipt: %w", err)
	}
	if len(compact) > maxLength {
		return "", errTooLong
	}
	return compact, nil
}

func (i *Issuer) statement(f Facts) (Statement, error) {
	c := f.Consent
	if c.Customer == "" {
		return Statement{}, ErrUndecided
	}
	changes, err := changesOf(c, f.History)
	if err != nil {
		return Statement{}, err
	}
	said := Agreement{
		ID: string(c.ID), Revision: c.Revision, Status: consent.StatusName(c.Seen()),
		Bank: Party{string(c.Bank), f.BankName}, Partner: Party{string(c.Partner), f.PartnerName}, Customer: string(c.Customer),
		Purpose: consent.PurposeName(c.Asked.Purpose), PurposeText: c.Asked.PurposeText, Shares: []Share{},
		LookBackDays: c.LookBackDays, ValidUntil: c.ValidUntil.UTC(), RetentionDays: c.Asked.RetentionDays,
		UnattendedPerDay: c.Asked.UnattendedPerDay, OneTime: c.Asked.OneTime,
		RequestedAt: c.CreatedAt.UTC(), Changes: changes,
	}
	for _, s := range c.Shares {
		said.Shares = append(said.Shares, Share{string(s.Account), s.Clusters.Names()})
	}
	if consent.Ended(c.Status) && c.Fenced() {
		by := f.At.UTC().Truncate(time.Millisecond)
		said.FinalBy = &by
	}
	return Statement{Issuer: i.name, IssuedAt: f.At.Unix(), ID: "rec_" + rand.Text(), Consent: said}, nil
}

// changesOf are the changes up to the consent's revision: each of them, or none.
func changesOf(c consent.Consent, history []consent.Change) ([]Change, error) {
	var out []Change
	for n, h := range history {
		if h.Revision > c.Revision {
			break
		}
		if h.Consent != c.ID || h.Revision != int64(n)+1 {
			return nil, ErrHistory
		}
		change := Change{
			Revision: h.Revision, Kind: consent.ChangeName(h.Kind), Who: consent.ActorName(h.Actor.Kind),
			At: h.At.UTC(), Status: consent.StatusName(h.Status),
		}
		if k := h.Actor.Kind; k == consent.ActorCustomer || k == consent.ActorPartner || k == consent.ActorBank {
			change.WhoID = h.Actor.ID
		}
		if h.Why != consent.WhyUnstated {
			change.Why = consent.WhyName(h.Why)
		}
		out = append(out, change)
	}
	if int64(len(out)) != c.Revision {
		return nil, ErrHistory
	}
	return out, nil
}
