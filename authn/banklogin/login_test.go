package banklogin_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/authn/banklogin"
	"sluice/consent"
	"sluice/reference/samplebank"
	"sluice/registry"
)

// town is two sample banks, and a gateway that relies on both.
type town struct {
	*banklogin.Relying
	t            *testing.T
	banks        registered
	key          ring
	data         *samplebank.Data
	morava, labe *httptest.Server
}

func newTown(t *testing.T) *town {
	t.Helper()
	data, err := samplebank.Load()
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, key: newRing(t, "gateway-1"), data: data}
	w.morava, w.labe = sampleBank(t, data, "morava", "sluice", w.key), sampleBank(t, data, "labe", "sluice", w.key)
	w.banks = registered{"morava": bankAt("morava", w.morava.URL), "labe": bankAt("labe", w.labe.URL)}
	w.Relying = relying(t, w.banks, w.key)
	return w
}

func (w *town) begin(bank consent.BankID) (string, banklogin.Pending) {
	w.t.Helper()
	to, p, err := w.Begin(w.t.Context(), bank, "lt")
	if err != nil {
		w.t.Fatal(err)
	}
	return to, p
}

// comeBack is a right login that has not been finished.
func (w *town) comeBack() (banklogin.Pending, url.Values) {
	w.t.Helper()
	to, p := w.begin("morava")
	back := newCustomer(w.t).logIn(to, "9593", samplebank.Password, samplebank.Code)
	if back.Get("code") == "" {
		w.t.Fatalf("came back with %v", back)
	}
	return p, back
}

func TestACustomerIsWhomTheirBankLoggedIn(t *testing.T) {
	w := newTown(t)
	before := time.Now().Add(-time.Second).Truncate(time.Second)
	p, back := w.comeBack()
	got, err := w.Finish(t.Context(), p, back)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bank != "morava" || got.ID != "9593" || got.Name != "Client 9593" || got.AuthenticatedAt.Before(before) || got.AuthenticatedAt.After(time.Now()) {
		t.Errorf("customer = %+v", got)
	}
}

func TestTheBankIsAskedInTheCustomersLanguage(t *testing.T) {
	w := newTown(t)
	for asked, want := range map[string]string{"lt": "lt", "en-GB": "en-GB", "": "", "lt&x=1": "", strings.Repeat("a", 40): ""} {
		to, _, err := w.Begin(t.Context(), "morava", asked)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil || u.Query().Get("ui_locales") != want {
			t.Errorf("%q asked for %q, %v", asked, u.Query().Get("ui_locales"), err)
		}
	}
	to, _ := w.begin("morava")
	if page, _ := newCustomer(t).open(to); !strings.Contains(page, `<html lang="lt">`) {
		t.Error("the page is not Lithuanian")
	}
}

func TestNobodyComesBackFromAWrongLogin(t *testing.T) {
	w := newTown(t)
	for _, typed := range [][3]string{{"9593", "guess", samplebank.Code}, {"9593", samplebank.Password, "123456"}, {"1", samplebank.Password, samplebank.Code}} {
		to, _ := w.begin("morava")
		if back := newCustomer(t).logIn(to, typed[0], typed[1], typed[2]); back != nil {
			t.Errorf("%v came back with %v", typed, back)
		}
	}
}

func TestALoginTheCustomerEndsIsToldAsThat(t *testing.T) {
	w := newTown(t)
	to, p := w.begin("morava")
	back := newCustomer(t).logIn(to, "", "", "", "cancel")
	if _, err := w.Finish(t.Context(), p, back); !errors.Is(err, banklogin.ErrCancelled) {
		t.Errorf("finish = %v", err)
	}
}

func TestACodeServesOnce(t *testing.T) {
	w := newTown(t)
	p, back := w.comeBack()
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := w.Finish(t.Context(), p, back)
			results <- err
		}()
	}
	won := 0
	for range 8 {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, banklogin.ErrRefused):
			t.Errorf("finish = %v", err)
		}
	}
	if won != 1 {
		t.Errorf("a code served %d times", won)
	}
}

