package sluice.release

# METADATA
# title: Caller is partner
# description: The grant was given to the partner that calls.
# scope: document
caller_is_partner if input.caller.partner == input.grant.partner

# METADATA
# title: Partner active
# description: The partner that calls is not suspended.
# scope: document
partner_active if input.caller.active == true

# METADATA
# title: Bank active
# description: The bank whose data it is is not suspended.
# scope: document
bank_active if input.bank.active == true

# METADATA
# title: Consent live
# description: The customer agreed, nobody holds the consent, and its end has not come.
# scope: document
consent_live if {
	input.grant.status == "ACTIVE"
	input.now < input.grant.valid_until
}

# METADATA
# title: Sitting open
# description: >-
#   A consent for one time is for one sitting of 15 minutes (900,000 ms), which
#   begins with its first release. Other consents have no sitting.
# scope: document
sitting_open if input.grant.one_time == false

sitting_open if {
	input.grant.one_time == true
	input.usage.first_release == null
}

sitting_open if {
	input.grant.one_time == true
	input.now < input.usage.first_release + 900000
}

# METADATA
# title: Reason of a status
# description: What a partner is told of a consent that is not live.
# scope: document
reason_of_status := {
	"PENDING": "CONSENT_PENDING",
	"PARTIALLY_AUTHORIZED": "CONSENT_PENDING",
	"PAUSED": "CONSENT_PAUSED",
	"SUSPENDED": "CONSENT_SUSPENDED",
	"REJECTED": "CONSENT_REJECTED",
	"EXPIRED": "CONSENT_EXPIRED",
	"REVOKED": "CONSENT_REVOKED",
	"CONSUMED": "CONSENT_CONSUMED",
	"SUPERSEDED": "CONSENT_SUPERSEDED",
}

# METADATA
# title: Denied
# description: The reasons that stand against the call. They explain; only "allow" allows.
# scope: document
denied contains "PARTNER_SUSPENDED" if not partner_active

denied contains "BANK_SUSPENDED" if not bank_active

denied contains reason_of_status[input.grant.status]

denied contains "CONSENT_EXPIRED" if {
	input.grant.status == "ACTIVE"
	input.now >= input.grant.valid_until
}

denied contains "CONSENT_CONSUMED" if not sitting_open
