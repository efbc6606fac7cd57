package sluice.release_test

test_only_the_accounts_asked_for_are_permitted if {
	decision := decide({"/call/accounts": ["A2"]})
	object.keys(decision.permissions) == {"A2"}
	decision.refused == {}
}

test_alerts_need_their_own_kind_of_data if {
	denial({"/call/kind": "ALERTS"}) == ["CLUSTER_NOT_COVERED"]
	decision := decide({"/call/kind": "ALERTS", "/grant/shares": {"A1": ["FRAUD_ALERTS"], "A2": ["BALANCES"]}})
	object.keys(decision.permissions) == {"A1"}
	decision.window == null
}

test_an_account_without_the_kind_of_data_is_refused_alone if {
	decision := decide({"/call/accounts": ["A1", "A3"]})
	object.keys(decision.permissions) == {"A1"}
	decision.refused == {"A3": "CLUSTER_NOT_COVERED"}
}

test_an_account_outside_the_grant_is_refused_alone if {
	decision := decide({"/call/accounts": ["A1", "A9"], "/call/unnamed": 1})
	object.keys(decision.permissions) == {"A1"}
	decision.refused == {"A9": "ACCOUNT_NOT_COVERED"}
}

test_no_permitted_account_refuses_the_call if {
	denial({"/call/accounts": ["A3"]}) == ["CLUSTER_NOT_COVERED"]
	denial({"/call/accounts": ["A9"]}) == ["ACCOUNT_NOT_COVERED"]
	denial({"/call/unnamed": 1}) == ["ACCOUNT_NOT_COVERED"]
	denial({"/call/accounts": ["A3"], "/call/unnamed": 1}) == ["ACCOUNT_NOT_COVERED", "CLUSTER_NOT_COVERED"]
	denial({"/call/kind": "CARDS"}) == ["CLUSTER_NOT_COVERED"]
	denial({"/call/kind": "UNKNOWN"}) == ["CLUSTER_NOT_COVERED"]
	denial({"/grant/shares": {}}) == ["CLUSTER_NOT_COVERED"]
}
