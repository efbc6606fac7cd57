package consentview_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func TestAPartnerListsItsOwnConsentsOnlyAPageAtATime(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	var want []string
	for range 5 {
		d.at(d.clock().Add(time.Second))
		want = append([]string{d.request(t)}, want...)
	}
	other := d.partner(t, "wallet")
	got(other.RequestConsent(ctx, &partnerv1.RequestConsentRequest{BankId: "morava", Terms: asked()}))(t)
	mine := d.partner(t, "messenger")
	got(mine.RevokeConsent(ctx, &partnerv1.RevokeConsentRequest{ConsentId: want[0]}))(t)

	list := func(live bool) (ids []string) {
		for token := ""; ; {
			page := got(mine.ListConsents(ctx, &partnerv1.ListConsentsRequest{PageSize: 2, PageToken: token, LiveOnly: live}))(t)
			for _, c := range page.GetConsents() {
				ids = append(ids, c.GetConsentId())
			}
			if token = page.GetNextPageToken(); token == "" {
				return ids
			}
			_, err := other.ListConsents(ctx, &partnerv1.ListConsentsRequest{PageSize: 2, PageToken: token, LiveOnly: live})
			refused(t, "another partner's page token", err, "PAGE_TOKEN_INVALID")
			_, err = mine.ListConsents(ctx, &partnerv1.ListConsentsRequest{PageToken: token, LiveOnly: !live})
			refused(t, "another list's page token", err, "PAGE_TOKEN_INVALID")
		}
	}
	if all := list(false); strings.Join(all, " ") != strings.Join(want, " ") {
		t.Errorf("listed %q, want %q", all, want)
	}
	if live := list(true); strings.Join(live, " ") != strings.Join(want[1:], " ") {
		t.Errorf("listed as live %q, want %q", live, want[1:])
	}
}

func TestAPartnerAsksForRenewalAndTheEndStays(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	c := d.give(t, false, "own")
	mine := d.partner(t, "messenger")
	far := timestamppb.New(noon.AddDate(5, 0, 0))
	asked := got(mine.RenewConsent(ctx, &partnerv1.RenewConsentRequest{ConsentId: c.GetConsentId(), ValidUntil: far}))(t).GetConsent()
	if want := noon.Add(consent.MaxDuration); !asked.GetRenewalAskedUntil().AsTime().Equal(want) || !proto.Equal(asked.GetValidUntil(), c.GetValidUntil()) {
		t.Errorf("asked until %v with the end at %v, want until %v, and the end to stay", asked.GetRenewalAskedUntil().AsTime(), asked.GetValidUntil().AsTime(), want)
	}
	seen := got(d.customers(t, "morava").GetConsent(ctx, &customerv1.GetConsentRequest{CustomerId: "me", ConsentId: c.GetConsentId()}))(t)
	if !proto.Equal(seen.GetConsent().GetRenewalAskedUntil(), asked.GetRenewalAskedUntil()) {
		t.Errorf("the customer sees %v", seen.GetConsent().GetRenewalAskedUntil())
	}
	renewed := got(d.customers(t, "morava").RenewConsent(ctx, &customerv1.RenewConsentRequest{
		CustomerId: "me", ConsentId: c.GetConsentId(), ValidUntil: asked.GetRenewalAskedUntil(),
	}))(t).GetConsent()
	if renewed.GetRenewalAskedUntil() != nil || !proto.Equal(renewed.GetValidUntil(), asked.GetRenewalAskedUntil()) {
		t.Errorf("renewed: %v", renewed)
	}
}

func TestRefusalsOfAPartnersRenewal(t *testing.T) {
	d := open(t)
	id, pending := d.give(t, false, "own").GetConsentId(), d.request(t)
	later, sooner := timestamppb.New(noon.AddDate(0, 9, 0)), timestamppb.New(noon.AddDate(0, 1, 0))
	for _, test := range []struct {
		name, partner, consent string
		until                  *timestamppb.Timestamp
		suspended              string
		reason                 string
		fields                 []string
	}{
		{"another's", "wallet", id, later, "", "CONSENT_NOT_FOUND", nil},
		{"absent", "messenger", "con_absent", later, "", "CONSENT_NOT_FOUND", nil},
		{"not given yet", "messenger", pending, later, "", "CHANGE_NOT_POSSIBLE", nil},
		{"no end", "messenger", id, nil, "", "INVALID_REQUEST", []string{"valid_until"}},
		{"a sooner end", "messenger", id, sooner, "", "INVALID_REQUEST", []string{"valid_until"}},
		{"no moment", "messenger", id, &timestamppb.Timestamp{Seconds: 1 << 60}, "", "INVALID_REQUEST", []string{"valid_until"}},
		{"by a suspended partner", "messenger", id, later, "messenger", "PARTNER_SUSPENDED", nil},
		{"at a suspended bank", "messenger", id, later, "morava", "BANK_SUSPENDED", nil},
	} {
		d.registry.suspended = []string{test.suspended}
		_, err := d.partner(t, test.partner).RenewConsent(t.Context(), &partnerv1.RenewConsentRequest{ConsentId: test.consent, ValidUntil: test.until})
		refused(t, test.name, err, test.reason, test.fields...)
	}
}

