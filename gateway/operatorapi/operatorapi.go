package operatorapi

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/authn/keyset"
	"sluice/consent"
	"sluice/gateway/consentview"
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/refusal"
	"sluice/registry"
)

// Service is operator.v1.RegistryService.
type Service struct {
	operatorv1.UnimplementedRegistryServiceServer
	registry registry.Store
	book     *consent.Book
	barrier  Barrier
}

// Barrier waits until nothing that was recorded before now can leave.
type Barrier interface {
	Elapse(ctx context.Context) error
}

// New serves a registry and the operator's holds on consents.
func New(r registry.Store, book *consent.Book, barrier Barrier) *Service {
	return &Service{registry: r, book: book, barrier: barrier}
}

// Register adds RegistryService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { operatorv1.RegisterRegistryServiceServer(r, s) }

// ListPartners lists all partners.
func (s *Service) ListPartners(ctx context.Context, _ *operatorv1.ListPartnersRequest) (*operatorv1.ListPartnersResponse, error) {
	partners, err := s.registry.Partners(ctx)
	if err != nil {
		return nil, unavailable(fmt.Errorf("list partners: %w", err))
	}
	out := &operatorv1.ListPartnersResponse{}
	for _, p := range partners {
		out.Partners = append(out.Partners, partner(p))
	}
	return out, nil
}

// ListBanks lists all banks.
func (s *Service) ListBanks(ctx context.Context, _ *operatorv1.ListBanksRequest) (*operatorv1.ListBanksResponse, error) {
	banks, err := s.registry.Banks(ctx)
	if err != nil {
		return nil, unavailable(fmt.Errorf("list banks: %w", err))
	}
	out := &operatorv1.ListBanksResponse{}
	for _, b := range banks {
		out.Banks = append(out.Banks, bank(b))
	}
	return out, nil
}

// RegisterBank registers a bank, or changes what is said of one. Its login,
// and what it lets pass in conversations, stay as they are where nothing is said.
func (s *Service) RegisterBank(ctx context.Context, r *operatorv1.RegisterBankRequest) (*operatorv1.RegisterBankResponse, error) {
	id := consent.BankID(r.GetBankId())
	b, err := s.registry.Bank(ctx, id)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return nil, unavailable(fmt.Errorf("register bank: %w", err))
	}
	if err != nil {
		b = registry.Bank{ID: id, Standing: registry.Active}
	}
	b.Name, b.Address = r.GetDisplayName(), r.GetAddress()
	if login := r.GetLogin(); login != nil {
		if err := keyset.CheckURL(login.GetIssuer()); err != nil {
			return nil, refusal.Invalid("login.issuer", "must be an https:// address without password and fragment")
		}
		b.Login = registry.Login{Issuer: login.GetIssuer(), ClientID: login.GetClientId()}
	}
	if rules := r.GetChat(); rules != nil {
		b.Chat = chatPass(rules)
	}
	if err := s.registry.PutBank(ctx, b); err != nil {
		return nil, unavailable(fmt.Errorf("register bank: %w", err))
	}
	b, err = s.registry.Bank(ctx, id)
	if err != nil {
		return nil, unavailable(fmt.Errorf("register bank: %w", err))
	}
	return &operatorv1.RegisterBankResponse{Bank: bank(b)}, nil
}

// SetPartnerStanding suspends or reinstates a partner.
func (s *Service) SetPartnerStanding(ctx context.Context, r *operatorv1.SetPartnerStandingRequest) (*operatorv1.SetPartnerStandingResponse, error) {
	p, err := s.registry.SetPartnerStanding(ctx, consent.PartnerID(r.GetPartnerId()), standing(r.GetStanding()))
	if err != nil {
		return nil, absent("partner", err)
	}
	if err := s.elapse(ctx, r.GetStanding()); err != nil {
		return nil, err
	}
	return &operatorv1.SetPartnerStandingResponse{Partner: partner(p)}, nil
}

// SetBankStanding suspends or reinstates a bank.
func (s *Service) SetBankStanding(ctx context.Context, r *operatorv1.SetBankStandingRequest) (*operatorv1.SetBankStandingResponse, error) {
	b, err := s.registry.SetBankStanding(ctx, consent.BankID(r.GetBankId()), standing(r.GetStanding()))
	if err != nil {
		return nil, absent("bank", err)
	}
	if err := s.elapse(ctx, r.GetStanding()); err != nil {
		return nil, err
	}
	return &operatorv1.SetBankStandingResponse{Bank: bank(b)}, nil
}

// elapse makes a suspension final: it is of many grants, so time decides.
func (s *Service) elapse(ctx context.Context, to operatorv1.Standing) error {
	if to != operatorv1.Standing_STANDING_SUSPENDED {
		return nil
	}
	if err := s.barrier.Elapse(ctx); err != nil {
		return refusal.Because(refusal.RecordUnavailable,
			"the party is suspended and nothing more is released; that no answer is still about to leave could not be made sure of: ask again", err)
	}
	return nil
}

// SuspendConsent holds one consent for the operator.
func (s *Service) SuspendConsent(ctx context.Context, r *operatorv1.SuspendConsentRequest) (*operatorv1.SuspendConsentResponse, error) {
	who, err := operator(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Suspend(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("suspend consent: %w", err)
	}
	return &operatorv1.SuspendConsentResponse{Consent: consentview.ForBank(c)}, nil
}

// UnsuspendConsent lifts the operator's hold.
func (s *Service) UnsuspendConsent(ctx context.Context, r *operatorv1.UnsuspendConsentRequest) (*operatorv1.UnsuspendConsentResponse, error) {
	who, err := operator(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.book.Unsuspend(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("unsuspend consent: %w", err)
	}
	return &operatorv1.UnsuspendConsentResponse{Consent: consentview.ForBank(c)}, nil
}

func operator(ctx context.Context) (consent.ByOperator, error) {
	caller, ok := authn.FromContext(ctx)
	if !ok || caller.Kind() != authn.Operator {
		return "", refusal.New(refusal.CallerNotPermitted, "this method is for operators")
	}
	return consent.ByOperator(caller.ID()), nil
}

func absent(what string, err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return refusal.Because(refusal.PartyNotFound, "no such "+what+" is registered", err)
	}
	return unavailable(fmt.Errorf("set standing: %w", err))
}

// unavailable refuses because the registry could not be read or written.
func unavailable(err error) error {
	return refusal.Because(refusal.RecordUnavailable,
		"the registry can't be reached now; whether a change was made is not known: look, and try again", err)
}

func standing(s operatorv1.Standing) registry.Standing {
	switch s {
	case operatorv1.Standing_STANDING_ACTIVE:
		return registry.Active
	case operatorv1.Standing_STANDING_SUSPENDED:
		return registry.Suspended
	default:
		return registry.Unknown
	}
}

func shown(s registry.Standing) operatorv1.Standing {
	switch s {
	case registry.Active:
		return operatorv1.Standing_STANDING_ACTIVE
	case registry.Suspended:
		return operatorv1.Standing_STANDING_SUSPENDED
	default:
		return operatorv1.Standing_STANDING_UNSPECIFIED
	}
}

func bank(b registry.Bank) *operatorv1.Party {
	out := &operatorv1.Party{PartyId: string(b.ID), DisplayName: b.Name, Standing: shown(b.Standing), Address: b.Address, Chat: chatRules(b.Chat)}
	if b.Login != (registry.Login{}) {
		out.Login = &operatorv1.BankLogin{Issuer: b.Login.Issuer, ClientId: b.Login.ClientID}
	}
	return out
}
