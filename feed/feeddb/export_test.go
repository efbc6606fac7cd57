package feeddb

import (
	"fmt"

	"sluice/sqldb"
)

// Planned is a statement with arguments that are like those it is given.
type Planned struct {
	Text string
	Args []any
}

// Statements are all that a busy feed runs.
func Statements(db *sqldb.DB) map[string]Planned {
	const (
		accounts = `[{"bank":"b","account":"a7","sequence":1,"ahead":1,"what":"x","n":1,"kind":"BALANCE_CHANGED","day":1,"occurred":1,"sealed":"","waiting":1},{"account":"a8"}]`
		names    = `[{"name":"n7","first":1,"last":1,"status":1,"by":""}]`
		refs     = `[{"shard":3,"pos":7,"due":1,"n":1,"partner":"p1","until":1,"consumer":"c","consent":"c7","lane":"a7"},{"shard":4,"pos":7}]`
		events   = `[{"bank":"b","account":"a7","sequence":1,"n":1},{"bank":"b","account":"a8","sequence":1,"n":1}]`
	)
	out := map[string]Planned{
		"look at shards":   {fmt.Sprintf(selectShards, never) + more, []any{"p1", 1, "c"}},
		"lock accounts":    {lockAccounts, []any{accounts, "b", 1}},
		"read accounts":    {selectAccounts, []any{accounts, "b"}},
		"read known":       {selectKnown, []any{names}},
		"keep accounts":    {updateAccounts, []any{accounts}},
		"keep known":       {keepKnown, []any{names, 1}},
		"read grants":      {selectGrants, []any{accounts, "b", 1}},
		"keep events":      {insertEvents, []any{accounts, "b", 1}},
		"advance shards":   {advance, []any{refs}},
		"add deliveries":   {insertDeliveries, []any{refs, 1}},
		"count consumers":  {countConsumers, []any{"p1", 1}},
		"lease shards":     {updateLeases, []any{refs, "p1"}},
		"take over":        {takeOver, []any{"p1", 3, 1, "c"}},
		"lock in hand":     {shardsInHand, []any{"p1", "c", 1}},
		"hand over":        {handOver, []any{"p1", "c", 1}},
		"read heads":       {selectHeads, []any{"p1", 3, 1 << 40, 20}},
		"give out":         {giveOut, []any{refs, "p1", 1, "c"}},
		"take changes":     {takeChanges, []any{"p1"}},
		"lock shards":      {lockShards, []any{refs, "p1", 1}},
		"renew leases":     {renewLeases, []any{refs, "p1", "c", 1}},
		"read errors":      {selectErrors, []any{refs, "p1"}},
		"put off":          {putOff, []any{refs}},
		"end deliveries":   {deleteDeliveries, []any{refs, "p1"}},
		"find next heads":  {nextHeads, []any{refs, "p1", 1}},
		"lock events":      {lockEvents, []any{events}},
		"count down":       {needLess, []any{events}},
		"erase events":     {eraseEvents, []any{events}},
		"old deliveries":   {selectOld, []any{1, 10}},
		"old events":       {eraseOld, []any{1}},
		"old changes":      {forgetOld, []any{1}},
		"changed consents": {selectChanged, []any{1}},
		"of a consent":     {selectOfConsent, []any{refs, "p1", "c7"}},
		"new changes":      {newChanged, nil},
		"hear of changes":  {hearOf, []any{1}},
		"forget a change":  {forgetChanged, []any{"c7", 1}},
		"old transactions": {forgetName, []any{1}},
	}
	for name, p := range out {
		p.Text = New(db, nil).text(p.Text)
		out[name] = p
	}
	return out
}
