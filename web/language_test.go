package web_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	refusalv1 "sluice/gen/sluice/refusal/v1"
)

func catalogue(t *testing.T, tag string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("catalog/" + tag + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func forms(v any) []string {
	if m, ok := v.(map[string]any); ok {
		return slices.Sorted(maps.Keys(m))
	}
	return nil
}

func TestBothCataloguesSayTheSameThings(t *testing.T) {
	en, lt := catalogue(t, "en"), catalogue(t, "lt")
	hole := regexp.MustCompile(`{{\.[A-Za-z]+}}`)
	holes := func(v any) []string {
		raw, _ := json.Marshal(v)
		found := hole.FindAllString(string(raw), -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	for key := range en {
		if _, ok := lt[key]; !ok {
			t.Errorf("%q is in English only", key)
			continue
		}
		if !slices.Equal(holes(en[key]), holes(lt[key])) {
			t.Errorf("%q: %v in English, %v in Lithuanian", key, holes(en[key]), holes(lt[key]))
		}
		if (forms(en[key]) == nil) != (forms(lt[key]) == nil) {
			t.Errorf("%q depends on a number in one language only", key)
		}
		if f := forms(en[key]); f != nil && !slices.Equal(f, []string{"one", "other"}) {
			t.Errorf("%q has the English forms %v", key, f)
		}
		if f := forms(lt[key]); f != nil && !slices.Equal(f, []string{"few", "many", "one", "other"}) {
			t.Errorf("%q has the Lithuanian forms %v", key, f)
		}
	}
	for key := range lt {
		if _, ok := en[key]; !ok {
			t.Errorf("%q is in Lithuanian only", key)
		}
	}
}

// Every key is named by a template or by the code, or belongs to a closed list,
// and every name has its key.
func TestEveryMessageIsUsedAndEveryUseHasItsMessage(t *testing.T) {
	en := catalogue(t, "en")
	used := map[string]bool{"date": true}
	quoted := regexp.MustCompile(`"([a-z]+(?:\.[A-Za-z_0-9]+)+)"`)
	for _, folder := range []string{".", "templates"} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") || e.Name() == "doc.go" {
				continue
			}
			raw, err := os.ReadFile(folder + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range quoted.FindAllStringSubmatch(string(raw), -1) {
				for _, key := range []string{m[1], m[1] + ".title", m[1] + ".text"} {
					if _, ok := en[key]; ok {
						used[key] = true
					}
				}
				_, plain := en[m[1]]
				_, page := en[m[1]+".title"]
				if !plain && !page && !slices.Contains([]string{"sluice.css", "sluice.js", "icon.svg", "receipt.jwt"}, m[1]) {
					t.Errorf("%s names %q, which no catalogue has", e.Name(), m[1])
				}
			}
		}
	}
	for key := range closedLists() {
		if _, ok := en[key]; !ok {
			t.Errorf("the catalogue lacks %q", key)
		}
		used[key] = true
	}
	for key := range en {
		if !used[key] {
			t.Errorf("nobody says %q", key)
		}
	}
}

func closedLists() map[string]bool {
	keys := map[string]bool{}
	add := func(prefix, strip string, names map[int32]string, skipZero bool, more ...string) {
		for n, name := range names {
			if n == 0 && skipZero {
				continue
			}
			keys[prefix+strings.TrimPrefix(name, strip)] = true
			for _, m := range more {
				keys[prefix+strings.TrimPrefix(name, strip)+m] = true
			}
		}
	}
	add("status.", "CONSENT_STATUS_", consentv1.ConsentStatus_name, true, ".help")
	add("purpose.", "PURPOSE_", consentv1.Purpose_name, true)
	add("actor.", "ACTOR_KIND_", consentv1.ActorKind_name, true)
	add("change.", "CHANGE_KIND_", consentv1.ChangeKind_name, true)
	add("why.", "CHANGE_REASON_", consentv1.ChangeReason_name, true)
	add("refused.", "REASON_", refusalv1.Reason_name, false)
	add("kind.", "DATA_CLUSTER_", datav1.DataCluster_name, true, ".example")
	add("account.", "ACCOUNT_KIND_", datav1.AccountKind_name, false)
	for _, month := range strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12") {
		keys["month."+month] = true
	}
	for _, status := range strings.Fields("400 403 404 409 410 413 500 503") {
		keys["error."+status+".title"], keys["error."+status+".text"] = true, true
	}
	for _, barred := range strings.Fields("PARTNER_BARRED BANK_BARRED") {
		keys["status."+barred+".help"] = true
	}
	for _, done := range strings.Fields("narrowed paused resumed renewed withdrawn agreed refused") {
		keys["done."+done] = true
	}
	for _, method := range strings.Fields("ListAccounts GetAccount ListBalances ListTransactions ListCards ListAlerts AnswerAlert StartConversation SendMessage MarkConversation CloseConversation ListConversations ListMessages Subscribe PullEvents") {
		keys["method."+method] = true
	}
	return keys
}

func TestPagesSpeakLithuanian(t *testing.T) {
	s := newStand(t)
	path := s.ask(s.request())
	c := s.given()
	b := s.ona()
	b.lang = "lt-LT,lt;q=0.9,en;q=0.5"
	page := b.get(path)
	page.has(t, `<html lang="lt">`, "Messenger prašo leisti matyti", "be jūsų gali skaityti iki 4 kartų per dieną", "Paskutinių 90 dienų operacijos", "2026 m. spalio 30 d.")
	if page.header.Get("Content-Language") != "lt" {
		t.Error("the header names another language")
	}
	b.get("/").has(t, "Jūsų sutikimai", "Bendrinama")
	b.post(pathOf(c)+"/revoke", pathOf(c)+"/revoke", map[string][]string{})
	b.get(pathOf(c)+"/revoke").has(t, "Atšaukta 14:03:07. Galioja visur.")
}

func TestLithuanianCountsRightly(t *testing.T) {
	for n, want := range map[int]string{1: "iki 1 karto", 2: "iki 2 kartų", 10: "iki 10 kartų", 21: "iki 21 karto", 1000: "iki 1 000 kartų"} {
		s := newStand(t)
		b := s.ona()
		b.lang = "lt"
		page := b.get(s.ask(s.request(func(t *consent.Terms) { t.UnattendedPerDay = n })))
		page.body = strings.ReplaceAll(page.body, "\u00a0", " ")
		page.has(t, want)
	}
	for n, want := range map[int]string{1: "1 dieną,", 2: "2 dienas,", 10: "10 dienų,", 21: "21 dieną,", 30: "30 dienų,"} {
		s := newStand(t)
		b := s.ona()
		b.lang = "lt"
		b.get(s.ask(s.request(func(t *consent.Terms) { t.RetentionDays = n }))).has(t, want)
	}
}

func TestTheLanguageChosenIsKept(t *testing.T) {
	s := newStand(t)
	b := s.browser()
	b.get("/login?next=/stop&lang=lt").leads(t, "/login?next=%2Fstop")
	b.get("/login?next=/stop").has(t, `lang="lt"`, "Pasirinkite savo banką")
	b.get("/?lang=en").leads(t, "/")
	b.get("/").has(t, `<html lang="en">`)
	b.get("/?lang=xx").has(t, `<html lang="en">`)
	app := s.browser()
	app.get("/login?ui_locales=fr+lt").has(t, `<html lang="lt">`)
	app.get("/").has(t, `<html lang="lt">`)
	odd := s.browser()
	odd.lang = strings.Repeat("lt,", 1000)
	odd.get("/").has(t, `<html lang="en">`)
	odd.lang = "\x00;;;q=9"
	odd.get("/").has(t, `<html lang="en">`)
}
