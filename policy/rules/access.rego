package sluice.release

# METADATA
# title: Access left
# description: >-
#   With the customer present there is no limit. Without him each UTC day has
#   so many accesses; a later page of one that was counted is not counted again.
#   What the bank pushes is no access of the partner's and is not counted, but
#   leaves only if the consent may be used without the customer at all, and not
#   just for one sitting with him.
# scope: document
access_left if {
	input.call.unattended == false
	input.call.pushed == false
}

access_left if {
	input.call.unattended == true
	input.call.continues == true
	input.call.pushed == false
}

access_left if {
	input.call.pushed == true
	input.grant.unattended_per_day > 0
	input.grant.one_time == false
}

access_left if {
	input.call.unattended == true
	input.call.pushed == false
	input.usage.unattended_today < input.grant.unattended_per_day
}

# METADATA
# title: Counted
# description: How many accesses of the day this call uses up.
# scope: document
counted := 1 if {
	allow
	input.call.unattended == true
	input.call.continues == false
	input.call.pushed == false
}

else := 0

# METADATA
# title: Access
# description: The day's unattended accesses, and those left once this call is made.
# scope: document
access := {
	"limit": input.grant.unattended_per_day,
	"remaining": max([0, (input.grant.unattended_per_day - input.usage.unattended_today) - counted]),
} if {
	complete
	caller_is_partner
}

else := {"limit": 0, "remaining": 0}

denied contains "ACCESS_LIMIT_REACHED" if not access_left
