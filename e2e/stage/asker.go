package stage

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// Asker is a partner that asks over gRPC and calls with its certificate and the
// consent's id.
type Asker struct {
	ID       string
	Accounts partnerv1.AccountServiceClient
	Consents partnerv1.ConsentServiceClient
}

// Asker registers such a partner.
func (s *Stage) Asker(ctx context.Context, id, name string) (*Asker, error) {
	ops, err := s.As(authn.Operator, "ops")
	if err != nil {
		return nil, err
	}
	if _, err := operatorv1.NewRegistryServiceClient(ops).RegisterPartner(ctx, &operatorv1.RegisterPartnerRequest{
		PartnerId: id, DisplayName: name, Access: operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE,
	}); err != nil {
		return nil, fmt.Errorf("register partner: %w", err)
	}
	conn, err := s.As(authn.Partner, id)
	if err != nil {
		return nil, err
	}
	return &Asker{ID: id, Accounts: partnerv1.NewAccountServiceClient(conn), Consents: partnerv1.NewConsentServiceClient(conn)}, nil
}

// Ask asks for a consent; change changes what is asked before it is.
func (a *Asker) Ask(ctx context.Context, bank string, change func(*consentv1.Terms), kinds ...datav1.DataCluster) (string, error) {
	terms := &consentv1.Terms{
		Clusters: kinds, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "All money in one place.",
		LookBackDays: 90, RetentionDays: 30, UnattendedPerDay: 4, ValidUntil: timestamppb.New(time.Now().AddDate(0, 3, 0)),
	}
	if change != nil {
		change(terms)
	}
	got, err := a.Consents.RequestConsent(ctx, &partnerv1.RequestConsentRequest{BankId: bank, Terms: terms})
	if err != nil {
		return "", fmt.Errorf("ask for a consent: %w", err)
	}
	return got.GetConsent().GetConsentId(), nil
}

// Present is the right a consent gives, with the customer present.
func (a *Asker) Present(id string) *partnerv1.Access {
	return &partnerv1.Access{
		ConsentId: id, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
}
