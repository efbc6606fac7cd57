# METADATA
# scope: package
# title: Release
# description: >-
#   May this partner have this data now, and which part of it? Everything is
#   denied that is not allowed here by name. A condition that can't be evaluated,
#   because a member of the question is missing or of a wrong type, denies.
package sluice.release

# METADATA
# title: The decision
# description: >-
#   All that leaves the rules. The gateway treats anything else, and anything
#   that goes beyond the grant, as no decision.
# scope: document
# entrypoint: true
decision := {
	"allow": true,
	"reasons": [],
	"permissions": permissions,
	"refused": refused,
	"window": window,
	"access": access,
	"chat_pass": chat_pass,
} if {
	allow
}

else := {
	"allow": false,
	"reasons": reasons,
	"permissions": {},
	"refused": {},
	"window": null,
	"access": access,
	"chat_pass": [],
}

# METADATA
# title: Allow
# description: What must all be so for anything to leave.
# scope: document
allow if {
	complete
	caller_is_partner
	partner_active
	bank_active
	consent_live
	sitting_open
	purpose_agreed
	purpose_fits
	access_left
	window_open
	count(permitted) > 0
}

# METADATA
# title: Permissions
# description: >-
#   What may leave of each permitted account: its kinds of data, and whether its
#   numbers leave masked.
# scope: document
permissions := {account: permission |
	some account in permitted
	shared := input.grant.shares[account]
	permission := {"clusters": with_implied(shared), "masked": masked(shared)}
}

# METADATA
# title: Masked
# description: Account and card numbers leave masked unless the account shares its details.
# scope: document
masked(shared) := false if "ACCOUNT_DETAILED" in shared

else := true

# METADATA
# title: Chat pass
# description: >-
#   What the bank lets pass unmasked of what people write to each other, in
#   order. All other numbers and codes are masked.
# scope: document
chat_pass := sort({name | some name in input.bank.chat_pass}) if input.call.kind in conversational

else := []

# METADATA
# title: Reasons
# description: >-
#   Why not, the most telling first. Only a question that was whole is explained,
#   and a partner to whom the consent doesn't belong learns nothing of it.
# scope: document
reasons := [] if not complete

else := ["CONSENT_NOT_FOUND"] if not caller_is_partner

else := [reason | some reason in precedence; reason in denied]

# METADATA
# title: Precedence
# description: All reasons for which these rules deny, in the order in which they are told.
# scope: document
precedence := [
	"PARTNER_SUSPENDED",
	"BANK_SUSPENDED",
	"CONSENT_PENDING",
	"CONSENT_REJECTED",
	"CONSENT_SUPERSEDED",
	"CONSENT_REVOKED",
	"CONSENT_CONSUMED",
	"CONSENT_EXPIRED",
	"CONSENT_SUSPENDED",
	"CONSENT_PAUSED",
	"PURPOSE_NOT_PERMITTED",
	"ACCOUNT_NOT_COVERED",
	"CLUSTER_NOT_COVERED",
	"INVALID_REQUEST",
	"LOOKBACK_EXCEEDED",
	"ACCESS_LIMIT_REACHED",
]
