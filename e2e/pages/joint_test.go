package pages

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"sluice/e2e/stage"
)

// answer is what came for one address, byte by byte. Nothing of it is normalised:
// the token of forms is the same on each page of a session, and what is asked for
// is done within one. Of the head only the date is left out, which says when.
type answer struct {
	Status int64
	Head   string
	Body   string
}

// raw opens an address in the browser and takes the answer as it came over the
// wire, before anything was made of it.
func (b *tab) raw(path string) answer {
	b.t.Helper()
	var (
		id   network.RequestID
		head network.Response
	)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	responses := chromedp.Events(ctx, network.ResponseReceived)
	b.open(path)
	for r, err := range responses {
		must(b.t, err)
		if r.Type == network.ResourceTypeDocument {
			id, head = r.RequestID, *r.Response
			break
		}
	}
	a := answer{Status: head.Status}
	var names []string
	for name, value := range head.Headers {
		if !strings.EqualFold(name, "Date") {
			names = append(names, fmt.Sprintf("%s: %v", strings.ToLower(name), value))
		}
	}
	slices.Sort(names)
	a.Head = strings.Join(names, "\n")
	must(b.t, b.call(func(ctx context.Context, s cdp.Session) error {
		got, err := cdp.Call(ctx, s, network.GetResponseBody, network.GetResponseBodyParams{RequestID: id})
		if err != nil {
			return err
		}
		a.Body = string(got.Body)
		return nil
	}))
	return a
}

// A person at risk keeps a consent from the co-holder, and it works; whatever the
// co-holder opens is the same, to the byte, as before there was one.
func TestAHiddenConsentIsNowhereOnTheCoHoldersPages(t *testing.T) {
	both := two(t)
	b := loggedIn(t, both.other, how{size: phone})

	// There is something to see: a consent of the owner that waits for the
	// co-holder, and one of the co-holder's own.
	open := visit(t, how{size: phone})
	ask := request(t, nil)
	open.begin(ask.Link, both.owner)
	open.click(box(0, "BALANCES"))
	open.press("#give")
	open.back()
	shown, err := ask.Token(within(t))
	must(t, err)

	nothing := "/consents/con_AAAAAAAAAAAAAAAAAAAAAAAAAA"
	pages := func(id string) []string {
		path := "/consents/" + id
		return []string{path, path + "/revoke", path + "/narrow", path + "/renew", path + "/receipt", path + "/receipt.jwt", path + "/withdraw?account=" + both.account, "/give/" + id}
	}
	always := append([]string{"/", "/login", "/stop"}, pages(shown.Consent)[:1]...)
	before := map[string]answer{}
	for _, p := range always {
		before[p] = b.raw(p)
	}
	if !strings.Contains(before["/"].Body, shown.Consent) {
		t.Fatal("the co-holder does not see what waits: nothing is shown by that")
	}

	// Now the owner keeps one from them, in the browser, and the partner reads.
	ask = request(t, nil)
	open.open(ask.Link)
	open.on("ask")
	open.click(box(0, "BALANCES"))
	open.click("#hidden")
	open.press("#give")
	open.back()
	hidden, err := ask.Token(within(t))
	must(t, err)
	got, err := hidden.Balances(within(t))
	must(t, err)
	if len(got.GetAccounts()) != 1 {
		t.Fatalf("the partner read %v", got)
	}
	open.open("/consents/" + hidden.Consent)
	open.need(`[data-notice="hidden"]`)

	for _, p := range always {
		if d := cmp.Diff(before[p], b.raw(p)); d != "" {
			t.Errorf("%s differs once there is a hidden consent:\n%s", p, d)
		}
	}
	// What the co-holder guesses is like what there never was. The address itself
	// stands in the page's own links.
	for i, p := range pages(hidden.Consent) {
		there, never := b.raw(p), b.raw(pages("con_AAAAAAAAAAAAAAAAAAAAAAAAAA")[i])
		never.Body = strings.ReplaceAll(never.Body, "con_AAAAAAAAAAAAAAAAAAAAAAAAAA", hidden.Consent)
		if d := cmp.Diff(never, there); d != "" {
			t.Errorf("%s differs from a consent that never was:\n%s", p, d)
		}
	}
	for _, action := range []string{"agree", "refuse", "withdraw", "revoke", "pause", "narrow"} {
		there, never := b.sent("/consents/"+hidden.Consent+"/"+action), b.sent(nothing+"/"+action)
		if d := cmp.Diff(never, there); d != "" {
			t.Errorf("POST %s differs:\n%s", action, d)
		}
	}
	if _, err := hidden.Balances(within(t)); err != nil {
		t.Errorf("after all of that the partner can't read: %v", err)
	}
}

