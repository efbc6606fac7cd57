package samplebank

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// ListTransactions answers account by account, newest first.
func (b *Bank) ListTransactions(_ context.Context, r *bankv1.ListTransactionsRequest) (*bankv1.ListTransactionsResponse, error) {
	found, failures, err := b.find(r.GetSubject())
	if err != nil {
		return nil, err
	}
	from, ok := dayFrom(r.GetFromDate())
	to, ok2 := dayFrom(r.GetToDate())
	if !ok || !ok2 || from > to {
		return nil, status.Error(codes.InvalidArgument, "from_date and to_date must be days in order")
	}
	if r.GetPageSize() < 1 || r.GetPageSize() > 500 {
		return nil, status.Error(codes.InvalidArgument, "page_size must be 1 to 500")
	}
	p := page{left: int(r.GetPageSize()), from: from - b.rolled(), to: to - b.rolled(), rolled: b.rolled()}
	if r.GetPageToken() != "" {
		failures = nil // they were told with the first page
		if found, err = p.resume(found, r.GetPageToken()); err != nil {
			return nil, err
		}
	}
	out := &bankv1.ListTransactionsResponse{Failures: failures}
	for _, a := range found {
		out.Accounts = append(out.Accounts, p.fill(a))
		if p.next != "" {
			break
		}
	}
	out.NextPageToken = p.next
	return out, nil
}

// page is one page of an answer being filled.
type page struct {
	left     int
	from, to day
	rolled   day
	after    string // the first account's last transaction on the page before, if any
	next     string
}

// resume goes on where a token says.
func (p *page) resume(found []*account, token string) ([]*account, error) {
	bad := status.Error(codes.InvalidArgument, "page_token is none of this call")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, bad
	}
	id, after, _ := strings.Cut(string(text), " ")
	i := slices.IndexFunc(found, func(a *account) bool { return a.id == id })
	if i < 0 || after != "" && !slices.ContainsFunc(found[i].transactions, func(t transaction) bool { return t.id == after }) {
		return nil, bad
	}
	p.after = after
	return found[i:], nil
}

func (p *page) fill(a *account) *datav1.AccountTransactions {
	out := &datav1.AccountTransactions{AccountId: a.id}
	skip := p.after != ""
	last := p.after
	p.after = ""
	for _, t := range slices.Backward(a.transactions) {
		if skip {
			skip = t.id != last
			continue
		}
		if t.day < p.from || t.day > p.to {
			continue
		}
		if p.left == 0 {
			p.next = base64.RawURLEncoding.EncodeToString([]byte(a.id + " " + last))
			return out
		}
		out.Transactions = append(out.Transactions, t.transaction(a, p.rolled))
		p.left--
		last = t.id
	}
	return out
}

func (t transaction) transaction(a *account, rolled day) *datav1.Transaction {
	on := (t.day + rolled).date()
	out := &datav1.Transaction{
		TransactionId: t.id, Status: datav1.TransactionStatus_TRANSACTION_STATUS_POSTED, BookingDate: on, ValueDate: on,
		Amount: t.amount.money(a.currency), Kind: t.kind, BalanceAfter: t.balance.money(a.currency), Description: t.description,
	}
	if t.account != "" || t.bankCode != "" {
		out.Counterparty = &datav1.Counterparty{BankCode: t.bankCode, AccountNumber: t.account}
	}
	if t.merchant != "" {
		out.CardPurchase = &datav1.CardPurchase{MerchantName: t.merchant, CardNumber: a.card.number}
	}
	return out
}
