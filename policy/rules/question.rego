package sluice.release

# METADATA
# title: Complete
# description: >-
#   The question has every member, each of its type. Without this, a rule that
#   compares with a missing member would be undefined, and so would whatever is
#   built on its negation.
# scope: document
complete if {
	is_number(input.now)
	is_number(input.today)
	is_number(input.latest)
	is_string(input.caller.partner)
	is_boolean(input.caller.active)
	is_boolean(input.bank.active)
	is_array(input.bank.chat_pass)
	grant_complete
	call_complete
	is_number(input.usage.unattended_today)
	number_or_null(input.usage.first_release)
}

# METADATA
# title: Grant complete
# description: The grant's part of the question is whole.
# scope: document
grant_complete if {
	is_string(input.grant.partner)
	is_string(input.grant.status)
	is_string(input.grant.purpose)
	is_number(input.grant.valid_until)
	is_number(input.grant.look_back_days)
	is_number(input.grant.unattended_per_day)
	is_boolean(input.grant.one_time)
	is_object(input.grant.shares)
}

# METADATA
# title: Call complete
# description: The call's part of the question is whole.
# scope: document
call_complete if {
	is_string(input.call.kind)
	is_string(input.call.purpose)
	is_boolean(input.call.unattended)
	is_boolean(input.call.continues)
	is_boolean(input.call.pushed)
	is_array(input.call.accounts)
	is_number(input.call.unnamed)
	number_or_null(input.call.from)
	number_or_null(input.call.to)
}

# METADATA
# title: Number or null
# description: A member that may be left unstated says so with null.
# scope: document
number_or_null(null)

number_or_null(x) if is_number(x)
