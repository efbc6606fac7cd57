package sluice.release

# METADATA
# title: Sufficient
# description: >-
#   For each kind of call, the kinds of data of which an account must share one.
#   Who shares details shares the basics too.
# scope: document
sufficient := {
	"ACCOUNTS": {"ACCOUNT_BASIC", "ACCOUNT_DETAILED"},
	"BALANCES": {"BALANCES"},
	"TRANSACTIONS": {"TRANSACTIONS_BASIC", "TRANSACTIONS_DETAILED"},
	"CARDS": {"CARDS"},
	"ALERTS": {"FRAUD_ALERTS"},
	"CONVERSATIONS": {"CONVERSATIONS"},
	"MESSAGES": {"CONVERSATIONS"},
}

# METADATA
# title: Implies
# description: Who shares details shares the basics too.
# scope: document
implies := {
	"ACCOUNT_DETAILED": "ACCOUNT_BASIC",
	"TRANSACTIONS_DETAILED": "TRANSACTIONS_BASIC",
}

# METADATA
# title: With implied
# description: The kinds of data an account shares, implied ones included.
# scope: document
with_implied(shared) := array.concat(shared, [implies[cluster] | some cluster in shared])

# METADATA
# title: Names nothing
# description: The call names no account, and so means all that are covered.
# scope: document
names_nothing if {
	input.call.accounts == []
	input.call.unnamed == 0
}

# METADATA
# title: Permitted
# description: The accounts of which the kind of data asked for may leave.
# scope: document
permitted contains account if {
	names_nothing
	some account, shared in input.grant.shares
	some cluster in shared
	cluster in sufficient[input.call.kind]
}

permitted contains account if {
	some account in input.call.accounts
	some cluster in input.grant.shares[account]
	cluster in sufficient[input.call.kind]
}

# METADATA
# title: Refused
# description: >-
#   Why single accounts may not leave. An account outside the grant and one that
#   doesn't exist have the same reason.
# scope: document
refused := {account: reason |
	some account in input.call.accounts
	not account in permitted
	reason := reason_of_account(account)
}

# METADATA
# title: Reason of an account
# description: An account of the grant lacks the kind of data; any other is not covered.
# scope: document
reason_of_account(account) := "CLUSTER_NOT_COVERED" if input.grant.shares[account]

else := "ACCOUNT_NOT_COVERED"

denied contains "ACCOUNT_NOT_COVERED" if {
	count(permitted) == 0
	input.call.unnamed > 0
}

denied contains "CLUSTER_NOT_COVERED" if {
	count(permitted) == 0
	names_nothing
}

denied contains reason if {
	count(permitted) == 0
	some reason in refused
}
