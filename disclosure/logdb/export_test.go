package logdb

import "sluice/sqldb"

// What tests look into.
const (
	SelectDays     = selectDays
	SelectRefusals = selectRefusals
	AddRefusals    = addRefusals
	RefusalsLimit  = refusalsLimit
)

// LastOf is the query of LastRelease.
func LastOf(db *sqldb.DB) string { return lastOf(db) }
