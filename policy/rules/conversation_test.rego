package sluice.release_test

# What customers and their bank write to each other, about one account that
# shares it. The bank lets something pass, said twice and out of order.
conversing(changes) := object.union(
	{
		"/call/kind": "MESSAGES",
		"/call/purpose": "CUSTOMER_SERVICE",
		"/grant/purpose": "CUSTOMER_SERVICE",
		"/grant/shares": {"A1": ["CONVERSATIONS"], "A2": ["BALANCES"]},
		"/bank/chat_pass": ["CODES", "ACCOUNT_NUMBERS", "CODES"],
	},
	changes,
)

test_conversations_need_their_own_kind_of_data if {
	every kind in ["CONVERSATIONS", "MESSAGES"] {
		decision := decide(conversing({"/call/kind": kind}))
		decision.allow
		decision.permissions == {"A1": {"clusters": ["CONVERSATIONS"], "masked": true}}
		decision.window == null
		denial(conversing({"/call/kind": kind, "/call/accounts": ["A2"]})) == ["CLUSTER_NOT_COVERED"]
	}
}

test_conversations_are_for_customer_service_alone if {
	every kind in ["CONVERSATIONS", "MESSAGES"] {
		every purpose in ["ACCOUNT_OVERVIEW", "FRAUD_PROTECTION", "PAYMENT_SUPPORT", "LENDING_DECISION", "ADVERTISING", ""] {
			denial(conversing({
				"/call/kind": kind,
				"/call/purpose": purpose,
				"/grant/purpose": purpose,
			})) == ["PURPOSE_NOT_PERMITTED"]
		}

		denial(conversing({"/call/kind": kind, "/grant/purpose": "PAYMENT_SUPPORT"})) == ["PURPOSE_NOT_PERMITTED"]
	}
}

test_conversations_have_no_look_back if {
	decide(conversing({"/grant/look_back_days": 0})).allow
}

test_what_the_bank_lets_pass_is_said_in_order if {
	decide(conversing({})).chat_pass == ["ACCOUNT_NUMBERS", "CODES"]
	decide(conversing({"/call/kind": "CONVERSATIONS"})).chat_pass == ["ACCOUNT_NUMBERS", "CODES"]
	decide(conversing({"/bank/chat_pass": []})).chat_pass == []
}

test_nothing_passes_in_other_data if {
	decision := decide({"/bank/chat_pass": ["CODES"]})
	decision.allow
	decision.chat_pass == []
}

test_nothing_passes_where_nothing_leaves if {
	denial(conversing({"/grant/status": "REVOKED"})) == ["CONSENT_REVOKED"]
}

test_a_question_without_the_banks_rules_is_not_whole if {
	denial(conversing({"/bank/chat_pass": null})) == []
	denial(conversing({"/bank/chat_pass": "CODES"})) == []
	denial({"/bank/chat_pass": {"CODES": true}}) == []
}

test_messages_that_a_bank_publishes_are_as_other_events if {
	pushed := {"/call/pushed": true, "/call/unattended": true, "/usage/unattended_today": 4}
	decide(conversing(pushed)).allow
	denial(conversing(object.union(pushed, {"/grant/unattended_per_day": 0}))) == ["ACCESS_LIMIT_REACHED"]
}
