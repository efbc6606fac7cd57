package registry

import (
	"context"
	"errors"

	"sluice/consent"
)

// ErrNotFound means that no such party is registered.
var ErrNotFound = errors.New("party not registered")

// Standing says whether a party may take part. The zero value may not.
type Standing int

// The standings.
const (
	Unknown Standing = iota
	Active
	Suspended
)

// String is the standing as it stands in SQL.
func (s Standing) String() string {
	switch s {
	case Active:
		return "ACTIVE"
	case Suspended:
		return "SUSPENDED"
	default:
		return "UNKNOWN"
	}
}

// Partner is a registered data recipient.
type Partner struct {
	ID       consent.PartnerID
	Name     string // as customers see it
	Standing Standing
	Access   Access
	Client   Client
}

// Bank is a registered data holder.
type Bank struct {
	ID       consent.BankID
	Name     string // as customers see it
	Standing Standing
	Address  string // host:port where it serves BankService
	Login    Login
	Chat     ChatPass // what passes unmasked in conversations
}

// Store keeps the registry. Its methods may be called at once from many
// goroutines; lookups of absent parties answer ErrNotFound.
type Store interface {
	Partner(ctx context.Context, id consent.PartnerID) (Partner, error)
	Bank(ctx context.Context, id consent.BankID) (Bank, error)
	Partners(ctx context.Context) ([]Partner, error) // ordered by id
	Banks(ctx context.Context) ([]Bank, error)       // ordered by id
	// PutPartner registers a partner or replaces its name, access and client; a
	// new one gets p's standing, an old one keeps its own.
	PutPartner(ctx context.Context, p Partner) error
	// PutBank is PutPartner for banks; address, login and chat are replaced too.
	PutBank(ctx context.Context, b Bank) error
	SetPartnerStanding(ctx context.Context, id consent.PartnerID, s Standing) (Partner, error)
	SetBankStanding(ctx context.Context, id consent.BankID, s Standing) (Bank, error)
}
