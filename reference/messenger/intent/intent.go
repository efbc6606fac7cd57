package intent

import "time"

// Intent is what a customer wants to know or do.
type Intent int

// What a messenger can answer by itself, or lead to the right place. The zero value
// is not understood.
const (
	Unknown       Intent = iota
	Balance              // how much there is
	Spending             // what was spent, on what, when
	Payments             // the last transactions
	CardPayments         // the last payments by card
	TalkToBank           // somebody at the bank; Label says about what, Urgent that it can't wait
	StopSharing          // end or narrow the consent
	WhatIsShared         // what the messenger gets and holds
	Help                 // what can be asked
	Pending              // why a payment is pending: show the pending ones
	NotRecognised        // a payment he didn't make: show the last ones, and the bank
	ChargedTwice         // show payments that are alike, and the bank
	Fees                 // what a charge is for: show the fees
	MissingRefund        // show refunds, and the bank
	MissingMoney         // money that should have come in: show the last that came, and the bank
	WrongCash            // a machine gave too little: show withdrawals, and the bank
	ExchangeRate         // at what rate something was charged: show the payments, and the bank
)

// String is the intent's name.
func (i Intent) String() string {
	names := [...]string{
		"unknown", "balance", "spending", "payments", "card payments", "talk to bank", "stop sharing", "what is shared", "help",
		"pending", "not recognised", "charged twice", "fees", "missing refund", "missing money", "wrong cash", "exchange rate",
	}
	if i < 0 || int(i) >= len(names) {
		return names[Unknown]
	}
	return names[i]
}

// Question is what was understood. What the customer didn't name is zero.
type Question struct {
	Intent Intent
	// Category is one of spending.Categories, if he named one.
	Category string
	// From (inclusive) and To (exclusive) are the days he named, in now's location.
	From, To time.Time
	// Count is how many he wants to see, at most 100.
	Count int
	// Label is the claim (Claim.Name) the question was recognised by; empty for the
	// messenger's own questions.
	Label string
	// Urgent says that it can't wait: a card or phone is in wrong hands.
	Urgent bool
}

// Claim is a kind of real question that is claimed to be understood.
type Claim struct {
	Name   string
	Intent Intent
	Urgent bool
	// Labels are the BANKING77 intents it covers.
	Labels []string
}

// Claims are all there are. An intent that isn't here is one the messenger could
// say nothing true about: what a bank's products are and cost, which countries and
// currencies it serves, how identities are verified, and all of topping up.
func Claims() []Claim {
	return []Claim{
		{Name: "pending", Intent: Pending, Labels: []string{"pending_card_payment", "pending_cash_withdrawal", "pending_transfer"}},
		{Name: "not recognised", Intent: NotRecognised, Labels: []string{"card_payment_not_recognised", "cash_withdrawal_not_recognised", "direct_debit_payment_not_recognised"}},
		{Name: "charged twice", Intent: ChargedTwice, Labels: []string{"transaction_charged_twice"}},
		{Name: "fees", Intent: Fees, Labels: []string{"extra_charge_on_statement", "card_payment_fee_charged", "cash_withdrawal_charge", "transfer_fee_charged"}},
		{Name: "missing refund", Intent: MissingRefund, Labels: []string{"Refund_not_showing_up"}},
		{Name: "missing money", Intent: MissingMoney, Labels: []string{"balance_not_updated_after_bank_transfer", "balance_not_updated_after_cheque_or_cash_deposit"}},
		{Name: "wrong cash", Intent: WrongCash, Labels: []string{"wrong_amount_of_cash_received"}},
		{Name: "exchange rate", Intent: ExchangeRate, Labels: []string{"card_payment_wrong_exchange_rate", "wrong_exchange_rate_for_cash_withdrawal"}},
		{Name: "lost or stolen", Intent: TalkToBank, Urgent: true, Labels: []string{"lost_or_stolen_card", "lost_or_stolen_phone", "compromised_card", "card_swallowed"}},
		{Name: "declined", Intent: TalkToBank, Labels: []string{"declined_card_payment", "declined_cash_withdrawal", "declined_transfer"}},
		{Name: "card delivery", Intent: TalkToBank, Labels: []string{"card_arrival", "card_delivery_estimate"}},
		{Name: "activate card", Intent: TalkToBank, Labels: []string{"activate_my_card"}},
		{Name: "pin", Intent: TalkToBank, Labels: []string{"change_pin", "pin_blocked", "get_physical_card"}},
		{Name: "passcode", Intent: TalkToBank, Labels: []string{"passcode_forgotten"}},
		{Name: "personal details", Intent: TalkToBank, Labels: []string{"edit_personal_details"}},
		{Name: "close account", Intent: TalkToBank, Labels: []string{"terminate_account"}},
		{Name: "cancel transfer", Intent: TalkToBank, Labels: []string{"cancel_transfer"}},
		{Name: "request refund", Intent: TalkToBank, Labels: []string{"request_refund"}},
	}
}
