package web_test

import (
	"strings"
	"testing"

	"sluice/bank/holdings"
	"sluice/consent"
	"sluice/registry"
)

func TestNamesOfPartnersAreShownHarmlessly(t *testing.T) {
	for name, c := range map[string]struct {
		raw   string
		says  string
		never []string
		doubt string
	}{
		"plain":               {"Messenger", "<bdi>Messenger</bdi>", nil, ""},
		"Lithuanian":          {"Žinutės", "<bdi>Žinutės</bdi>", nil, ""},
		"HTML":                {`<img src=x onerror=alert(1)>`, "&lt;img src=x", []string{"<img"}, ""},
		"an attribute":        {`"><script>alert(1)</script>`, "&lt;script&gt;", []string{"<script>"}, ""},
		"turned around":       {"Morava\u202ereganam\u202c", "Moravareganam", []string{"\u202e", "\u202c"}, "name.invisible"},
		"isolates":            {"Mes\u2067senger\u2069", "Messenger", []string{"\u2067", "\u2069"}, "name.invisible"},
		"no width":            {"Mes\u200bsen\ufeffger\u00ad", "Messenger", []string{"\u200b", "\ufeff", "\u00ad"}, "name.invisible"},
		"tags":                {"Messenger\U000e0041", "Messenger", []string{"\U000e0041"}, "name.invisible"},
		"control":             {"Mes\x00sen\x1b[31mger", "Messen[31mger", []string{"\x00", "\x1b"}, "name.invisible"},
		"lines":               {"Messenger\n\nchecked by everybody", "Messenger checked by everybody", nil, ""},
		"mixed scripts":       {"Mеssenger", "Mеssenger", nil, "name.lookalike"}, // Cyrillic е
		"all of another":      {"Сосо", "Сосо", nil, "name.lookalike"},           // Cyrillic throughout
		"honestly another":    {"Вестник", "<bdi>Вестник</bdi>", nil, ""},
		"right to left":       {"שליח", "<bdi>שליח</bdi>", nil, ""},
		"Japanese":            {"メッセ漢字ひら", "<bdi>メッセ漢字ひら</bdi>", nil, ""},
		"nothing to be seen":  {"\u200b\u202e", "<bdi>messenger</bdi>", []string{"\u202e"}, ""},
		"not UTF-8":           {"Mes\xffsenger", "Mes\uFFFDsenger", nil, ""},
		"very long":           {strings.Repeat("a", 10000), strings.Repeat("a", 80) + "…", []string{strings.Repeat("a", 81)}, ""},
		"a pile of marks":     {"M" + strings.Repeat("\u0301", 50), "M\u0301\u0301<", nil, "name.invisible"},
		"a template":          {"{{.CSRF}}", "{{.CSRF}}", nil, ""},
		"an invisible letter": {"Mes\u3164senger", "Messenger", []string{"\u3164"}, "name.invisible"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.parties.partners["messenger"] = registry.Partner{ID: "messenger", Name: c.raw, Standing: registry.Active}
			request := s.request()
			b := s.ona()
			path := s.ask(request)
			given := s.given()
			for _, at := range []string{path, "/", pathOf(given), pathOf(given) + "/revoke", pathOf(given) + "/receipt"} {
				page := b.get(at)
				page.has(t, strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(c.says, "<bdi>"), "</bdi>"), "<"))
				page.hasNot(t, c.never...)
			}
			page := b.get(path)
			page.has(t, c.says)
			if c.doubt != "" {
				page.has(t, `data-doubt="`+c.doubt+`"`)
			} else {
				page.hasNot(t, "data-doubt")
			}
		})
	}
}

func TestSentencesAndAccountNamesAreShownHarmlessly(t *testing.T) {
	s := newStand(t)
	s.bank.extras["ona"] = []holdings.Account{{
		ID: "acc\"><script>", Name: "<b>Gift</b>\u202e", Number: "•••• 1111",
		Holders: []holdings.Holder{{Customer: "ona"}, {Customer: "x", Name: "<i>X</i>\u2066", MustAgree: true}},
	}}
	c := s.request(func(t *consent.Terms) { t.PurposeText = "See </blockquote><script>alert(1)</script>\u202e it" })
	page := s.ona().get(s.ask(c))
	page.has(t, "&lt;b&gt;Gift&lt;/b&gt;", "&lt;i&gt;X&lt;/i&gt;", "&lt;/blockquote&gt;")
	page.hasNot(t, "\u202e", "\u2066", "<script>alert")
}
