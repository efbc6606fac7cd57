package feed

import (
	"cmp"
	"slices"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/mutant"
)

// Known is what is remembered of a transaction.
type Known struct {
	First, Last int64 // the sequences of the first and the last event about it
	Status      datav1.TransactionStatus
	By          string // the name of the one that replaced it; "" if none did
}

func (k Known) final() bool { return k.Status != pending || k.By != "" }

const (
	pending   = datav1.TransactionStatus_TRANSACTION_STATUS_PENDING
	posted    = datav1.TransactionStatus_TRANSACTION_STATUS_POSTED
	cancelled = datav1.TransactionStatus_TRANSACTION_STATUS_CANCELLED
)

// State is where an account's feed stands.
type State struct {
	Account  consent.AccountID
	Sequence int64            // taken up to here
	Ahead    int64            // the highest that came, beyond a gap or not
	Known    map[string]Known // of the transactions that events to be taken are about
	Noted    []string         // the names in Known that Take wrote, in order
}

// MostAhead is how far ahead of what was taken an event may be. What is further on
// is a mistake, of which a position must not speak for ever.
const (
	MostAhead = 1_000_000
	tooFar    = "is more than 1,000,000 ahead of what was published"
)

// Position is the state as the bank is told.
func (s *State) Position() Position {
	p := Position{Account: s.Account, Sequence: s.Sequence}
	if s.Ahead > s.Sequence && s.Ahead-s.Sequence <= MostAhead {
		p.MissingFrom = s.Sequence + 1
	}
	return p
}

// Take takes those of the account's events that are next in order, and says
// what is wrong with others. One that was taken before changes nothing. After
// one that is rejected the account waits for a better one of that sequence.
func (s *State) Take(events []Event) (taken []Event, rejected []Rejection) {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for _, e := range events {
		if e.Sequence-s.Sequence > MostAhead && e.Sequence > 0 {
			rejected = append(rejected, Rejection{Account: e.Account, Sequence: e.Sequence, Field: "sequence", Description: tooFar})
			continue
		}
		if e.Sequence > s.Sequence+1 || e.Early {
			s.Ahead = max(s.Ahead, e.Sequence)
			continue
		}
		field, fault := s.check(e)
		if fault != "" {
			rejected = append(rejected, Rejection{Account: e.Account, Sequence: e.Sequence, Field: field, Description: fault})
			continue
		}
		if e.Sequence == s.Sequence+1 || mutant.Is(mutant.TakenAgain) {
			s.Sequence = e.Sequence
			s.Ahead = max(s.Ahead, e.Sequence)
			s.note(e)
			taken = append(taken, e)
		}
	}
	return taken, rejected
}

// check says what is wrong with an event, and in which field.
func (s *State) check(e Event) (field, fault string) {
	switch {
	case e.Sequence < 1:
		return "sequence", "must be at least 1"
	case !e.Kind.Published():
		return "what", "is nothing that a bank publishes"
	case e.Kind.Cluster() != consent.TransactionsBasic:
		return "", ""
	case e.Transaction.ID == "":
		return idField, "must be given"
	case e.Sequence <= s.Sequence:
		return s.again(e)
	case e.Kind == TransactionPosted:
		return s.fresh(e)
	}
	return s.changed(e)
}

// The fields at fault. The contract's oneof has no name of its own on the wire;
// both kinds of transactions are meant.
const (
	idField       = "what.transaction_id"
	statusField   = "what.status"
	replacesField = "what.replaces"
)

// again checks an event that was taken before: it must be about the same
// transaction as then, or the bank has shifted its ids.
func (s *State) again(e Event) (field, fault string) {
	k, ok := s.Known[e.name(e.Transaction.ID)]
	if !ok || e.Sequence < k.First || e.Sequence > k.Last {
		return idField, "is not of the transaction that was published with this sequence"
	}
	return "", ""
}

func (s *State) fresh(e Event) (field, fault string) {
	if _, used := s.Known[e.name(e.Transaction.ID)]; used {
		return idField, "is the id of a transaction that was published already"
	}
	if e.Transaction.Status != pending && e.Transaction.Status != posted {
		return statusField, "must be PENDING or POSTED for a new transaction"
	}
	return s.replacing(e)
}

func (s *State) changed(e Event) (field, fault string) {
	if k, known := s.Known[e.name(e.Transaction.ID)]; known && k.final() {
		return idField, "is the id of a transaction that is final"
	}
	switch e.Transaction.Status {
	case pending, posted, cancelled:
		return s.replacing(e)
	default:
		return statusField, "must be PENDING, POSTED or CANCELLED"
	}
}

func (s *State) replacing(e Event) (field, fault string) {
	k, known := s.Known[e.name(e.Transaction.Replaces)]
	if known && k.final() && k.By != e.name(e.Transaction.ID) {
		return replacesField, "is the id of a transaction that is final"
	}
	return "", ""
}

// note remembers the transactions of an event that is taken.
func (s *State) note(e Event) {
	if e.Transaction.ID == "" {
		return
	}
	own, old := e.name(e.Transaction.ID), e.name(e.Transaction.Replaces)
	s.know(own, e.Sequence, func(k *Known) { k.Status = e.Transaction.Status })
	if old != "" && old != own {
		s.know(old, e.Sequence, func(k *Known) { k.By = own })
	}
}

func (s *State) know(name string, sequence int64, change func(*Known)) {
	k, known := s.Known[name]
	if !known {
		k = Known{First: sequence, Status: pending}
	}
	k.Last = sequence
	change(&k)
	if s.Known == nil {
		s.Known = map[string]Known{}
	}
	s.Known[name] = k
	if !slices.Contains(s.Noted, name) {
		s.Noted = append(s.Noted, name)
	}
}
