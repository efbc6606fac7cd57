package pages

import (
	"slices"
	"sync/atomic"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/e2e/stage"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	accountBasic      = datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC
	balances          = datav1.DataCluster_DATA_CLUSTER_BALANCES
	transactionsBasic = datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC
)

// atLabe is a customer of Banka Labe with one account, alone.
const atLabe = "10046"

// three is Banka Morava's customer with three accounts, none of them joint.
const three = "9593"

// person is a customer of Banka Morava, with an account of theirs.
type person struct{ customer, account string }

// alone are customers who hold one account, alone.
func alone() []person {
	return []person{
		{"10043", "A8129"},
		{"1008", "A837"},
		{"1014", "A841"},
		{"1038", "A861"},
		{"10636", "A8625"},
		{"1066", "A885"},
		{"1080", "A897"},
		{"11034", "A8957"},
		{"11136", "A9041"},
		{"1114", "A925"},
		{"1119", "A929"},
		{"11195", "A9093"},
		{"11409", "A9265"},
		{"11497", "A9337"},
		{"1163", "A965"},
		{"1168", "A969"},
		{"1178", "A977"},
		{"1193", "A989"},
		{"12", "A9"},
		{"1209", "A1005"},
		{"12102", "A9833"},
	}
}

// couple are two who hold one account together; the owner has another of their
// own only if there is a loan.
type couple struct{ owner, other, account, loan string }

func couples() []couple {
	return []couple{
		{"10200", "10201", "A8261", "L6687"},
		{"10095", "10096", "A8173", ""},
		{"1032", "1033", "A857", ""},
		{"10275", "10276", "A8321", ""},
		{"10350", "10351", "A8377", ""},
		{"10475", "10476", "A8489", ""},
	}
}

var aloneOut, couplesOut atomic.Int32 // how many are some test's own

// somebody is a customer whom no other test has.
func somebody(t *testing.T) person {
	t.Helper()
	return next(t, &aloneOut, alone())
}

// two are a couple whom no other test has.
func two(t *testing.T) couple {
	t.Helper()
	return next(t, &couplesOut, couples())
}

func next[T any](t *testing.T, out *atomic.Int32, of []T) T {
	t.Helper()
	n := int(out.Add(1)) - 1
	if n >= len(of) {
		t.Fatal("there is nobody left")
	}
	return of[n]
}

// loggedIn opens a browser and logs in at Banka Morava.
func loggedIn(t *testing.T, customer string, h how) *tab {
	t.Helper()
	b := visit(t, h)
	b.open("/")
	b.on("welcome")
	b.press("#login")
	b.on("login")
	b.press(`a[data-bank="morava"]`)
	b.logIn(customer)
	b.on("dashboard")
	return b
}

// logIn fills in the bank's own page, and comes back.
func (b *tab) logIn(customer string) {
	b.t.Helper()
	b.need("#customer", "#password", "#code")
	b.fill("#customer", customer)
	b.fill("#password", stage.Password)
	b.fill("#code", stage.Code)
	b.press(`button[name="login"]`)
}

// begin opens a partner's link and logs in, up to the page that asks.
func (b *tab) begin(link, customer string) {
	b.t.Helper()
	b.open(link)
	b.on("askwho")
	b.press("#to-bank")
	b.logIn(customer)
	b.on("ask")
}

// back waits until the browser is at the partner's.
func (b *tab) back() {
	b.t.Helper()
	b.until(`document.body !== null && document.body.dataset.page === "partner"`)
}

// box is the checkbox for a kind of data of the nth account.
func box(n int, kind string) string {
	return `fieldset[data-account="` + string(rune('0'+n)) + `"] input[data-kind="DATA_CLUSTER_` + kind + `"]`
}

// customersOf is what Banka Morava's own app would call.
func customersOf(t *testing.T) customerv1.ConsentServiceClient {
	t.Helper()
	conn, err := set.As(authn.Bank, morava)
	must(t, err)
	return customerv1.NewConsentServiceClient(conn)
}

// stands is how a consent is, as the customer's bank is told.
func stands(t *testing.T, customer, id string) *consentv1.Consent {
	t.Helper()
	got, err := customersOf(t).GetConsent(within(t), &customerv1.GetConsentRequest{CustomerId: customer, ConsentId: id})
	must(t, err)
	return got.GetConsent()
}

// changes are the kinds of change a consent has been through.
func changes(t *testing.T, customer, id string) []*consentv1.Change {
	t.Helper()
	got, err := customersOf(t).GetConsent(within(t), &customerv1.GetConsentRequest{CustomerId: customer, ConsentId: id})
	must(t, err)
	return got.GetChanges()
}

// asked is a request of the wallet's.
func asked(t *testing.T, change func(*consentv1.Terms), kinds ...datav1.DataCluster) string {
	t.Helper()
	id, err := set.wallet.Ask(within(t), morava, change, kinds...)
	must(t, err)
	return id
}

// given is a consent that a customer gave the wallet in the bank's own app.
func given(t *testing.T, by person, hidden bool, kinds ...datav1.DataCluster) string {
	t.Helper()
	id := asked(t, nil, kinds...)
	_, err := customersOf(t).AuthorizeConsent(within(t), &customerv1.AuthorizeConsentRequest{
		CustomerId: by.customer, ConsentId: id, HiddenFromCoHolders: hidden,
		Shares: []*consentv1.Share{{AccountId: by.account, Clusters: kinds}},
	})
	must(t, err)
	return id
}

// pulled reads balances as the wallet.
func pulled(t *testing.T, id string) (*partnerv1.ListBalancesResponse, error) {
	t.Helper()
	return set.wallet.Accounts.ListBalances(within(t), &partnerv1.ListBalancesRequest{Access: set.wallet.Present(id)})
}

// reason is why a call was refused; empty if it was not.
func reason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }
