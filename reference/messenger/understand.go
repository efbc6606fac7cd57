package messenger

import (
	"slices"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
	"sluice/reference/messenger/intent"
)

// shown says which payments answer a question: those that pick keeps. With help, a
// person at the bank is offered too.
type shown struct {
	title string // a text
	pick  func([]*datav1.Transaction) []*datav1.Transaction
	help  bool
}

// paymentsFor says which payments an intent asks for, if it asks for any.
func paymentsFor(i intent.Intent) (shown, bool) {
	switch i {
	case intent.Payments:
		return shown{title: "answer.payments"}, true
	case intent.CardPayments:
		return shown{title: "answer.card_payments", pick: ofKind(datav1.TransactionKind_TRANSACTION_KIND_CARD_PURCHASE)}, true
	case intent.Pending:
		return shown{title: "answer.pending_payments", pick: where(pending), help: true}, true
	case intent.NotRecognised:
		return shown{title: "answer.payments", pick: where(left), help: true}, true
	case intent.ChargedTwice:
		return shown{title: "answer.alike", pick: alike, help: true}, true
	case intent.Fees:
		return shown{title: "answer.fees", help: true, pick: ofKind(
			datav1.TransactionKind_TRANSACTION_KIND_FEE, datav1.TransactionKind_TRANSACTION_KIND_PENALTY_INTEREST,
		)}, true
	case intent.MissingRefund:
		return shown{title: "answer.refunds", pick: ofKind(datav1.TransactionKind_TRANSACTION_KIND_REFUND), help: true}, true
	case intent.MissingMoney:
		return shown{title: "answer.incoming", help: true, pick: ofKind(
			datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_IN, datav1.TransactionKind_TRANSACTION_KIND_CASH_DEPOSIT,
		)}, true
	case intent.WrongCash:
		return shown{title: "answer.cash", pick: ofKind(datav1.TransactionKind_TRANSACTION_KIND_CASH_WITHDRAWAL), help: true}, true
	case intent.ExchangeRate:
		return shown{title: "answer.card_payments", pick: ofKind(datav1.TransactionKind_TRANSACTION_KIND_CARD_PURCHASE), help: true}, true
	default:
		return shown{}, false
	}
}

func where(is func(*datav1.Transaction) bool) func([]*datav1.Transaction) []*datav1.Transaction {
	return func(txs []*datav1.Transaction) []*datav1.Transaction {
		return slices.DeleteFunc(slices.Clone(txs), func(t *datav1.Transaction) bool { return !is(t) })
	}
}

func ofKind(kinds ...datav1.TransactionKind) func([]*datav1.Transaction) []*datav1.Transaction {
	return where(func(t *datav1.Transaction) bool { return slices.Contains(kinds, t.GetKind()) })
}

func pending(t *datav1.Transaction) bool {
	return t.GetStatus() == datav1.TransactionStatus_TRANSACTION_STATUS_PENDING
}

// left says that money left the account.
func left(t *datav1.Transaction) bool {
	return t.GetAmount().GetUnits() < 0 || t.GetAmount().GetNanos() < 0
}

// alikeWithin is how far apart payments may be to be taken for the same one.
const alikeWithin = 4 * 24 * time.Hour

// alike are payments of which there is another one of the same amount, with the same
// words, a few days away.
func alike(txs []*datav1.Transaction) []*datav1.Transaction {
	return where(func(t *datav1.Transaction) bool {
		return left(t) && slices.ContainsFunc(txs, func(o *datav1.Transaction) bool {
			apart := dayOf(o.GetBookingDate()).Sub(dayOf(t.GetBookingDate())).Abs()
			return o != t && o.GetTransactionId() != t.GetTransactionId() && with(o) == with(t) && apart <= alikeWithin &&
				o.GetAmount().GetUnits() == t.GetAmount().GetUnits() && o.GetAmount().GetNanos() == t.GetAmount().GetNanos() &&
				o.GetReplaces() != t.GetTransactionId() && t.GetReplaces() != o.GetTransactionId()
		})
	})(txs)
}
