package bankapi

import (
	"context"
	"fmt"
	"strconv"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/consent"
	"sluice/gateway/consentview"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/refusal"
	"sluice/seal"
)

// Service is bank.v1.ConsentService.
type Service struct {
	bankv1.UnimplementedConsentServiceServer
	book   *consent.Book
	tokens *seal.Sealer
}

// New serves a book.
func New(book *consent.Book, tokens *seal.Sealer) *Service {
	return &Service{book: book, tokens: tokens}
}

// Register adds ConsentService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { bankv1.RegisterConsentServiceServer(r, s) }

func callingBank(ctx context.Context) (consent.ByBank, error) {
	caller, ok := authn.FromContext(ctx)
	if !ok {
		return "", refusal.New(refusal.CallerUnknown, "connect with a registered certificate")
	}
	b, ok := caller.Bank()
	if !ok {
		return "", refusal.New(refusal.CallerNotPermitted, "this method is for banks")
	}
	return consent.ByBank(b), nil
}

// ListConsents lists consents about the bank's data, newest first.
func (s *Service) ListConsents(ctx context.Context, r *bankv1.ListConsentsRequest) (*bankv1.ListConsentsResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	binding := seal.Binding{"consents of bank", string(bank), r.GetCustomerId(), strconv.FormatBool(r.GetLiveOnly())}
	found, next, err := consentview.Page(ctx, s.book, s.tokens, binding, consent.Query{
		Bank: consent.BankID(bank), Customer: consent.CustomerID(r.GetCustomerId()), LiveOnly: r.GetLiveOnly(),
	}, r)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	out := &bankv1.ListConsentsResponse{NextPageToken: next}
	for _, c := range found {
		out.Consents = append(out.Consents, consentview.ForBank(c))
	}
	return out, nil
}

// GetConsent reads one consent with its history.
func (s *Service) GetConsent(ctx context.Context, r *bankv1.GetConsentRequest) (*bankv1.GetConsentResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.book.Get(ctx, bank, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("get consent: %w", err)
	}
	history, err := s.book.History(ctx, bank, found.ID)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return &bankv1.GetConsentResponse{Consent: consentview.ForBank(found), Changes: consentview.Changes(history)}, nil
}

// RevokeConsent ends a consent.
func (s *Service) RevokeConsent(ctx context.Context, r *bankv1.RevokeConsentRequest) (*bankv1.RevokeConsentResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Revoke(ctx, bank, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("revoke consent: %w", err)
	}
	return &bankv1.RevokeConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// SuspendConsent holds a consent for the bank.
func (s *Service) SuspendConsent(ctx context.Context, r *bankv1.SuspendConsentRequest) (*bankv1.SuspendConsentResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Suspend(ctx, bank, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("suspend consent: %w", err)
	}
	return &bankv1.SuspendConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// UnsuspendConsent lifts the bank's own hold.
func (s *Service) UnsuspendConsent(ctx context.Context, r *bankv1.UnsuspendConsentRequest) (*bankv1.UnsuspendConsentResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Unsuspend(ctx, bank, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("unsuspend consent: %w", err)
	}
	return &bankv1.UnsuspendConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// WithdrawAccount takes an account out of all of a customer's consents.
func (s *Service) WithdrawAccount(ctx context.Context, r *bankv1.WithdrawAccountRequest) (*bankv1.WithdrawAccountResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.book.WithdrawEverywhere(ctx, bank, consent.CustomerID(r.GetCustomerId()), consent.AccountID(r.GetAccountId()))
	if err != nil {
		return nil, fmt.Errorf("withdraw account: %w", err)
	}
	out := &bankv1.WithdrawAccountResponse{}
	for _, c := range changed {
		out.Consents = append(out.Consents, consentview.ForBank(c))
	}
	return out, nil
}

// ListConsentEvents reads on in the changes of consents about the bank's data.
func (s *Service) ListConsentEvents(ctx context.Context, r *bankv1.ListConsentEventsRequest) (*bankv1.ListConsentEventsResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	found, next, err := consentview.Events(ctx, s.book, s.tokens, seal.Binding{"events of bank", string(bank)},
		consent.EventQuery{Bank: consent.BankID(bank)}, r)
	if err != nil {
		return nil, fmt.Errorf("read on: %w", err)
	}
	out := &bankv1.ListConsentEventsResponse{Cursor: next}
	for _, ch := range found {
		out.Events = append(out.Events, consentview.EventForBank(ch))
	}
	return out, nil
}
