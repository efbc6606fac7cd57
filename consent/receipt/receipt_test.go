package receipt_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/consent/receipt"
	consentv1 "sluice/gen/sluice/consent/v1"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const issuer = "https://sluice.example"

// ring is one key pair.
type ring struct {
	key jose.JSONWebKey
	err error
}

func newRing(t testing.TB, kid string) ring {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ring{key: jose.JSONWebKey{Key: k, KeyID: kid, Algorithm: "ES256", Use: "sig"}}
}

func (r ring) Signing(context.Context) (jose.JSONWebKey, error) { return r.key, r.err }

func (r ring) public() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{r.key.Public()}}
}

// facts are those of a consent that was asked for, given and revoked.
func facts() receipt.Facts {
	clusters := consent.ClustersOf(consent.Balances, consent.TransactionsBasic)
	customer := consent.Actor{Kind: consent.ActorCustomer, ID: "one"}
	return receipt.Facts{
		Consent: consent.Consent{
			ID: "con_1", Revision: 3, Status: consent.Revoked, FencedRevision: 3,
			Partner: "messenger", Bank: "morava", Customer: "one",
			Asked: consent.Terms{
				Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
				LookBackDays: 365, ValidUntil: noon.AddDate(1, 0, 0), UnattendedPerDay: 4, RetentionDays: 30,
			},
			Shares: []consent.Share{
				{Account: "A1", Clusters: clusters},
				{Account: "A2", Clusters: consent.ClustersOf(consent.Balances)},
			},
			LookBackDays: 90, ValidUntil: noon.AddDate(0, 6, 0), CreatedAt: noon.Add(-time.Hour), Hidden: true,
			CoHolders: []consent.CustomerID{"two"},
		},
		History: []consent.Change{
			{Consent: "con_1", Revision: 1, Kind: consent.KindRequest, Actor: consent.Actor{Kind: consent.ActorPartner, ID: "messenger"}, At: noon.Add(-time.Hour), Status: consent.Pending},
			{Consent: "con_1", Revision: 2, Kind: consent.KindAuthorize, Actor: customer, At: noon.Add(-time.Minute), Status: consent.Active},
			{Consent: "con_1", Revision: 3, Kind: consent.KindRevoke, Actor: customer, Why: consent.WhyCustomerRevoked, At: noon.Add(-time.Second), Status: consent.Revoked},
		},
		PartnerName: "Messenger", BankName: "Banka Morava", At: noon,
	}
}

