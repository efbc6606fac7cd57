package pages

import (
	"sync"
	"testing"
	"time"

	"sluice/e2e/stage"
	consentv1 "sluice/gen/sluice/consent/v1"
)

// pull is one read by the partner.
type pull struct {
	began   time.Time
	refused string
}

// poll reads balances over and over, in several threads, until it is stopped.
func poll(t *testing.T, token *stage.Token, threads int) (stop func() []pull, count func() int) {
	t.Helper()
	var (
		mu    sync.Mutex
		pulls []pull
		wait  sync.WaitGroup
	)
	done := make(chan struct{})
	ctx := within(t)
	for range threads {
		wait.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				p := pull{began: time.Now()}
				_, err := token.Balances(ctx)
				p.refused = reason(err)
				mu.Lock()
				pulls = append(pulls, p)
				mu.Unlock()
			}
		})
	}
	stop = func() []pull { close(done); wait.Wait(); return pulls }
	return stop, func() int { mu.Lock(); defer mu.Unlock(); return len(pulls) }
}

// All instants are this process's: a pull's when it begins, the page's when the
// browser has begun to receive it, which is before anybody can read it.
func TestNothingIsReadAfterThePageSaysRevoked(t *testing.T) {
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, three)
	b.giveLess()
	token, err := ask.Token(within(t))
	must(t, err)
	b.open("/consents/" + token.Consent)

	stop, count := poll(t, token, 4)
	eventually(t, func() bool { return count() > 50 })
	b.clicks = 0
	b.press("#revoke")
	b.press("#revoke-confirm")
	b.need("#revoked-at")
	said := b.last()
	if clicks := b.clicks; clicks != 2 {
		t.Errorf("it took %d clicks", clicks)
	}
	then := count()
	eventually(t, func() bool { return count() > then+100 }) // the partner goes on asking
	pulls := stop()

	late, before := 0, 0
	for _, p := range pulls {
		switch {
		case !p.began.After(said.at):
			before++
			if p.refused != "" && p.refused != "CONSENT_REVOKED" && p.refused != "GRANT_CHANGED" {
				t.Errorf("before the page a pull was refused: %s", p.refused)
			}
		default:
			late++
			if p.refused != "CONSENT_REVOKED" {
				t.Errorf("a pull that began %s after the page came was answered %q", p.began.Sub(said.at), p.refused)
			}
		}
	}
	if late < 50 || before < 50 {
		t.Errorf("only %d pulls before and %d after: nothing is shown by that", before, late)
	}
	t.Logf("%d pulls began before the page that says so, %d after", before, late)
	if status := stands(t, three, token.Consent).GetStatus(); status != consentv1.ConsentStatus_CONSENT_STATUS_REVOKED {
		t.Errorf("the consent is %s", status)
	}
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("it never came true")
}

// What is revoked needs no bank; what is shown of it has no names then.
func TestTakingBackWorksWhileTheBankIsDown(t *testing.T) {
	ctx := within(t)
	ask, err := set.messenger.Ask(ctx, stage.Detail(labe, "ACCOUNT_BASIC", "BALANCES"), nil)
	must(t, err)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, atLabe)
	b.click(box(0, "ACCOUNT_BASIC"))
	b.click(box(0, "BALANCES"))
	b.press("#give")
	b.back()
	token, err := ask.Token(ctx)
	must(t, err)
	waiting, err := set.messenger.Ask(ctx, stage.Detail(labe, "ACCOUNT_BASIC", "BALANCES"), nil)
	must(t, err)
	b.open(waiting.Link)
	b.on("ask")

	set.StopBank(labe) // which is no other test's
	b.open("/")
	b.on("dashboard")
	b.need(`[data-bank="labe"] [data-bank-down]`, `[data-consent="`+token.Consent+`"]`)
	b.press(`[data-consent="` + token.Consent + `"] h3 a`)
	b.need("[data-bank-down]")
	b.press("#revoke")
	b.press("#revoke-confirm")
	b.need("#revoked-at", "#last-release")
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_REVOKED" {
		t.Errorf("after the revoke: %v", err)
	}
	b.open(waiting.Link)
	b.need("#bank-down", "#refuse")
	if b.has("#give") {
		t.Error("the page lets a customer give while accounts can't be shown")
	}
	b.press("#refuse")
	b.back()
}

func TestEverythingStopsAtOnce(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	one, two := given(t, who, false, balances), given(t, who, false, accountBasic, balances)
	kept := given(t, somebody(t), false, balances) // another's stays

	b.open("/")
	b.press("#stop")
	b.need(`li[data-consent="`+one+`"]`, `li[data-consent="`+two+`"]`)
	if b.has(`li[data-consent="` + kept + `"]`) {
		t.Error("another customer's consent is shown")
	}
	b.press("#stop-confirm")
	b.need("#stopped")
	for _, id := range []string{one, two} {
		if _, err := pulled(t, id); reason(err) != "CONSENT_REVOKED" {
			t.Errorf("%s after everything was stopped: %v", id, err)
		}
	}
	if _, err := pulled(t, kept); err != nil {
		t.Errorf("another customer's: %v", err)
	}
	b.open("/stop")
	if b.has("li[data-consent]") {
		t.Error("there is something left to stop")
	}
}
