package customerapi

import (
	"context"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/gateway/consentview"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
	"sluice/seal"
)

const defaultPageSize = 50

// ListConsents lists the customer's own consents, or those of others that name
// them as a co-holder, newest first.
func (s *Service) ListConsents(ctx context.Context, r *customerv1.ListConsentsRequest) (*customerv1.ListConsentsResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	q, role := consent.Query{Bank: who.Bank, Customer: who.Customer}, "customer"
	if r.GetAsCoHolder() {
		q, role = consent.Query{Bank: who.Bank, CoHolder: who.Customer}, "co-holder"
	}
	binding := seal.Binding{"consents", string(who.Bank), string(who.Customer), role}
	found, next, err := consentview.Page(ctx, s.book, s.tokens, binding, q, r)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	out := &customerv1.ListConsentsResponse{NextPageToken: next}
	for _, c := range found {
		out.Consents = append(out.Consents, consentview.ForBank(c))
	}
	return out, nil
}

// ListDisclosures lists what was released under a consent, newest first.
func (s *Service) ListDisclosures(ctx context.Context, r *customerv1.ListDisclosuresRequest) (*customerv1.ListDisclosuresResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.given(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, err
	}
	binding := seal.Binding{"disclosures", string(who.Bank), string(who.Customer), string(c.ID)}
	before, err := s.sequence(binding, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(r.GetPageSize())
	found, err := s.disclosures.List(ctx, disclosure.Query{Consent: c.ID, BeforeSeq: before, Limit: size + 1})
	if err != nil {
		return nil, refusal.Because(refusal.RecordUnavailable, "disclosures can't be read now; try again", fmt.Errorf("list disclosures: %w", err))
	}
	out := &customerv1.ListDisclosuresResponse{}
	for i, d := range found {
		if i == size {
			out.NextPageToken = s.tokens.Seal(binding, strconv.FormatInt(found[i-1].Seq, 10))
			break
		}
		out.Disclosures = append(out.Disclosures, view(d))
	}
	return out, nil
}

func pageSize(n int32) int {
	if n == 0 {
		return defaultPageSize
	}
	return int(n)
}

// position reads where the page before ended; "" at the start.
func (s *Service) position(b seal.Binding, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	content, err := s.tokens.Open(b, token)
	if err != nil || len(content) != 1 {
		return "", refusal.Because(refusal.PageTokenInvalid, "the page token is not valid for this call; start from the first page", err)
	}
	return content[0], nil
}

// sequence reads where the page before ended; 0 at the start.
func (s *Service) sequence(b seal.Binding, token string) (int64, error) {
	at, err := s.position(b, token)
	if at == "" || err != nil {
		return 0, err
	}
	seq, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read page token: %w", err)
	}
	return seq, nil
}

func view(d disclosure.Record) *customerv1.Disclosure {
	out := &customerv1.Disclosure{
		DisclosureId: string(d.ID), ConsentId: string(d.Consent), GrantRevision: d.Revision,
		PartnerId: string(d.Partner), Method: d.Method, Clusters: d.Clusters.List(), Purpose: d.Purpose,
		Unattended: d.Unattended, ReleasedAt: timestamppb.New(d.At), PolicyRevision: d.PolicyRevision,
		Items: int32(d.Items), Outcome: outcome(d.Outcome),
	}
	for _, a := range d.Accounts {
		out.AccountIds = append(out.AccountIds, string(a))
	}
	return out
}

func outcome(o disclosure.Outcome) customerv1.DisclosureOutcome {
	switch o {
	case disclosure.Withheld:
		return customerv1.DisclosureOutcome_DISCLOSURE_OUTCOME_WITHHELD
	case disclosure.Late:
		return customerv1.DisclosureOutcome_DISCLOSURE_OUTCOME_LATE
	default:
		return customerv1.DisclosureOutcome_DISCLOSURE_OUTCOME_SENT
	}
}
