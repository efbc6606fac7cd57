package customerapi

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/bank"
	"sluice/consent"
	"sluice/disclosure"
	"sluice/gateway/consentview"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
	"sluice/seal"
)

// Disclosures reads the record of releases.
type Disclosures interface {
	List(ctx context.Context, q disclosure.Query) ([]disclosure.Record, error)
}

// Usage counts what was released and refused.
type Usage interface {
	Days(ctx context.Context, id consent.ID, from, to consent.Day) ([]disclosure.DayCount, error)
	Refusals(ctx context.Context, id consent.ID, from, to consent.Day) ([]disclosure.RefusalCount, error)
	LastRelease(ctx context.Context, ids ...consent.ID) (map[consent.ID]time.Time, error)
}

// Service is customer.v1.ConsentService.
type Service struct {
	customerv1.UnimplementedConsentServiceServer
	book        *consent.Book
	disclosures Disclosures
	usage       Usage
	banks       bank.Directory
	tokens      *seal.Sealer
	now         func() time.Time
}

// New serves a book, with the record of what was released under its consents
// and the counts of that. banks tells which accounts a customer has and who else
// holds them, when one agrees; now says which day today is.
func New(book *consent.Book, disclosures Disclosures, usage Usage, banks bank.Directory, tokens *seal.Sealer, now func() time.Time) *Service {
	return &Service{book: book, disclosures: disclosures, usage: usage, banks: banks, tokens: tokens, now: now}
}

// Register adds ConsentService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { customerv1.RegisterConsentServiceServer(r, s) }

// request is what all requests of a customer have in common.
type request interface{ GetCustomerId() string }

// customer is whom the calling bank acts for.
func customer(ctx context.Context, r request) (consent.ByCustomer, error) {
	caller, ok := authn.FromContext(ctx)
	if !ok {
		return consent.ByCustomer{}, refusal.New(refusal.CallerUnknown, "connect with a registered certificate")
	}
	b, ok := caller.Bank()
	if !ok {
		return consent.ByCustomer{}, refusal.New(refusal.CallerNotPermitted, "this method is for banks")
	}
	if r.GetCustomerId() == "" {
		return consent.ByCustomer{}, refusal.Invalid("customer_id", "is empty")
	}
	return consent.ByCustomer{Bank: b, Customer: consent.CustomerID(r.GetCustomerId())}, nil
}

// GetConsent reads one consent with its history.
func (s *Service) GetConsent(ctx context.Context, r *customerv1.GetConsentRequest) (*customerv1.GetConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	found, err := s.book.Get(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("get consent: %w", err)
	}
	history, err := s.book.History(ctx, who, found.ID)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return &customerv1.GetConsentResponse{Consent: consentview.ForBank(found), Changes: consentview.Changes(history)}, nil
}

// RejectConsent refuses what was asked.
func (s *Service) RejectConsent(ctx context.Context, r *customerv1.RejectConsentRequest) (*customerv1.RejectConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Reject(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision())
	if err != nil {
		return nil, fmt.Errorf("reject consent: %w", err)
	}
	return &customerv1.RejectConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// PauseConsent holds a consent.
func (s *Service) PauseConsent(ctx context.Context, r *customerv1.PauseConsentRequest) (*customerv1.PauseConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Pause(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision())
	if err != nil {
		return nil, fmt.Errorf("pause consent: %w", err)
	}
	return &customerv1.PauseConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// ResumeConsent ends a pause.
func (s *Service) ResumeConsent(ctx context.Context, r *customerv1.ResumeConsentRequest) (*customerv1.ResumeConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Resume(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision())
	if err != nil {
		return nil, fmt.Errorf("resume consent: %w", err)
	}
	return &customerv1.ResumeConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// RenewConsent gives a consent a later end.
func (s *Service) RenewConsent(ctx context.Context, r *customerv1.RenewConsentRequest) (*customerv1.RenewConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	end, err := consentview.Instant("valid_until", r.GetValidUntil())
	if err != nil {
		return nil, fmt.Errorf("read end: %w", err)
	}
	c, err := s.book.Renew(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision(), end)
	if err != nil {
		return nil, fmt.Errorf("renew consent: %w", err)
	}
	return &customerv1.RenewConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// WithdrawAccount takes one account out.
func (s *Service) WithdrawAccount(ctx context.Context, r *customerv1.WithdrawAccountRequest) (*customerv1.WithdrawAccountResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := s.mayWithdraw(ctx, who, r); err != nil {
		return nil, err
	}
	c, err := s.book.WithdrawAccount(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision(), consent.AccountID(r.GetAccountId()))
	if err != nil {
		return nil, fmt.Errorf("withdraw account: %w", err)
	}
	return &customerv1.WithdrawAccountResponse{Consent: consentview.ForBank(c)}, nil
}

// RevokeConsent takes a consent back.
func (s *Service) RevokeConsent(ctx context.Context, r *customerv1.RevokeConsentRequest) (*customerv1.RevokeConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Revoke(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("revoke consent: %w", err)
	}
	return &customerv1.RevokeConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// RevokeAllConsents takes back all the customer's own consents at this bank.
func (s *Service) RevokeAllConsents(ctx context.Context, r *customerv1.RevokeAllConsentsRequest) (*customerv1.RevokeAllConsentsResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	ended, err := s.book.RevokeAll(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("revoke all consents: %w", err)
	}
	out := &customerv1.RevokeAllConsentsResponse{}
	for _, c := range ended {
		out.Consents = append(out.Consents, consentview.ForBank(c))
	}
	return out, nil
}