func receiptOf(t testing.TB, r ring, f receipt.Facts) string {
	t.Helper()
	jws, err := receipt.New(issuer, r).Of(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return jws
}

func TestAReceiptSaysWhatWasAgreedAndEveryChange(t *testing.T) {
	r := newRing(t, "k1")
	got, err := receipt.Verify(receiptOf(t, r, facts()), r.public())
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	want := receipt.Statement{
		Issuer: issuer, IssuedAt: noon.Unix(), ID: got.ID,
		Consent: receipt.Agreement{
			ID: "con_1", Revision: 3, Status: "REVOKED", FinalBy: &noon,
			Bank: receipt.Party{ID: "morava", Name: "Banka Morava"}, Partner: receipt.Party{ID: "messenger", Name: "Messenger"},
			Customer: "one", Purpose: "ACCOUNT_OVERVIEW", PurposeText: "to show it",
			Shares: []receipt.Share{
				{Account: "A1", Clusters: []string{"BALANCES", "TRANSACTIONS_BASIC"}},
				{Account: "A2", Clusters: []string{"BALANCES"}},
			},
			LookBackDays: 90, ValidUntil: noon.AddDate(0, 6, 0), RetentionDays: 30, UnattendedPerDay: 4, RequestedAt: at(-time.Hour),
			Changes: []receipt.Change{
				{Revision: 1, Kind: "REQUEST", Who: "PARTNER", WhoID: "messenger", At: at(-time.Hour), Status: "PENDING"},
				{Revision: 2, Kind: "AUTHORIZE", Who: "CUSTOMER", WhoID: "one", At: at(-time.Minute), Status: "ACTIVE"},
				{Revision: 3, Kind: "REVOKE", Who: "CUSTOMER", WhoID: "one", Why: "CUSTOMER_REVOKED", At: at(-time.Second), Status: "REVOKED"},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statement differs (-want +got):\n%s", diff)
	}
	again, err := receipt.Verify(receiptOf(t, r, facts()), r.public())
	if err != nil || again.ID == got.ID || !strings.HasPrefix(got.ID, "rec_") {
		t.Errorf("two receipts are called %q and %q, %v", got.ID, again.ID, err)
	}
}

// A receipt goes to whom its customer shows it: what the bank calls a co-holder,
// and who works for the operator, is not theirs to pass on.
func TestAReceiptNamesNobodyButItsParties(t *testing.T) {
	r, f := newRing(t, "k1"), facts()
	f.History[1].Actor = consent.Actor{Kind: consent.ActorCoHolder, ID: "two"}
	f.History[2].Actor = consent.Actor{Kind: consent.ActorOperator, ID: "somebody"}
	got, err := receipt.Verify(receiptOf(t, r, f), r.public())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []receipt.Change{{Who: "PARTNER", WhoID: "messenger"}, {Who: "CO_HOLDER"}, {Who: "OPERATOR"}} {
		if c := got.Consent.Changes[i]; c.Who != want.Who || c.WhoID != want.WhoID {
			t.Errorf("change %d is by %s %q, want %s %q", i+1, c.Who, c.WhoID, want.Who, want.WhoID)
		}
	}
}

// Claims are for those who read JSON without us, so their names stay.
func TestTheNamesOfClaimsStay(t *testing.T) {
	r := newRing(t, "k1")
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(receiptOf(t, r, facts()), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Consent map[string]json.RawMessage `json:"consent"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"id", "revision", "status", "bank", "partner", "customer_id", "purpose", "purpose_text", "shares", "look_back_days",
		"valid_until", "retention_days", "unattended_per_day", "one_time", "requested_at", "changes", "final_by",
	} {
		if _, ok := got.Consent[name]; !ok {
			t.Errorf("there is no %q", name)
		}
		delete(got.Consent, name)
	}
	if len(got.Consent) != 0 {
		t.Errorf("there is more: %v", got.Consent)
	}
	if strings.Contains(string(raw), "hidden") || strings.Contains(string(raw), `"two"`) {
		t.Errorf("it tells of co-holders: %s", raw)
	}
}

func TestARevokeThatIsNotInForceYetReadsRevoking(t *testing.T) {
	r := newRing(t, "k1")
	f := facts()
	f.Consent.FencedRevision = 2
	got, err := receipt.Verify(receiptOf(t, r, f), r.public())
	if err != nil || got.Consent.Status != "REVOKING" || got.Consent.FinalBy != nil {
		t.Errorf("status %q, final by %v, %v", got.Consent.Status, got.Consent.FinalBy, err)
	}
}

func TestChangesNewerThanTheConsentAreLeftOut(t *testing.T) {
	r := newRing(t, "k1")
	f := facts()
	f.Consent.Revision, f.Consent.FencedRevision, f.Consent.Status = 2, 2, consent.Active
	got, err := receipt.Verify(receiptOf(t, r, f), r.public())
	if err != nil || len(got.Consent.Changes) != 2 || got.Consent.FinalBy != nil || got.Consent.Status != "ACTIVE" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNoReceiptIsMadeOfHalfTheFacts(t *testing.T) {
	away := errors.New("the ring is away")
	for _, tt := range []struct {
		name string
		do   func(*receipt.Facts, *ring)
		want error
	}{
		{"nobody decided", func(f *receipt.Facts, _ *ring) { f.Consent.Customer = "" }, receipt.ErrUndecided},
		{"no history", func(f *receipt.Facts, _ *ring) { f.History = nil }, receipt.ErrHistory},
		{"the last change is missing", func(f *receipt.Facts, _ *ring) { f.History = f.History[:2] }, receipt.ErrHistory},
		{"the first change is missing", func(f *receipt.Facts, _ *ring) { f.History = f.History[1:] }, receipt.ErrHistory},
		{"another consent's change", func(f *receipt.Facts, _ *ring) { f.History[1].Consent = "con_2" }, receipt.ErrHistory},
		{"no key", func(_ *receipt.Facts, r *ring) { r.err = away }, away},
		{"a key without a name", func(_ *receipt.Facts, r *ring) { r.key.KeyID = "" }, nil},
		{"a key of another kind", func(_ *receipt.Facts, r *ring) { r.key.Key = rsaKey(t) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, r := facts(), newRing(t, "k1")
			tt.do(&f, &r)
			jws, err := receipt.New(issuer, r).Of(t.Context(), f)
			if err == nil || jws != "" || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Of = %q, %v, want %v", jws, err, tt.want)
			}
		})
	}
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// forge signs claims in whatever way.
func forge(t testing.TB, alg jose.SignatureAlgorithm, key any, o *jose.SignerOptions, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func typed(typ, kid string) *jose.SignerOptions {
	o := &jose.SignerOptions{}
	if kid != "" {
		o.WithHeader("kid", kid)
	}
	if typ != "" {
		o.WithType(jose.ContentType(typ))
	}
	return o
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestOnlyWhatTheIssuerSignedAsAReceiptIsValid(t *testing.T) {
	ours, other := newRing(t, "k1"), newRing(t, "k1")
	good := receiptOf(t, ours, facts())
	parts := strings.Split(good, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := string(raw)
	public := ours.key.Public()
	der, err := x509.MarshalPKIXPublicKey(public.Key)
	if err != nil {
		t.Fatal(err)
	}
	header := func(h string) string { return encode(h) + "." + parts[1] + "." + parts[2] }
	wider := strings.Replace(claims, `"look_back_days":90`, `"look_back_days":730`, 1)
	if wider == claims {
		t.Fatal("nothing was changed")
	}
	embedding := typed(receipt.Type, "")
	embedding.EmbedJWK = true

	for name, jws := range map[string]string{
		"nothing":                   "",
		"no JWS":                    "receipt",
		"two parts":                 parts[0] + "." + parts[1],
		"four parts":                good + ".x",
		"another content":           parts[0] + "." + encode(wider) + "." + parts[2],
		"another receipt's":         parts[0] + "." + parts[1] + "." + strings.Split(receiptOf(t, ours, facts()), ".")[2],
		"no signature":              parts[0] + "." + parts[1] + ".",
		"a signature cut short":     good[:len(good)-8],
		"ends of lines in it":       good[:100] + "\n" + good[100:],
		"alg none":                  encode(`{"alg":"none","kid":"k1","typ":"`+receipt.Type+`"}`) + "." + parts[1] + ".",
		"alg none, signed":          header(`{"alg":"none","kid":"k1","typ":"` + receipt.Type + `"}`),
		"no alg":                    header(`{"kid":"k1","typ":"` + receipt.Type + `"}`),
		"HS256 by the public point": forge(t, jose.HS256, point(public), typed(receipt.Type, "k1"), claims),
		"HS256 by the public DER":   forge(t, jose.HS256, der, typed(receipt.Type, "k1"), claims),
		"RS256":                     forge(t, jose.RS256, rsaKey(t), typed(receipt.Type, "k1"), claims),
		"another key of that name":  receiptOf(t, other, facts()),
		"another key, embedded":     embedded(t, other, claims),
		"another key, only there":   forge(t, jose.ES256, other.key.Key, embedding, claims),
		"no kid":                    forge(t, jose.ES256, ours.key.Key, typed(receipt.Type, ""), claims),
		"an access token's type":    forge(t, jose.ES256, ours.key, typed("at+jwt", ""), claims),
		"the type of any JWT":       forge(t, jose.ES256, ours.key, typed("JWT", ""), claims),
		"no type":                   forge(t, jose.ES256, ours.key, typed("", ""), claims),
		"a type with an end":        forge(t, jose.ES256, ours.key, typed(receipt.Type+"x", ""), claims),
		"a critical header":         forge(t, jose.ES256, ours.key, typed(receipt.Type, "").WithHeader("crit", []string{"exp"}), claims),
		"no claims":                 forge(t, jose.ES256, ours.key, typed(receipt.Type, ""), ""),
		"claims of another form":    forge(t, jose.ES256, ours.key, typed(receipt.Type, ""), `["x"]`),
		"claims in capitals":        forge(t, jose.ES256, ours.key, typed(receipt.Type, ""), strings.Replace(claims, `"iss"`, `"ISS"`, 1)),
		"a claim twice":             forge(t, jose.ES256, ours.key, typed(receipt.Type, ""), strings.Replace(claims, `"status"`, `"status":"ACTIVE","status"`, 1)),
		"a change left out":         forge(t, jose.ES256, ours.key, typed(receipt.Type, ""), strings.Replace(claims, `"changes":[`, `"changes":[],"was":[`, 1)),
		"the consent left out":      forge(t, jose.ES256, ours.key, typed(receipt.Type, ""), `{"iss":"x","iat":1,"jti":"y"}`),
		"a huge header":             encode(strings.Repeat("[", 1<<20)) + "." + parts[1] + "." + parts[2],
		"huge":                      parts[0] + "." + strings.Repeat("A", 5<<20) + "." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			got, err := receipt.Verify(jws, ours.public())
			if !errors.Is(err, receipt.ErrInvalid) || !cmp.Equal(got, receipt.Statement{}) {
				t.Errorf("Verify = %+v, %v, want ErrInvalid and nothing", got, err)
			}
		})
	}
	if _, err := receipt.Verify(good, ours.public()); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// point is a public key's uncompressed point, which everybody knows.
func point(k jose.JSONWebKey) []byte {
	p, err := k.Key.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		return nil
	}
	return p
}

// embedded is signed by a key that the header shows, under the name of ours.
func embedded(t *testing.T, r ring, claims string) string {
	o := typed(receipt.Type, "")
	o.EmbedJWK = true
	o.WithHeader("kid", "k1")
	return forge(t, jose.ES256, jose.JSONWebKey{Key: r.key.Key, KeyID: "k1"}, o, claims)
}

func TestEveryChangedByteOfAReceiptIsNoticed(t *testing.T) {
	r := newRing(t, "k1")
	f := facts()
	f.Consent.Shares = f.Consent.Shares[:1]
	jws := receiptOf(t, r, f)
	parts := strings.Split(jws, ".")
	for p := range parts {
		raw, err := base64.RawURLEncoding.DecodeString(parts[p])
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			raw[i] ^= 1
			changed := append([]string{}, parts...)
			changed[p] = base64.RawURLEncoding.EncodeToString(raw)
			raw[i] ^= 1
			if _, err := receipt.Verify(strings.Join(changed, "."), r.public()); !errors.Is(err, receipt.ErrInvalid) {
				t.Fatalf("byte %d of part %d was changed: Verify = %v", i, p, err)
			}
		}
	}
}

func TestOnlyAFitKeyOfThatNameChecks(t *testing.T) {
	ours, next, other := newRing(t, "k1"), newRing(t, "k2"), newRing(t, "k1")
	jws := receiptOf(t, ours, facts())
	public := ours.key.Public()
	with := func(change func(*jose.JSONWebKey)) jose.JSONWebKeySet {
		k := public
		change(&k)
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k}}
	}
	for name, tt := range map[string]struct {
		keys    jose.JSONWebKeySet
		unknown bool
	}{
		"no keys":        {jose.JSONWebKeySet{}, true},
		"another's keys": {next.public(), true},
		"two of a name":  {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{other.key.Public(), public}}, false},
		"for encryption": {with(func(k *jose.JSONWebKey) { k.Use = "enc" }), false},
		"for other algs": {with(func(k *jose.JSONWebKey) { k.Algorithm = "ES384" }), false},
		"a private key":  {jose.JSONWebKeySet{Keys: []jose.JSONWebKey{ours.key}}, false},
		"a secret":       {with(func(k *jose.JSONWebKey) { k.Key = []byte("secret") }), false},
		"another curve":  {with(func(k *jose.JSONWebKey) { k.Key = p384(t) }), false},
		"RSA":            {with(func(k *jose.JSONWebKey) { k.Key = rsaKey(t).Public() }), false},
	} {
		_, err := receipt.Verify(jws, tt.keys)
		if !errors.Is(err, receipt.ErrInvalid) || errors.Is(err, receipt.ErrUnknownKey) != tt.unknown {
			t.Errorf("%s: Verify = %v", name, err)
		}
	}
	both := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{next.key.Public(), public}}
	if _, err := receipt.Verify(jws, both); err != nil {
		t.Errorf("among others: %v", err)
	}
}

func p384(t *testing.T) crypto.PublicKey {
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func TestAStatementIsReadInPlainWords(t *testing.T) {
	r := newRing(t, "k1")
	f := facts()
	said := func() string {
		t.Helper()
		s, err := receipt.Verify(receiptOf(t, r, f), r.public())
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, l := range s.Lines()[1:] {
			b.WriteString(l.About + ": " + l.Text + "\n")
		}
		return b.String()
	}
	want := `consent: con_1, revision 3
status: revoked; final by 2026-11-24 12:00:00 UTC: nothing released before could leave any more
customer: one, of Banka Morava (morava)
shared with: Messenger (messenger)
for: account overview: "to show it"
account A1: balances, transactions basic
account A2: balances
of the past: 90 days
until: 2027-05-24 12:00:00 UTC
may be kept: 30 days
customer away: 4 accesses a day
asked for: 2026-11-24 11:00:00 UTC
change 1: 2026-11-24 11:00:00 UTC: asked for by partner messenger, then pending
change 2: 2026-11-24 11:59:00 UTC: agreed to by customer one, then active
change 3: 2026-11-24 11:59:59 UTC: revoked by customer one (customer revoked), then revoked
`
	if diff := cmp.Diff(want, said()); diff != "" {
		t.Errorf("words differ (-want +got):\n%s", diff)
	}
	f.Consent.FencedRevision = 2
	if got := said(); !strings.Contains(got, "could still have been on its way") || strings.Contains(got, "final by") {
		t.Errorf("while it is not final it says\n%s", got)
	}
	f.Consent.Shares, f.Consent.Asked.OneTime, f.Consent.Asked.UnattendedPerDay = nil, true, 0
	if got := said(); !strings.Contains(got, "accounts: none\n") || !strings.Contains(got, "customer away: no access; for one sitting only\n") {
		t.Errorf("without accounts it says\n%s", got)
	}
}

func TestEveryKindOfChangeHasItsWords(t *testing.T) {
	for n := range consentv1.ChangeKind_name {
		if n == 0 {
			continue
		}
		name := consent.ChangeName(consent.ChangeKind(n))
		if got := (receipt.Change{Kind: name}).String(); strings.Contains(got, "_") || strings.Contains(got, name) {
			t.Errorf("%s reads %q", name, got)
		}
	}
}

func FuzzVerify(f *testing.F) {
	r := newRing(f, "k1")
	good := receiptOf(f, r, facts())
	keys := r.public()
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", "..", parts[0] + "." + parts[1] + ".", encode(`{"alg":"none"}`) + "." + parts[1] + ".",
		forge(f, jose.ES256, r.key, typed("at+jwt", ""), "{}"), forge(f, jose.ES256, r.key, typed(receipt.Type, ""), "{}"),
	} {
		f.Add(seed)
	}
	want := parts[0] + "." + parts[1]
	f.Fuzz(func(t *testing.T, jws string) {
		s, err := receipt.Verify(jws, keys)
		if err != nil {
			if !errors.Is(err, receipt.ErrInvalid) || !cmp.Equal(s, receipt.Statement{}) {
				t.Errorf("Verify = %+v, %v", s, err)
			}
			return
		}
		if !strings.HasPrefix(jws, want) {
			t.Errorf("what was never signed is valid: %q", jws)
		}
		s.Lines()
	})
}
