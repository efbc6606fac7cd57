package feed

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"time"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/mutant"
)

// Kind is what an event tells of.
type Kind int

// The kinds. Banks publish the first seven, and AccountWithdrawn, which stands
// for a closed account or a customer who left: it takes its place in the
// account's order, and partners hear of it from the consents it changes. The
// other two come from changes of consents.
const (
	TransactionPosted Kind = iota + 1
	TransactionChanged
	BalanceChanged
	AlertRaised
	AlertResolved
	ConversationMessage
	ConversationChanged
	ConsentChanged
	AccountLeft
	AccountWithdrawn
)

// Cluster is what a consent must share for the event; 0 for events that are of
// no account's data.
func (k Kind) Cluster() consent.Cluster {
	switch k {
	case TransactionPosted, TransactionChanged:
		return consent.TransactionsBasic
	case BalanceChanged:
		return consent.Balances
	case AlertRaised, AlertResolved:
		return consent.FraudAlerts
	case ConversationMessage, ConversationChanged:
		return consent.Conversations
	default:
		return 0
	}
}

// OfOneConsent says whether an event of the kind names the one consent it is of:
// whoever else shares the account is not told.
func (k Kind) OfOneConsent() bool { return k == ConversationMessage || k == ConversationChanged }

// Published says whether banks publish events of the kind.
func (k Kind) Published() bool { return k.Cluster() != 0 || k == AccountWithdrawn }

// String is the kind as it stands in SQL and docs.
func (k Kind) String() string {
	switch k {
	case TransactionPosted:
		return "TRANSACTION_POSTED"
	case TransactionChanged:
		return "TRANSACTION_CHANGED"
	case BalanceChanged:
		return "BALANCE_CHANGED"
	case AlertRaised:
		return "FRAUD_ALERT_RAISED"
	case AlertResolved:
		return "FRAUD_ALERT_RESOLVED"
	case ConversationMessage:
		return "CONVERSATION_MESSAGE"
	case ConversationChanged:
		return "CONVERSATION_CHANGED"
	case ConsentChanged:
		return "CONSENT_CHANGED"
	case AccountLeft:
		return "ACCOUNT_LEFT"
	case AccountWithdrawn:
		return "ACCOUNT_WITHDRAWN"
	default:
		return "UNSPECIFIED"
	}
}

// Transaction is what the feed must know of a transaction to see that its bank
// does not use ids twice.
type Transaction struct {
	ID       string
	Status   datav1.TransactionStatus
	Replaces string // the id of the pending one it replaces; "" for none
}

// Event is something that happened on an account.
type Event struct {
	Bank     consent.BankID
	Account  consent.AccountID
	Sequence int64 // counts the account's events, from 1; of a ConsentChanged or AccountLeft, the consent's revision
	Kind     Kind
	// ID names the event for one partner, the same each time it is delivered. It
	// is made when a delivery is; banks' events have none.
	ID          string
	Transaction Transaction // of the two kinds of transactions; not kept
	// Early says that it came before one that it must follow: it is asked for
	// again, even if it is next by the time it is looked at. Not kept.
	Early bool
	// Consent is the only one that is told of a kind that is OfOneConsent. Of no
	// other kind it is looked at, and not kept: a delivery has its own.
	Consent consent.ID
	// Answer is what the bank would have answered to a pull of just this account
	// and item: an encoded ListTransactionsResponse, ListBalancesResponse,
	// ListAlertsResponse, ListMessagesResponse or ListConversationsResponse. Empty
	// for the other kinds.
	Answer      []byte
	Day         consent.Day // the booking day of a transaction, else NoDay
	OccurredAt  time.Time
	PublishedAt time.Time
}

// Rejection says why an event was not taken.
type Rejection struct {
	Account            consent.AccountID
	Sequence           int64
	Field, Description string
}

// Position is up to where an account was published.
type Position struct {
	Account     consent.AccountID
	Sequence    int64 // every event up to this one is durable; 0: none
	MissingFrom int64 // the first that is missing, if later ones came; 0: none
}

// Delivery is an event on its way to a partner, under one consent.
type Delivery struct {
	Partner  consent.PartnerID
	Shard    int
	Pos      int64 // with the shard, names the delivery
	Consent  consent.ID
	Event    Event
	Change   consent.Change // of ConsentChanged and AccountLeft
	Attempts int            // how often it was given out, this time included
}

// Redelivered says whether the partner may have had it before.
func (d Delivery) Redelivered() bool { return d.Attempts > 1 && !mutant.Is(mutant.AgainUnsaid) }

// Ack says that a partner is done with a delivery or, with an Error, that it
// could not take it.
type Ack struct {
	Shard int
	Pos   int64
	Error string
}

// Room is how much a consumer can take.
type Room struct {
	Events int
	Bytes  int // of contents, as they are sealed; 0: any number
}

// Fits says whether one more content fits behind those that were given. The
// first always does, or a large one would never be.
func (r Room) Fits(events, bytes, next int) bool {
	return events < r.Events && (events == 0 || r.Bytes == 0 || bytes+next <= r.Bytes)
}

// Grant is what a live consent shares of one account.
type Grant struct {
	Account  consent.AccountID
	Consent  consent.ID
	Partner  consent.PartnerID
	Clusters consent.Clusters
}

// Dead is a delivery that its partner could not take, put aside.
type Dead struct {
	Partner consent.PartnerID
	Consent consent.ID
	ID      string
	Kind    Kind
	Errors  int
	Shard   int
	Pos     int64  // with the shard, the place it had
	Error   string // the partner's last words, a part of them; sealed in stores
	At      time.Time
}

// Shards is how many shards each partner's deliveries have.
const Shards = 16

// ShardOf is the shard of deliveries that must stay in one order: of a bank's
// account, or of a consent.
func ShardOf(parts ...string) int {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p + "\x00")) // never fails
	}
	// The low bits of FNV alone spread badly over a power of two.
	sum := h.Sum64()
	return int((sum ^ sum>>32) % Shards)
}

// name is a transaction's name as the feed remembers it: a hash, since ids may
// say something, and are kept long.
func (e Event) name(id string) string {
	if id == "" {
		return ""
	}
	h := sha256.New()
	for _, p := range []string{string(e.Bank), string(e.Account), id} {
		h.Write(binary.AppendUvarint(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// Names are the names, in State.Known, of the transactions the event is about.
func (e Event) Names() []string {
	var out []string
	for _, id := range []string{e.Transaction.ID, e.Transaction.Replaces} {
		if id != "" {
			out = append(out, e.name(id))
		}
	}
	return out
}
