package samplebank

import (
	"net/http"

	"golang.org/x/text/language"
)

// texts are the page's words in one language.
type texts struct {
	Lang, Title, Why, Customer, FirstFactor, SecondFactor, SixDigits, Enter, Cancel string
	Demo, DemoExample, Wrong, TooMany, Ended                                        string
}

// textsFor are those the gateway asked for, or else those the browser prefers.
func textsFor(asked []language.Tag, r *http.Request) texts {
	if len(asked) == 0 {
		asked, _, _ = language.ParseAcceptLanguage(r.Header.Get("Accept-Language")) // none if it is malformed
	}
	_, i, _ := language.NewMatcher([]language.Tag{language.English, language.Lithuanian}).Match(asked...)
	return [...]texts{{
		Lang: "en", Title: "Log in to your bank", Why: "Sluice asks us who you are. Your password stays here.",
		Customer: "Customer number", FirstFactor: "Password", SecondFactor: "Code from your device", SixDigits: "Six digits",
		Enter: "Log in", Cancel: "Cancel",
		Demo:        "This is a demonstration. Every customer has this password and this code:",
		DemoExample: "A customer to try:",
		Wrong:       "The customer number, the password or the code is wrong.",
		TooMany:     "There were too many wrong tries. Wait five minutes, then try again.",
		Ended:       "This login has ended. Go back to where you came from and begin again.",
	}, {
		Lang: "lt", Title: "Prisijunkite prie savo banko", Why: "„Sluice“ klausia mūsų, kas esate. Jūsų slaptažodis lieka čia.",
		Customer: "Kliento numeris", FirstFactor: "Slaptažodis", SecondFactor: "Kodas iš jūsų įrenginio", SixDigits: "Šeši skaitmenys",
		Enter: "Prisijungti", Cancel: "Atšaukti",
		Demo:        "Tai demonstracija. Visų klientų slaptažodis ir kodas yra tokie:",
		DemoExample: "Klientas išbandymui:",
		Wrong:       "Neteisingas kliento numeris, slaptažodis arba kodas.",
		TooMany:     "Per daug neteisingų bandymų. Palaukite penkias minutes ir bandykite dar kartą.",
		Ended:       "Šis prisijungimas nebegalioja. Grįžkite ten, iš kur atėjote, ir pradėkite iš naujo.",
	}}[i]
}