// Whoever widens a consent that is kept from others need not think of that again.
func TestWhatTakesTheHiddenOnesPlaceIsHiddenToo(t *testing.T) {
	both := two(t)
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, both.owner)
	b.click("#hidden")
	b.giveLess()
	old, err := ask.Token(within(t))
	must(t, err)
	ask = widen(t, old)
	b.open(ask.Link)
	b.need("#hidden:checked")
	b.click(box(0, "BALANCES"))
	b.press("#give")
	b.back()
	now, err := ask.Token(within(t))
	must(t, err)
	if c := stands(t, both.owner, now.Consent); !c.GetHiddenFromCoHolders() {
		t.Errorf("the new consent is %v", c)
	}
	other := loggedIn(t, both.other, how{size: phone})
	if other.has("[data-consent]") {
		t.Errorf("the co-holder sees %s", other.mustText())
	}
}

// sent is what a form of the person's own is answered.
func (b *tab) sent(path string) answer {
	b.t.Helper()
	form := map[string][]string{"csrf": {b.attribute("form [name=csrf]", "value")}, "revision": {"1"}, "account": {"A1"}}
	client := b.client()
	defer client.CloseIdleConnections()
	resp, err := client.PostForm(set.URL+path, form)
	must(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(b.t, err)
	resp.Header.Del("Date")
	var head strings.Builder
	must(b.t, resp.Header.Write(&head))
	if resp.StatusCode == http.StatusSeeOther {
		b.t.Errorf("POST %s did something", path)
	}
	return answer{int64(resp.StatusCode), head.String(), string(body)}
}

func TestAJointAccountIsSharedOnceBothAgree(t *testing.T) {
	both := two(t)
	ask, err := set.messenger.Ask(within(t), stage.Detail(morava, "ACCOUNT_BASIC", "BALANCES"), nil)
	must(t, err)
	owner := visit(t, how{size: phone})
	owner.begin(ask.Link, both.owner)
	owner.need(`[data-joint="must"]`, "#hide-set")
	owner.click(box(0, "ACCOUNT_BASIC"))
	owner.click(box(0, "BALANCES"))
	owner.press("#give")
	owner.back()
	token, err := ask.Token(within(t))
	must(t, err)
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_PENDING" {
		t.Errorf("before the co-holder agreed: %v", err)
	}
	owner.open("/")
	owner.need(`[data-consent="` + token.Consent + `"] [data-notice="waits"]`)

	other := loggedIn(t, both.other, how{size: phone})
	other.need(`#waiting [data-consent="` + token.Consent + `"]`)
	other.press(`#waiting [data-consent="` + token.Consent + `"] h3 a`)
	other.need("#agreement", "#agree", "#refuse")
	other.press("#agree")
	other.need(`#said[data-said="done.agreed"]`, `#state[data-state="CONSENT_STATUS_ACTIVE"]`)
	if other.has("#disclosures") || other.has("#revoke") || other.has("#pause") {
		t.Error("the co-holder sees or can do what only the giver may")
	}
	eventually(t, func() bool { _, err := token.Balances(within(t)); return err == nil })

	other.press("[data-withdraw]")
	other.on("withdraw")
	other.press("#withdraw-confirm")
	other.need(`#said[data-said="done.withdrawn"], #message`)
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_REVOKED" {
		t.Errorf("after the co-holder took the account out: %v", err)
	}
	owner.open("/consents/" + token.Consent)
	if !strings.Contains(owner.text("#history"), "A holder of the account did not want it.") {
		t.Errorf("the giver is told %q", owner.text("#history"))
	}
}

func TestACoHolderWhoDoesNotAgreeEndsIt(t *testing.T) {
	both := two(t)
	ask := request(t, nil)
	owner := visit(t, how{size: phone})
	owner.begin(ask.Link, both.owner)
	owner.click(box(0, "BALANCES"))
	owner.press("#give")
	owner.back()
	token, err := ask.Token(within(t))
	must(t, err)
	other := loggedIn(t, both.other, how{size: phone})
	other.open("/consents/" + token.Consent)
	other.press("#refuse")
	other.need(`#said[data-said="done.refused"]`)
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_REJECTED" {
		t.Errorf("after the co-holder refused: %v", err)
	}
}
