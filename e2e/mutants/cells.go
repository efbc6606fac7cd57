package main

import "sluice/mutant"

// cell is what must catch a fault: a test of a package, or a cell of chaos.
type cell struct {
	pack, test string
	args       []string // of the test, beside its name
	chaos      string   // fault×workload
}

func (c cell) name() string {
	if c.chaos != "" {
		return "chaos " + c.chaos
	}
	return c.pack + " " + c.test
}

// table says which cell catches which fault.
func table() []struct {
	fault mutant.Fault
	cell  cell
} {
	var (
		// More schedules than a test run has: some faults show in few of them.
		simulation = cell{pack: "consent/barrier", test: "TestSimulation", args: []string{"-schedules", "4000"}}
		revoke     = cell{pack: "disclosure/logdb", test: "TestNoRecordIsCommittedAfterARevokeReturned"}
		suspend    = cell{pack: "disclosure/logdb", test: "TestNoRecordIsCommittedAfterASuspensionReturned"}
		starved    = cell{pack: "disclosure/logdb", test: "TestARevokeIsNotStarvedByReleases"}
		fence      = cell{pack: "disclosure/logdb", test: "TestFenceRefusesEachWayAGrantCanHaveChanged"}
		store      = cell{pack: "feed/feeddb", test: "TestStoreKeepsTheContract"}
	)
	return []struct {
		fault mutant.Fault
		cell  cell
	}{
		{mutant.NoLock, revoke},
		{mutant.NoLock, cell{chaos: "none×hot"}},
		{mutant.ForKeyShare, revoke},
		{mutant.ForShare, starved},
		{mutant.NoVersion, fence},
		{mutant.NoVersion, cell{chaos: "peers-cut×twins"}},
		{mutant.NoExpiry, fence},
		{mutant.NoStanding, fence},
		{mutant.UnfencedStanding, suspend},
		{mutant.OutcomeIsOK, cell{pack: "sqldb", test: "TestABrokenCommitIsOfUnknownOutcome"}},
		{mutant.OutcomeIsOK, cell{chaos: "sql-reset×cold"}},
		{mutant.AckBeforeDrain, simulation},
		{mutant.NoTombstone, simulation},
		{mutant.TombstoneEvicted, simulation},
		{mutant.NoAgeLimit, simulation},
		{mutant.NoWait, simulation},
		{mutant.OnlyRegistered, simulation},
		{mutant.RetryReturns, simulation},
		{mutant.FillAfterDrop, simulation},
		{mutant.UncheckedEntry, simulation},
		{mutant.LabelAtStore, cell{pack: "consent/grantcache", test: "TestAGrantIsLabelledWithThePositionItWasReadAt"}},
		{mutant.NoSetIfNewer, cell{pack: "consent/grantcache", test: "TestAnOlderGrantDoesNotReplaceANewerInRedis"}},
		{mutant.LeaseByRead, cell{pack: "consent/replicadb", test: "TestABeatIsAWriteToOnesOwnRow"}},
		{mutant.StaleNo, cell{pack: "gateway", test: "TestOnlyTheTruthRefuses"}},
		{mutant.ToldBeforeDurable, cell{chaos: "sql-reset×feeds"}},
		{mutant.TakenAgain, store},
		{mutant.OpenLane, store},
		{mutant.OpenLane, cell{chaos: "none×feeds"}},
		{mutant.LeaseIgnored, cell{pack: "feed", test: "TestAConsumerTakesNoShardThatAnotherHolds"}},
		{mutant.AgainUnsaid, cell{pack: "gateway/partnerapi", test: "TestWhatIsNotAcknowledgedComesAgainAndSaysSo"}},
		{mutant.AgainUnsaid, cell{chaos: "none×feeds"}},
		{mutant.NotDropped, cell{pack: "gateway/partnerapi", test: "TestARevokeBeforeDeliveryLeavesTheChangeAlone"}},
		{mutant.NoWindow, cell{pack: "gateway/partnerapi", test: "TestLargeEventsAreBoundedByTheirBytes"}},
		{mutant.NoWindow, cell{chaos: "none×feeds"}},
		{mutant.PushedLate, cell{pack: "gateway", test: "TestARevokeBetweenRecordAndHandOffOfAnEventWins"}},
		{mutant.OthersHear, store},
		{mutant.AnswerUnlocked, cell{pack: "alert/alertdb", test: "TestNoAnswerIsKeptAfterARevokeReturned"}},
		{mutant.AnswerUnleased, cell{pack: "alert/alertdb", test: "TestWhatIsDueIsTakenByOne"}},
		{mutant.AnswerRenamed, cell{pack: "alert", test: "TestAfterACrashTheBankIsToldTheSameAnswerAgain"}},
	}
}
