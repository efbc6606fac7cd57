package samplebank

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
)

// queueRow is a conversation in a list.
type queueRow struct {
	ID, Customer, Account, Partner string
	Topic, Excerpt                 string
	Since                          time.Time
	Waits                          string // how long the customer waits
	Agent                          string
	Paused, Writing                bool
	Ended                          string // by whom
}

type queueView struct {
	Waiting, Open, Closed, Samples []queueRow
}

// maxClosedShown is how many ended conversations the queue still shows.
const maxClosedShown = 20

// queue shows who waits, the longest first, and what else goes on.
func (d *desk) queue(w http.ResponseWriter, _ *http.Request, agent string) {
	all, paused := d.bank.talks.every()
	now := d.bank.now()
	slices.SortStableFunc(all, func(x, y conversation) int { return x.waitingSince.Compare(y.waitingSince) })
	var v queueView
	for _, c := range all {
		row := d.row(&c, now)
		row.Paused = paused[c.id]
		switch {
		case !c.ended.IsZero():
			v.Closed = append(v.Closed, row)
		case c.sample:
			v.Samples = append(v.Samples, row)
		case !c.waitingSince.IsZero():
			v.Waiting = append(v.Waiting, row)
		default:
			v.Open = append(v.Open, row)
		}
	}
	slices.SortStableFunc(v.Closed, func(x, y queueRow) int { return y.Since.Compare(x.Since) })
	v.Closed = v.Closed[:min(len(v.Closed), maxClosedShown)]
	d.render(w, http.StatusOK, deskFrame{Agent: agent, Page: "queue", Live: "/", View: v})
}

func (d *desk) row(c *conversation, now time.Time) queueRow {
	out := queueRow{
		ID: c.id, Customer: c.customerName(), Account: d.accountName(c), Partner: c.partner, Topic: c.topic, Agent: c.agent,
		Excerpt: excerpt(c.shownLast()), Since: c.last().GetSentAt().AsTime(), Writing: c.customerWrites.After(now), Ended: endedBy(c.endedBy),
	}
	if !c.waitingSince.IsZero() {
		out.Since, out.Waits = c.waitingSince, span(now.Sub(c.waitingSince))
	}
	if !c.ended.IsZero() {
		out.Since = c.ended
	}
	return out
}

// shownLast is what a list shows of a conversation: the customer's words while
// they wait, or else the newest.
func (c *conversation) shownLast() *datav1.Message {
	for _, m := range slices.Backward(c.messages) {
		if c.waitingSince.IsZero() || m.GetAuthor() == datav1.Author_AUTHOR_CUSTOMER {
			return m
		}
	}
	return c.last()
}

func (c *conversation) customerName() string {
	if c.sample {
		return "Sample question"
	}
	return nameOf(c.customer)
}

// accountName is the account as the bank calls it, with the end of its number.
func (d *desk) accountName(c *conversation) string {
	a := d.bank.data.accounts[c.account]
	if a == nil {
		return ""
	}
	return a.known()
}

func (a *account) known() string { return a.name + " …" + a.number[max(0, len(a.number)-4):] }

const maxExcerpt = 140

func excerpt(m *datav1.Message) string {
	letters := []rune(strings.Join(strings.Fields(m.GetText()), " "))
	if len(letters) > maxExcerpt {
		return string(letters[:maxExcerpt]) + "…"
	}
	return string(letters)
}

func endedBy(e datav1.ConversationEnd) string {
	switch e {
	case datav1.ConversationEnd_CONVERSATION_END_CUSTOMER:
		return "the customer"
	case datav1.ConversationEnd_CONVERSATION_END_BANK:
		return "the bank"
	case datav1.ConversationEnd_CONVERSATION_END_CONSENT:
		return "the end of the consent"
	default:
		return ""
	}
}

// span is a length of time for people.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
