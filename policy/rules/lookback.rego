package sluice.release

# METADATA
# title: Earliest
# description: >-
#   The first day of the past that the consent reaches. The day of the call is
#   the first of its days, so one day is today alone.
# scope: document
earliest := (input.today - input.grant.look_back_days) + 1

# METADATA
# title: First day
# description: The first day asked for; the earliest there is, if none was stated.
# scope: document
first_day := earliest if input.call.from == null

first_day := input.call.from if is_number(input.call.from)

# METADATA
# title: Last day
# description: >-
#   The last day asked for, and at the latest the latest day that it is anywhere:
#   where a bank is it may be tomorrow already.
# scope: document
last_day := input.latest if input.call.to == null

last_day := min([input.call.to, input.latest]) if is_number(input.call.to)

# METADATA
# title: Window open
# description: Transactions leave within the look-back only; other data has no dates.
# scope: document
window_open if input.call.kind in {"ACCOUNTS", "BALANCES", "CARDS", "ALERTS", "CONVERSATIONS", "MESSAGES"}

window_open if {
	input.call.kind == "TRANSACTIONS"
	input.grant.look_back_days > 0
	first_day >= earliest
	first_day <= last_day
}

# METADATA
# title: Window
# description: The first and the last day that may leave; none for data without dates.
# scope: document
window := [first_day, last_day] if input.call.kind == "TRANSACTIONS"

else := null

denied contains "LOOKBACK_EXCEEDED" if {
	input.call.kind == "TRANSACTIONS"
	first_day < earliest
}

denied contains "LOOKBACK_EXCEEDED" if {
	input.call.kind == "TRANSACTIONS"
	input.grant.look_back_days <= 0
}

denied contains "INVALID_REQUEST" if {
	input.call.kind == "TRANSACTIONS"
	input.grant.look_back_days > 0
	last_day < first_day
}
