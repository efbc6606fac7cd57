package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/authn"
	"sluice/feed"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/sqldb"
)

// run runs a command as an operator.
func (h *house) run(args ...string) string {
	h.t.Helper()
	if _, err := h.ca.Issue(authn.Identity{Kind: authn.Operator, ID: "ops"}, time.Now()); err != nil {
		h.t.Fatal(err)
	}
	out, err := exec.Command(program, append(args, "--data", h.dir)...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("sluice %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// failedBefore makes all that waits have failed so often, hours ago.
func (h *house) failedBefore(errors int) {
	h.t.Helper()
	h.stop(syscall.SIGTERM)
	db, err := sqldb.Open(h.ctx(), filepath.Join(h.dir, "sluice.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	err = db.Transact(h.ctx(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(h.ctx(), `UPDATE feed_deliveries SET errors = $1 WHERE kind = 'TRANSACTION_POSTED'`, errors)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.start()
}

func TestAnEventThatAPartnerFailsForGoodIsWhatOperatorsSee(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(transactionsBasic), "A1")
	h.publish(booked("A1", 1, "t1"), booked("A1", 2, "t2"))
	if got := h.run("feed", "dead"); strings.TrimSpace(got) != "none" {
		t.Errorf("before anything failed: %s", got)
	}
	h.failedBefore(feed.MaxErrors - 1)
	pull := partnerv1.NewEventServiceClient(h.dial(authn.Partner, "messenger"))
	out, err := pull.PullEvents(h.ctx(), &partnerv1.PullEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var failed string
	done := &partnerv1.AcknowledgeEventsRequest{}
	for _, e := range out.GetEvents() {
		a := &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()}
		if e.GetKind() == partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED {
			failed, a.Error = e.GetEventId(), "the queue is full"
		}
		done.Acknowledgements = append(done.Acknowledgements, a)
	}
	if _, err := pull.AcknowledgeEvents(h.ctx(), done); err != nil || failed == "" {
		t.Fatalf("acknowledge %v: %v", out.GetEvents(), err)
	}

	got := h.run("feed", "dead", "--partner", "messenger")
	for _, want := range []string{"messenger", bankID, id, "TRANSACTION_POSTED", failed, "the queue is full"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s among what was put aside:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Bakery") || strings.Contains(got, "t1") || strings.Contains(got, "A1") {
		t.Errorf("what the event says is among what was put aside:\n%s", got)
	}
	if got := h.run("feed", "dead", "--partner", "wallet"); strings.TrimSpace(got) != "none" {
		t.Errorf("of another partner: %s", got)
	}
	// The next of the account waits, and one is aside.
	if got := h.run("feed", "status"); !regexp.MustCompile(`(?m)^messenger +1 +[0-9hms]+ +1 +-`).MatchString(got) ||
		!regexp.MustCompile(`(?m)^`+bankID+` +-`).MatchString(got) {
		t.Errorf("status:\n%s", got)
	}
	if log := string(h.log()); !strings.Contains(log, `msg="an event was put aside" event=`+failed) || strings.Contains(log, "queue is full") {
		t.Error("the log does not say that it was put aside, or has a partner's words")
	}
}

func TestPartnersAndBanksSeeNoFeedsButTheirOwn(t *testing.T) {
	h := open(t)
	for _, c := range []struct {
		kind authn.Kind
		id   string
	}{{authn.Partner, "messenger"}, {authn.Bank, bankID}} {
		feeds := operatorv1.NewFeedServiceClient(h.dial(c.kind, c.id))
		if _, err := feeds.ListDeadLetters(h.ctx(), &operatorv1.ListDeadLettersRequest{}); reason(err) != "CALLER_NOT_PERMITTED" {
			t.Errorf("%s lists dead letters: %v", c.id, err)
		}
		if _, err := feeds.GetFeedStatus(h.ctx(), &operatorv1.GetFeedStatusRequest{}); reason(err) != "CALLER_NOT_PERMITTED" {
			t.Errorf("%s looks at feeds: %v", c.id, err)
		}
	}
}