// everything reads all that a partner can of its consents and their events, as
// JSON.
func everything(t *testing.T, c partnerv1.ConsentServiceClient) string {
	t.Helper()
	var all []string
	add := func(m proto.Message) {
		raw, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(raw))
	}
	list := got(c.ListConsents(t.Context(), &partnerv1.ListConsentsRequest{}))(t)
	add(list)
	for _, one := range list.GetConsents() {
		add(got(c.GetConsent(t.Context(), &partnerv1.GetConsentRequest{ConsentId: one.GetConsentId()}))(t))
	}
	events := got(c.ListConsentEvents(t.Context(), &partnerv1.ListConsentEventsRequest{}))(t)
	events.Cursor = "" // random
	add(events)
	return strings.Join(all, "\n")
}

func TestAPartnerSeesNoCustomerNoCoHolderAndNoAccountOfTheBanks(t *testing.T) {
	d := open(t)
	ctx, at := t.Context(), d.customers(t, "morava")
	joint := d.give(t, false, "own", "joint").GetConsentId()
	got(at.AuthorizeConsent(ctx, &customerv1.AuthorizeConsentRequest{CustomerId: "you", ConsentId: joint, Shares: shares("own", "joint")}))(t)
	d.give(t, true, "joint")
	half := d.give(t, false, "joint").GetConsentId()
	got(at.RejectConsent(ctx, &customerv1.RejectConsentRequest{CustomerId: "you", ConsentId: half}))(t)
	if _, err := d.book.Suspend(ctx, consent.ByOperator("ops"), consent.ID(joint)); err != nil {
		t.Fatal(err)
	}
	seen := everything(t, d.partner(t, "messenger"))
	for _, secret := range []string{`"me"`, `"you"`, `"own"`, `"joint"`, `"ops"`, "idden", "ustomerId", "oHolder"} {
		if strings.Contains(seen, secret) {
			t.Errorf("the partner sees %s in\n%s", secret, seen)
		}
	}
	for _, said := range []string{"ACTOR_KIND_CO_HOLDER", "ACTOR_KIND_CUSTOMER", "CHANGE_KIND_REQUEST", `"messenger"`, `"morava"`} {
		if !strings.Contains(seen, said) {
			t.Errorf("the partner does not see %s in\n%s", said, seen)
		}
	}
}

func TestAPartnersEventsAreItsOwnAndItsCursorServesNobodyElse(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	mine, other := d.partner(t, "messenger"), d.partner(t, "wallet")
	got(other.RequestConsent(ctx, &partnerv1.RequestConsentRequest{BankId: "morava", Terms: asked()}))(t)
	c := d.give(t, false, "own")
	cursor, kinds := "", []consentv1.ChangeKind{}
	for range 3 {
		page := got(mine.ListConsentEvents(ctx, &partnerv1.ListConsentEventsRequest{PageSize: 1, Cursor: cursor}))(t)
		for _, e := range page.GetEvents() {
			if e.GetConsentId() != c.GetConsentId() {
				t.Errorf("event of %s", e.GetConsentId())
			}
			kinds = append(kinds, e.GetChange().GetKind())
		}
		cursor = page.GetCursor()
	}
	if len(kinds) != 2 || kinds[0] != consent.KindRequest || kinds[1] != consent.KindAuthorize {
		t.Errorf("events %v", kinds)
	}
	d.at(noon.AddDate(0, 7, 0))
	if _, err := d.book.Expire(context.WithoutCancel(ctx), consent.ID(c.GetConsentId())); err != nil {
		t.Fatal(err)
	}
	page := got(mine.ListConsentEvents(ctx, &partnerv1.ListConsentEventsRequest{Cursor: cursor}))(t)
	if len(page.GetEvents()) != 1 || page.GetEvents()[0].GetChange().GetReason() != consent.WhyExpired {
		t.Errorf("read on: %v", page.GetEvents())
	}
	for name, text := range map[string]string{"made up": "AAAA", "a page token's bytes": "AQ", "no base64": "!"} {
		_, err := mine.ListConsentEvents(ctx, &partnerv1.ListConsentEventsRequest{Cursor: text})
		refused(t, name, err, "PAGE_TOKEN_INVALID")
	}
	_, err := other.ListConsentEvents(ctx, &partnerv1.ListConsentEventsRequest{Cursor: cursor})
	refused(t, "another partner's cursor", err, "PAGE_TOKEN_INVALID")
}
