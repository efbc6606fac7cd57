package bankgrpc

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice/bank"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// AnswerAlert tells the bank a customer's answer. It takes one try; the bank
// knows an answer that it has by its id.
func (s *source) AnswerAlert(ctx context.Context, a bank.AlertAnswer) (datav1.AlertStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	got, err := bankv1.NewBankServiceClient(s.conn).AnswerAlert(ctx, &bankv1.AnswerAlertRequest{
		AnswerId: a.ID, CustomerId: string(a.Customer), AccountId: string(a.Account), AlertId: a.Alert, Choice: a.Choice,
		PartnerId: string(a.Partner), Confirmation: a.Confirmation,
	})
	if err != nil {
		return 0, notTold(status.Code(err))
	}
	return got.GetStatus(), nil
}

// notTold tells what the bank will not take from what it may take yet. A code
// that says nothing about the answer itself, even that the method is not there,
// is no last word.
func notTold(c codes.Code) error {
	switch c {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.OutOfRange:
		return fmt.Errorf("%w: %s", bank.ErrNotTaken, c)
	default:
		return fmt.Errorf("%w: %s", bank.ErrUnavailable, c)
	}
}
