package mutant

// Fault is a mistake that somebody could make.
type Fault string

// The faults that can be planted.
const (
	NoLock           Fault = "no-lock"            // releases don't lock the grant
	ForKeyShare      Fault = "for-key-share"      // with a lock that an update passes by
	ForShare         Fault = "for-share"          // with a lock that starves revokes
	NoVersion        Fault = "no-version"         // the fence compares the status alone
	NoExpiry         Fault = "no-expiry"          // the fence does not look at the end
	NoStanding       Fault = "no-standing"        // the fence does not look at the parties
	UnfencedStanding Fault = "unfenced-standing"  // a suspension does not wait its turn
	AckBeforeDrain   Fault = "ack-before-drain"   // a replica answers while an answer leaves
	NoTombstone      Fault = "no-tombstone"       // a hand-off does not look for a newer revision
	TombstoneEvicted Fault = "tombstone-evicted"  // a tombstone is forgotten too soon
	NoAgeLimit       Fault = "no-age-limit"       // an old answer may still leave
	NoWait           Fault = "no-wait"            // a change waits for no other replica
	OnlyRegistered   Fault = "only-registered"    // a change waits only for replicas that are registered
	RetryReturns     Fault = "retry-returns"      // a revoke asked for again does not wait
	LeaseByRead      Fault = "lease-by-read"      // a lease is renewed by reading
	LabelAtStore     Fault = "label-at-store"     // a cached grant is labelled with a later position than it was read at
	FillAfterDrop    Fault = "fill-after-drop"    // an old grant is cached after it was dropped
	NoSetIfNewer     Fault = "no-set-if-newer"    // an older grant overwrites a newer one in Redis
	UncheckedEntry   Fault = "unchecked-entry"    // a grant found in Redis is believed, however old
	StaleNo          Fault = "stale-no"           // a refusal from a cached grant is final
	OutcomeIsOK      Fault = "unknown-outcome-ok" // a commit of unknown outcome counts as done

	ToldBeforeDurable Fault = "told-before-durable" // a bank is told of events that were not kept
	TakenAgain        Fault = "taken-again"         // an event that is sent again is taken again
	OpenLane          Fault = "open-lane"           // the next event of an account is out with the one before
	LeaseIgnored      Fault = "lease-ignored"       // a consumer takes the shards of others
	AgainUnsaid       Fault = "again-unsaid"        // an event that comes again does not say so
	NotDropped        Fault = "not-dropped"         // an event that may not leave any more stays in the way
	NoWindow          Fault = "no-window"           // what a partner has not read is not counted
	PushedLate        Fault = "pushed-late"         // an event leaves though the consent changed since its record
	OthersHear        Fault = "others-hear"         // what is said under one consent is told to all who share the account
	AnswerUnlocked    Fault = "answer-unlocked"     // an answer to an alert is kept without the lock on its grant
	AnswerUnleased    Fault = "answer-unleased"     // two carry one answer at once
	AnswerRenamed     Fault = "answer-renamed"      // a bank is told an answer again under another name
)
