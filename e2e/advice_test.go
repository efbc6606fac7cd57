package e2e

import (
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func TestHealthIsToldOfEachService(t *testing.T) {
	h := open(t)
	health := healthpb.NewHealthClient(h.dial(authn.Partner, "messenger"))
	for _, service := range []string{"", "sluice.partner.v1.AccountService", "sluice.customer.v1.ConsentService"} {
		out, err := health.Check(h.ctx(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || out.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of %q = %v, %v", service, out, err)
		}
	}
	_, err := health.Check(h.ctx(), &healthpb.HealthCheckRequest{Service: "nope"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("health of a service that there is not = %v, want NotFound", err)
	}
}

func TestACustomerTheBankDoesNotKnowIsNoOutage(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(accountBasic, balances)
	id := h.request(kinds, nil)
	h.bank.Fail(status.Error(codes.NotFound, "who?"))
	_, err := h.customer().AuthorizeConsent(h.ctx(), &customerv1.AuthorizeConsentRequest{
		CustomerId: "nonesuch", ConsentId: id, Shares: []*consentv1.Share{{AccountId: "A1", Clusters: kinds}},
	})
	if status.Code(err) != codes.InvalidArgument || reason(err) != "INVALID_REQUEST" {
		t.Errorf("AuthorizeConsent = %v, want INVALID_REQUEST", err)
	}
}

func TestUnattendedAccessThatWasNeverAgreedPromisesNoReset(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(accountBasic, balances)
	id := h.request(kinds, func(terms *consentv1.Terms) { terms.UnattendedPerDay = 0 })
	h.authorize(id, kinds, "A1")
	a := access(id)
	a.Attendance = partnerv1.Attendance_ATTENDANCE_UNATTENDED
	_, err := h.accounts("messenger").ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: a})
	if reason(err) != "ACCESS_LIMIT_REACHED" || info(err).GetMetadata()["reset"] != "" {
		t.Errorf("ListBalances = %v with %v, want ACCESS_LIMIT_REACHED without a reset", err, info(err).GetMetadata())
	}
}
