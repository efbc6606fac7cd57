package banktest

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"sluice/bank"
	"sluice/consent"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// alertDesk is what the bank heard from customers.
type alertDesk struct {
	told  []bank.AlertAnswer
	take  func(bank.AlertAnswer) (datav1.AlertStatus, error)
	taken map[string]datav1.AlertStatus // by answer id
}

// Take sets what happens to an answer that the bank has not taken yet; without
// it each is taken. The function runs in the call, before the answer is taken.
func (b *Bank) Take(f func(bank.AlertAnswer) (datav1.AlertStatus, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alerts.take = f
}

// Told are the answers as often as the bank was told.
func (b *Bank) Told() []bank.AlertAnswer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]bank.AlertAnswer(nil), b.alerts.told...)
}

// Taken counts the answers that took effect: each id once.
func (b *Bank) Taken() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.alerts.taken)
}

// AnswerAlert takes each answer id once, as a bank must.
func (b *Bank) AnswerAlert(_ context.Context, a bank.AlertAnswer) (datav1.AlertStatus, error) {
	b.mu.Lock()
	b.alerts.told = append(b.alerts.told, a)
	take, had := b.alerts.take, b.alerts.taken[a.ID]
	b.mu.Unlock()
	if had != 0 {
		return had, nil
	}
	now := datav1.AlertStatus_ALERT_STATUS_ANSWERED
	if take != nil {
		var err error
		if now, err = take(a); err != nil {
			return 0, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alerts.taken == nil {
		b.alerts.taken = map[string]datav1.AlertStatus{}
	}
	b.alerts.taken[a.ID] = now
	return now, nil
}

// takesAnswers serves AnswerAlert over gRPC.
func (b *Bank) takesAnswers() grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: "AnswerAlert",
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var r bankv1.AnswerAlertRequest
			if err := decode(&r); err != nil {
				return nil, fmt.Errorf("read request: %w", err)
			}
			now, err := b.AnswerAlert(ctx, bank.AlertAnswer{
				ID: r.GetAnswerId(), Customer: consent.CustomerID(r.GetCustomerId()), Account: consent.AccountID(r.GetAccountId()),
				Alert: r.GetAlertId(), Choice: r.GetChoice(), Partner: consent.PartnerID(r.GetPartnerId()), Confirmation: r.GetConfirmation(),
			})
			if err != nil {
				return nil, err
			}
			return &bankv1.AnswerAlertResponse{Status: now}, nil
		},
	}
}
