package sluice.release

# METADATA
# title: Purposes
# description: >-
#   All there is to state. Advertising, sale, cross-selling and profiling are not
#   among them and can't be allowed, whatever a grant says.
# scope: document
purposes := {
	"ACCOUNT_OVERVIEW",
	"SPENDING_INSIGHTS",
	"FRAUD_PROTECTION",
	"CUSTOMER_SERVICE",
	"PAYMENT_SUPPORT",
	"LENDING_DECISION",
	"TAX_AND_ACCOUNTING",
}

# METADATA
# title: Purpose agreed
# description: The purpose the call states is a known one, and the one the customer agreed to.
# scope: document
purpose_agreed if {
	input.call.purpose in purposes
	input.call.purpose == input.grant.purpose
}

# METADATA
# title: Conversational
# description: The kinds of call about what people write to each other.
# scope: document
conversational := {"CONVERSATIONS", "MESSAGES"}

# METADATA
# title: Purpose fits
# description: >-
#   What customers and their bank write to each other is for customer service
#   alone, even where the customer agreed to share it for another purpose.
# scope: document
purpose_fits if input.call.kind in {"ACCOUNTS", "BALANCES", "TRANSACTIONS", "CARDS", "ALERTS"}

purpose_fits if {
	input.call.kind in conversational
	input.call.purpose == "CUSTOMER_SERVICE"
}

denied contains "PURPOSE_NOT_PERMITTED" if not purpose_agreed

denied contains "PURPOSE_NOT_PERMITTED" if {
	input.call.kind in conversational
	not purpose_fits
}
