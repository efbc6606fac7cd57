package sluice.release_test

# Day 20781 is today, and somewhere it is the next already; 90 days reach to 20692.

test_days_not_stated_are_all_the_consent_reaches if {
	decide({"/call/kind": "TRANSACTIONS"}).window == [20692, 20782]
}

test_days_stated_are_kept_and_end_with_the_latest_day_anywhere if {
	decide({"/call/kind": "TRANSACTIONS", "/call/from": 20700, "/call/to": 20710}).window == [20700, 20710]
	decide({"/call/kind": "TRANSACTIONS", "/call/from": 20692, "/call/to": 30000}).window == [20692, 20782]
	decide({"/call/kind": "TRANSACTIONS", "/latest": 20781, "/call/to": 30000}).window == [20692, 20781]
	decide({"/call/kind": "TRANSACTIONS", "/call/from": 20782}).window == [20782, 20782]
}

test_one_day_is_today_and_what_it_is_elsewhere if {
	decide({"/call/kind": "TRANSACTIONS", "/grant/look_back_days": 1}).window == [20781, 20782]
	decide({"/call/kind": "TRANSACTIONS", "/grant/look_back_days": 1, "/latest": 20781}).window == [20781, 20781]
}

test_days_before_the_look_back_are_refused if {
	denial({"/call/kind": "TRANSACTIONS", "/call/from": 20691}) == ["LOOKBACK_EXCEEDED"]
	denial({"/call/kind": "TRANSACTIONS", "/grant/look_back_days": 0}) == ["LOOKBACK_EXCEEDED"]
}

test_days_reversed_or_to_come_are_malformed if {
	denial({"/call/kind": "TRANSACTIONS", "/call/from": 20710, "/call/to": 20700}) == ["INVALID_REQUEST"]
	denial({"/call/kind": "TRANSACTIONS", "/call/from": 20783}) == ["INVALID_REQUEST"]
}

test_other_data_has_no_days if {
	decision := decide({"/grant/look_back_days": 0, "/call/from": 1})
	decision.allow
	decision.window == null
}
