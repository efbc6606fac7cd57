package web

import (
	"strings"

	"sluice/consent"
	"sluice/refusal"
)

// The keys of the catalogue for the closed lists. A test holds the catalogues
// to have every one.

func statusKey(s consent.Status) string     { return "status." + consent.StatusName(s) }
func purposeKey(p consent.Purpose) string   { return "purpose." + consent.PurposeName(p) }
func changeKey(k consent.ChangeKind) string { return "change." + consent.ChangeName(k) }
func whyKey(w consent.Why) string           { return "why." + consent.WhyName(w) }
func refusedKey(r refusal.Reason) string    { return "refused." + refusal.Name(r) }
func actorKey(k consent.ActorKind) string   { return "actor." + consent.ActorName(k) }
func accountKindKey(kind interface{ String() string }) string {
	return "account." + strings.TrimPrefix(kind.String(), "ACCOUNT_KIND_")
}

// methodKey says what a partner read.
func methodKey(method string) string {
	switch name := method[strings.LastIndexByte(method, '/')+1:]; name {
	case "ListAccounts", "GetAccount", "ListBalances", "ListTransactions", "ListCards", "ListAlerts", "AnswerAlert",
		"StartConversation", "SendMessage", "MarkConversation", "CloseConversation", "ListConversations", "ListMessages",
		"Subscribe", "PullEvents":
		return "method." + name
	default:
		return "method.other"
	}
}

// tone is how a status looks: good, waiting, held or over.
func tone(s consent.Status) string {
	switch s {
	case consent.Active:
		return "good"
	case consent.Pending, consent.PartiallyAuthorized:
		return "waiting"
	case consent.Paused, consent.Suspended:
		return "held"
	default:
		return "over"
	}
}
