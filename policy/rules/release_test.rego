package sluice.release_test

import data.sluice.release

# A question that is allowed: balances of all that is covered, the customer present.
question := {
	"now": 1795521600000,
	"today": 20781,
	"latest": 20782,
	"caller": {"partner": "messenger", "active": true},
	"bank": {"active": true, "chat_pass": []},
	"grant": {
		"partner": "messenger",
		"status": "ACTIVE",
		"purpose": "ACCOUNT_OVERVIEW",
		"valid_until": 1795608000000,
		"look_back_days": 90,
		"unattended_per_day": 4,
		"one_time": false,
		"shares": {
			"A1": ["BALANCES", "TRANSACTIONS_BASIC"],
			"A2": ["BALANCES"],
			"A3": ["ACCOUNT_DETAILED", "TRANSACTIONS_DETAILED"],
		},
	},
	"call": {
		"kind": "BALANCES",
		"purpose": "ACCOUNT_OVERVIEW",
		"unattended": false,
		"continues": false,
		"pushed": false,
		"accounts": [],
		"unnamed": 0,
		"from": null,
		"to": null,
	},
	"usage": {"unattended_today": 0, "first_release": null},
}

# The question with some members replaced, each named by its path.
but(changes) := json.patch(question, [{"op": "replace", "path": path, "value": value} |
	some path, value in changes
])

decide(changes) := decision if {
	decision := release.decision with input as but(changes)
}

test_all_that_is_covered_is_permitted_masked if {
	decision := decide({})
	decision.allow
	decision.reasons == []
	decision.permissions == {
		"A1": {"clusters": ["BALANCES", "TRANSACTIONS_BASIC"], "masked": true},
		"A2": {"clusters": ["BALANCES"], "masked": true},
	}
	decision.refused == {}
	decision.window == null
	decision.access == {"limit": 4, "remaining": 4}
}

test_details_imply_the_basics_and_unmask if {
	decision := decide({"/call/kind": "ACCOUNTS"})
	decision.permissions == {"A3": {
		"clusters": ["ACCOUNT_DETAILED", "TRANSACTIONS_DETAILED", "ACCOUNT_BASIC", "TRANSACTIONS_BASIC"],
		"masked": false,
	}}
}

test_nothing_known_denies if {
	decision := release.decision with input as {}
	decision == {
		"allow": false,
		"reasons": [],
		"permissions": {},
		"refused": {},
		"window": null,
		"access": {"limit": 0, "remaining": 0},
		"chat_pass": [],
	}
}

test_another_partner_learns_nothing if {
	decision := decide({"/caller/partner": "other", "/grant/status": "PAUSED", "/call/accounts": ["A1"]})
	not decision.allow
	decision.reasons == ["CONSENT_NOT_FOUND"]
	decision.permissions == {}
	decision.refused == {}
	decision.access == {"limit": 0, "remaining": 0}
}

denial(changes) := reasons if {
	decision := decide(changes)
	not decision.allow
	decision.permissions == {}
	decision.window == null
	decision.chat_pass == []
	reasons := decision.reasons
}

test_suspended_parties_are_refused if {
	denial({"/caller/active": false}) == ["PARTNER_SUSPENDED"]
	denial({"/bank/active": false}) == ["BANK_SUSPENDED"]
	denial({"/bank/active": false, "/grant/status": "REVOKED"}) == ["BANK_SUSPENDED", "CONSENT_REVOKED"]
}

test_every_status_but_active_is_refused if {
	every status, reason in release.reason_of_status {
		denial({"/grant/status": status}) == [reason]
	}
}

test_a_status_without_a_name_is_denied_without_a_reason if {
	denial({"/grant/status": "UNSPECIFIED"}) == []
}

test_the_end_is_exact if {
	decide({"/now": 1795607999999}).allow
	denial({"/now": 1795608000000}) == ["CONSENT_EXPIRED"]
}

test_a_sitting_is_fifteen_minutes_from_the_first_release if {
	decide({"/grant/one_time": true}).allow
	decide({"/grant/one_time": true, "/usage/first_release": 1795521600000 - 899999}).allow
	denial({"/grant/one_time": true, "/usage/first_release": 1795521600000 - 900000}) == ["CONSENT_CONSUMED"]
}

test_the_purpose_is_the_one_agreed if {
	denial({"/call/purpose": "SPENDING_INSIGHTS"}) == ["PURPOSE_NOT_PERMITTED"]
}

test_marketing_is_no_purpose_even_if_both_sides_say_so if {
	every purpose in ["ADVERTISING", "SALE", "CROSS_SELLING", "PROFILING", "UNSPECIFIED", ""] {
		denial({"/call/purpose": purpose, "/grant/purpose": purpose}) == ["PURPOSE_NOT_PERMITTED"]
	}
}

test_every_reason_has_its_place_in_the_order if {
	{reason | some reason in release.reason_of_status} - {reason | some reason in release.precedence} == set()
}
