package sluice.release_test

test_with_the_customer_present_there_is_no_limit if {
	decide({"/usage/unattended_today": 4}).access == {"limit": 4, "remaining": 0}
}

test_an_unattended_access_is_counted if {
	decide({"/call/unattended": true}).access == {"limit": 4, "remaining": 3}
	decide({"/call/unattended": true, "/usage/unattended_today": 3}).access == {"limit": 4, "remaining": 0}
}

test_no_unattended_access_beyond_the_limit if {
	denial({"/call/unattended": true, "/usage/unattended_today": 4}) == ["ACCESS_LIMIT_REACHED"]
	denial({"/call/unattended": true, "/grant/unattended_per_day": 0}) == ["ACCESS_LIMIT_REACHED"]
}

test_a_later_page_is_not_counted_again if {
	decide({"/call/unattended": true, "/call/continues": true, "/usage/unattended_today": 4}).access == {
		"limit": 4,
		"remaining": 0,
	}
	decide({"/call/unattended": true, "/call/continues": true, "/usage/unattended_today": 1}).access.remaining == 3
}

test_an_event_is_not_counted_and_needs_no_access_left if {
	changes := {"/call/unattended": true, "/call/pushed": true, "/usage/unattended_today": 4}
	decide(changes).allow
	decide(changes).access == {"limit": 4, "remaining": 0}
	decide({"/call/unattended": true, "/call/pushed": true}).access == {"limit": 4, "remaining": 4}
}

test_no_event_where_nothing_leaves_without_the_customer if {
	denial({"/call/unattended": true, "/call/pushed": true, "/grant/unattended_per_day": 0}) == ["ACCESS_LIMIT_REACHED"]
	denial({"/call/unattended": false, "/call/pushed": true, "/grant/unattended_per_day": 0}) == ["ACCESS_LIMIT_REACHED"]
	denial({"/call/unattended": true, "/call/pushed": true, "/grant/one_time": true}) == ["ACCESS_LIMIT_REACHED"]
}