// Each of these would let somebody else's login, or an old one, be taken.
func TestAReturnThatDoesNotFitIsRefused(t *testing.T) {
	w := newTown(t)
	other, _ := w.comeBack()
	for name, tamper := range map[string]func(*banklogin.Pending, url.Values){
		"another state":      func(_ *banklogin.Pending, v url.Values) { v.Set("state", "guess") },
		"no state":           func(_ *banklogin.Pending, v url.Values) { v.Del("state") },
		"two states":         func(_ *banklogin.Pending, v url.Values) { v.Add("state", v.Get("state")) },
		"another bank's iss": func(_ *banklogin.Pending, v url.Values) { v.Set("iss", w.labe.URL) },
		"no iss":             func(_ *banklogin.Pending, v url.Values) { v.Del("iss") },
		"no code":            func(_ *banklogin.Pending, v url.Values) { v.Del("code") },
		"two codes":          func(_ *banklogin.Pending, v url.Values) { v.Add("code", "x") },
		"code and error":     func(_ *banklogin.Pending, v url.Values) { v.Set("error", "access_denied") },
		"a made-up code":     func(_ *banklogin.Pending, v url.Values) { v.Set("code", "x") },
		"a huge code":        func(_ *banklogin.Pending, v url.Values) { v.Set("code", strings.Repeat("x", 5000)) },
		"another nonce":      func(p *banklogin.Pending, _ url.Values) { p.Nonce = other.Nonce },
		"another verifier":   func(p *banklogin.Pending, _ url.Values) { p.Verifier = other.Verifier },
		"another bank":       func(p *banklogin.Pending, _ url.Values) { p.Bank = "labe" },
		"too late":           func(p *banklogin.Pending, _ url.Values) { p.At = p.At.Add(-11 * time.Minute) },
		"from the future":    func(p *banklogin.Pending, _ url.Values) { p.At = p.At.Add(10 * time.Minute) },
		"nothing pending":    func(p *banklogin.Pending, v url.Values) { *p = banklogin.Pending{Bank: "morava"}; v.Set("state", "") },
	} {
		t.Run(name, func(t *testing.T) {
			p, back := w.comeBack()
			bent := maps.Clone(back)
			tamper(&p, bent)
			if got, err := w.Finish(t.Context(), p, bent); !errors.Is(err, banklogin.ErrRefused) || got != (banklogin.Customer{}) {
				t.Errorf("finish = %+v, %v", got, err)
			}
		})
	}
}

func TestABankThatDoesNotKnowUsLogsNobodyIn(t *testing.T) {
	w := newTown(t)
	w.banks["odra"] = bankAt("odra", sampleBank(t, w.data, "odra", "another-client", w.key).URL)
	to, _ := w.begin("odra")
	page, back := newCustomer(t).open(to)
	if back != nil || strings.Contains(page, "<form") {
		t.Errorf("another's client: %s %v", page, back)
	}
	// The same client, but a key that the bank does not find at the gateway.
	stranger := relying(t, w.banks, newRing(t, "gateway-1"))
	to, p, err := stranger.Begin(t.Context(), "morava", "")
	if err != nil {
		t.Fatal(err)
	}
	back = newCustomer(t).logIn(to, "9593", samplebank.Password, samplebank.Code)
	if _, err := stranger.Finish(t.Context(), p, back); !errors.Is(err, banklogin.ErrRefused) {
		t.Errorf("finish = %v", err)
	}
}

func TestOnlyActiveBanksWithALoginLogAnybodyIn(t *testing.T) {
	w := newTown(t)
	p, back := w.comeBack()
	suspended := bankAt("morava", w.morava.URL)
	suspended.Standing = registry.Suspended
	w.banks["morava"] = suspended
	w.banks["mute"] = registry.Bank{ID: "mute", Standing: registry.Active}
	for _, id := range []consent.BankID{"morava", "mute", "nowhere"} {
		if to, _, err := w.Begin(t.Context(), id, ""); !errors.Is(err, banklogin.ErrNoLogin) || to != "" {
			t.Errorf("%s: begin = %q, %v", id, to, err)
		}
	}
	if _, err := w.Finish(t.Context(), p, back); !errors.Is(err, banklogin.ErrNoLogin) {
		t.Errorf("finish = %v", err)
	}
}

func TestABankThatIsDownHoldsUpNobodyElse(t *testing.T) {
	w := newTown(t)
	hold := make(chan struct{})
	hanging := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(hold) })
	w.banks["hanging"] = bankAt("hanging", hanging.URL)
	waited := make(chan error)
	go func() {
		_, _, err := w.Begin(t.Context(), "hanging", "")
		waited <- err
	}()
	w.begin("morava")
	if err := <-waited; !errors.Is(err, banklogin.ErrUnavailable) {
		t.Errorf("a bank that hangs: %v", err)
	}
	p, back := w.comeBack()
	w.morava.Close()
	if _, err := w.Finish(t.Context(), p, back); !errors.Is(err, banklogin.ErrUnavailable) {
		t.Errorf("a bank that went down: %v", err)
	}
	w.labe.Close()
	if _, _, err := w.Begin(t.Context(), "labe", ""); !errors.Is(err, banklogin.ErrUnavailable) {
		t.Errorf("a bank that is down: %v", err)
	}
}
